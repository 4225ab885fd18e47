// Passes everything on to another store: for tests that look at, hold up or fail one of its calls.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "meta/store.h"

namespace mekong::meta {

class ForwardingStore : public Store {
 public:
  explicit ForwardingStore(Store& inner) : inner_(inner) {}
  Result<std::optional<std::string>> get(std::string_view family, std::string_view key) const override {
    return inner_.get(family, key);
  }
  Result<std::vector<KeyValue>> scan(std::string_view family, const ScanRange& range) const override {
    return inner_.scan(family, range);
  }
  Future<Status> commit(Batch batch) override { return inner_.commit(std::move(batch)); }
  std::unique_ptr<const Reader> snapshot() const override { return inner_.snapshot(); }
  std::unique_ptr<Watch> watch(std::string family, std::string prefix,
                               std::function<void(std::span<const Change>)> seen) override {
    return inner_.watch(std::move(family), std::move(prefix), std::move(seen));
  }
  Status checkpoint(const std::string& folder) override { return inner_.checkpoint(folder); }

 protected:
  Store& inner_;
};

}  // namespace mekong::meta
