#include "meta/watchers.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <utility>

namespace mekong::meta {
namespace {

struct Entry {
  std::string family, prefix;
  std::function<void(std::span<const Change>)> seen;

  bool covers(std::string_view of, std::string_view key) const {
    return of == family && key.starts_with(prefix);
  }
};

}  // namespace

struct Watchers::State {
  std::atomic<size_t> count = 0;  // looked at before the lock, for most stores have no watch
  mutable std::mutex mutex;       // held while `seen` runs: so a watch that has ended is not called any more
  std::vector<std::shared_ptr<Entry>> entries;
};

class Watchers::Held final : public Watch {
 public:
  Held(std::shared_ptr<State> state, std::shared_ptr<Entry> entry)
      : state_(std::move(state)), entry_(std::move(entry)) {}
  ~Held() override {
    std::lock_guard lock(state_->mutex);
    std::erase(state_->entries, entry_);
    state_->count = state_->entries.size();
  }

 private:
  std::shared_ptr<State> state_;
  std::shared_ptr<Entry> entry_;
};

Watchers::Watchers() : state_(std::make_shared<State>()) {}
Watchers::~Watchers() = default;

std::unique_ptr<Watch> Watchers::add(std::string family, std::string prefix,
                                     std::function<void(std::span<const Change>)> seen) {
  auto entry = std::make_shared<Entry>(Entry{std::move(family), std::move(prefix), std::move(seen)});
  std::lock_guard lock(state_->mutex);
  state_->entries.push_back(entry);
  state_->count = state_->entries.size();
  return std::make_unique<Held>(state_, std::move(entry));
}

bool Watchers::wants(std::string_view family, std::string_view key) const {
  if (state_->count == 0) return false;
  std::lock_guard lock(state_->mutex);
  return std::ranges::any_of(state_->entries, [&](const auto& entry) { return entry->covers(family, key); });
}

void Watchers::tell(std::span<const FamilyChange> commit) {
  if (commit.empty()) return;
  std::lock_guard lock(state_->mutex);
  for (const auto& entry : state_->entries) {
    std::vector<Change> changes;
    for (const auto& [family, change] : commit) {
      if (entry->covers(family, change.key)) changes.push_back(change);
    }
    if (!changes.empty()) entry->seen(changes);
  }
}

}  // namespace mekong::meta
