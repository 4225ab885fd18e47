#include <map>
#include <mutex>
#include <utility>

#include "meta/evaluate.h"

namespace mekong::meta {
namespace {

using Family = std::map<std::string, std::string, std::less<>>;
using Families = std::map<std::string, Family, std::less<>>;

class MemoryView final : public View {
 public:
  explicit MemoryView(Families& families) : families_(families) {}
  bool has_family(const std::string&) const override { return true; }
  Result<std::optional<std::string>> get(const std::string& family, const std::string& key) override {
    auto& entries = families_[family];
    auto found = entries.find(key);
    if (found == entries.end()) return std::optional<std::string>();
    return std::make_optional(found->second);
  }
  void set(const std::string& family, const std::string& key, std::optional<std::string> value) override {
    if (value) {
      families_[family][key] = std::move(*value);
    } else {
      families_[family].erase(key);
    }
  }

 private:
  Families& families_;
};

class MemoryStore final : public Store {
 public:
  Result<std::optional<std::string>> get(std::string_view family, std::string_view key) const override {
    std::lock_guard lock(mutex_);
    auto entries = families_.find(family);
    if (entries == families_.end()) return std::optional<std::string>();
    auto found = entries->second.find(key);
    if (found == entries->second.end()) return std::optional<std::string>();
    return std::make_optional(found->second);
  }

  Result<std::vector<KeyValue>> scan(std::string_view family, const ScanRange& range) const override {
    std::lock_guard lock(mutex_);
    std::vector<KeyValue> found;
    auto entries = families_.find(family);
    if (entries == families_.end()) return found;
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

  Future<Status> commit(Batch batch) override {
    std::lock_guard lock(mutex_);
    MemoryView view(families_);
    return Future<Status>::ready(evaluate(batch, view));
  }

 private:
  mutable std::mutex mutex_;
  Families families_;
};

}  // namespace

std::unique_ptr<Store> make_memory_store() {
  return std::make_unique<MemoryStore>();
}

}  // namespace mekong::meta
