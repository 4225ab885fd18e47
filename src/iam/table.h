// One kind of record: in meta under a prefix, all of it in memory for the decision path.
#pragma once
#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <vector>

#include "base/result.h"
#include "codec/record.h"
#include "meta/store.h"

namespace mekong::iam {

inline constexpr std::string_view family = "iam";

// Writes of several tables as one step: one batch, and what memory shows once it is durable.
class Change {
 public:
  Status commit(meta::Store& store) {
    MEKONG_TRY(store.commit(std::move(batch_)).get());
    for (const auto& apply : applied_) apply();
    return ok();
  }

 private:
  template <class T>
  friend class Table;
  meta::Batch batch_;
  std::vector<std::function<void()>> applied_;
};

// Reads: any thread, never blocked by a commit. Writes: one at a time (Directory's write lock); a write is
// durable before a reader sees it, and seen before it is acknowledged.
template <class T>
class Table {
 public:
  using Ptr = std::shared_ptr<const T>;
  Table(meta::Store& store, std::string prefix) : store_(store), prefix_(std::move(prefix)) {}

  Status load() {
    auto range = meta::prefix_range(prefix_);
    for (;;) {
      MEKONG_TRY_ASSIGN(auto page, store_.scan(family, range));
      for (auto& [key, value] : page) {
        MEKONG_TRY_ASSIGN(T record, codec::decode_record<T>(value));
        records_[key.substr(prefix_.size())] = std::make_shared<const T>(std::move(record));
      }
      if (page.size() < range.limit) return ok();
      range.after = page.back().key;
    }
  }

  Ptr find(const std::string& key) const {
    std::shared_lock lock(mutex_);
    auto at = records_.find(key);
    return at == records_.end() ? nullptr : at->second;
  }

  // Rises with every write that a reader can see.
  uint64_t version() const { return version_; }

  // In order of their keys.
  std::vector<Ptr> list(const std::string& key_prefix) const {
    std::vector<Ptr> out;
    std::shared_lock lock(mutex_);
    for (auto at = records_.lower_bound(key_prefix); at != records_.end(); ++at) {
      if (!at->first.starts_with(key_prefix)) break;
      out.push_back(at->second);
    }
    return out;
  }

  void put(Change& change, const std::string& key, T record) {
    change.batch_.put(family, prefix_ + key, codec::encode_record(record));
    change.applied_.push_back([this, key, held = std::make_shared<const T>(std::move(record))] {
      std::unique_lock lock(mutex_);
      records_[key] = held;
      ++version_;
    });
  }

  void remove(Change& change, const std::string& key) {
    change.batch_.remove(family, prefix_ + key);
    change.applied_.push_back([this, key] {
      std::unique_lock lock(mutex_);
      records_.erase(key);
      ++version_;
    });
  }

  Status put(const std::string& key, T record) {
    Change change;
    put(change, key, std::move(record));
    return change.commit(store_);
  }

  Status remove(const std::string& key) {
    Change change;
    remove(change, key);
    return change.commit(store_);
  }

 private:
  meta::Store& store_;
  const std::string prefix_;
  mutable std::shared_mutex mutex_;
  std::map<std::string, Ptr> records_;
  std::atomic<uint64_t> version_ = 0;
};

}  // namespace mekong::iam
