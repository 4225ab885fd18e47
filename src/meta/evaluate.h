// What a batch does to a view of the store: shared by every implementation, so that they cannot differ.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "meta/store.h"

namespace mekong::meta {

// The state as of the batches before this one.
class View {
 public:
  virtual ~View() = default;
  virtual bool has_family(const std::string& family) const = 0;
  virtual Result<std::optional<std::string>> get(const std::string& family, const std::string& key) = 0;
  virtual void set(const std::string& family, const std::string& key, std::optional<std::string> value) = 0;
};

// Checks every condition, then applies writes and counters; after a failure nothing was set.
Status evaluate(const Batch& batch, View& view);

}  // namespace mekong::meta
