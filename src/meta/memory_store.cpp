#include <map>
#include <mutex>
#include <utility>

#include "meta/evaluate.h"
#include "meta/watchers.h"

namespace mekong::meta {
namespace {

using Family = std::map<std::string, std::string, std::less<>>;
using Families = std::map<std::string, Family, std::less<>>;

class MemoryView final : public View {
 public:
  MemoryView(Families& families, const Watchers& watchers) : families_(families), watchers_(watchers) {}
  bool has_family(const std::string&) const override { return true; }
  Result<std::optional<std::string>> get(const std::string& family, const std::string& key) override {
    auto& entries = families_[family];
    auto found = entries.find(key);
    if (found == entries.end()) return std::optional<std::string>();
    return std::make_optional(found->second);
  }
  void set(const std::string& family, const std::string& key, std::optional<std::string> value) override {
    if (watchers_.wants(family, key)) changes_.push_back({family, {key, value}});
    if (value) {
      families_[family][key] = std::move(*value);
    } else {
      families_[family].erase(key);
    }
  }
  const std::vector<FamilyChange>& changes() const { return changes_; }

 private:
  Families& families_;
  const Watchers& watchers_;
  std::vector<FamilyChange> changes_;
};

Result<std::optional<std::string>> get_of(const Families& families, std::string_view family,
                                          std::string_view key) {
  auto entries = families.find(family);
  if (entries == families.end()) return std::optional<std::string>();
  auto found = entries->second.find(key);
  if (found == entries->second.end()) return std::optional<std::string>();
  return std::make_optional(found->second);
}

Result<std::vector<KeyValue>> scan_of(const Families& families, std::string_view family,
                                      const ScanRange& range) {
  std::vector<KeyValue> found;
  auto entries = families.find(family);
  if (entries == families.end()) return found;
  const Family& keys = entries->second;
  auto first = keys.lower_bound(range.begin);
  auto last = range.end.empty() ? keys.end() : keys.lower_bound(range.end);
  if (!range.end.empty() && range.end <= range.begin) last = first;
  if (range.reverse) {
    for (auto at = last; at != first && found.size() < range.limit;) {
      --at;
      if (!range.after || at->first < *range.after) found.push_back({at->first, at->second});
    }
    return found;
  }
  if (range.after && *range.after >= range.begin) first = keys.upper_bound(*range.after);
  if (!range.end.empty() && range.after && *range.after >= range.end) return found;
  for (auto at = first; at != last && found.size() < range.limit; ++at) {
    found.push_back({at->first, at->second});
  }
  return found;
}

class MemorySnapshot final : public Reader {
 public:
  explicit MemorySnapshot(Families families) : families_(std::move(families)) {}
  Result<std::optional<std::string>> get(std::string_view family, std::string_view key) const override {
    return get_of(families_, family, key);
  }
  Result<std::vector<KeyValue>> scan(std::string_view family, const ScanRange& range) const override {
    return scan_of(families_, family, range);
  }

 private:
  const Families families_;
};

class MemoryStore final : public Store {
 public:
  Result<std::optional<std::string>> get(std::string_view family, std::string_view key) const override {
    std::lock_guard lock(mutex_);
    return get_of(families_, family, key);
  }
  Result<std::vector<KeyValue>> scan(std::string_view family, const ScanRange& range) const override {
    std::lock_guard lock(mutex_);
    return scan_of(families_, family, range);
  }
  std::unique_ptr<const Reader> snapshot() const override {
    std::lock_guard lock(mutex_);
    return std::make_unique<MemorySnapshot>(families_);
  }
  std::unique_ptr<Watch> watch(std::string family, std::string prefix,
                               std::function<void(std::span<const Change>)> seen) override {
    return watchers_.add(std::move(family), std::move(prefix), std::move(seen));
  }
  // Commits come one after the other until each is told, too; whoever is told may read.
  Future<Status> commit(Batch batch) override {
    std::lock_guard order(order_);
    std::unique_lock lock(mutex_);
    MemoryView view(families_, watchers_);
    auto status = evaluate(batch, view);
    lock.unlock();
    if (status.ok()) watchers_.tell(view.changes());
    return Future<Status>::ready(std::move(status));
  }

 private:
  std::mutex order_;
  mutable std::mutex mutex_;  // of families_
  Families families_;
  Watchers watchers_;
};

}  // namespace

std::unique_ptr<Store> make_memory_store() {
  return std::make_unique<MemoryStore>();
}

}  // namespace mekong::meta
