#include "blob/known_contents.h"

#include <iterator>
#include <utility>

namespace mekong::blob {
namespace {

constexpr size_t entry_bytes = 200;  // of nodes and counters, about

}  // namespace

size_t KnownContents::bytes_of(const Entry& entry) {
  return entry_bytes + entry.id.size() + entry.content->size();
}

KnownContents::Content KnownContents::find(std::string_view id) {
  std::lock_guard lock(mutex_);
  const auto found = by_id_.find(id);
  if (found == by_id_.end()) return nullptr;
  entries_.splice(entries_.begin(), entries_, found->second);
  return found->second->content;
}

void KnownContents::keep(std::string id, Content content) {
  std::lock_guard lock(mutex_);
  if (by_id_.contains(id)) return;
  entries_.push_front({std::move(id), std::move(content)});
  by_id_.emplace(entries_.front().id, entries_.begin());
  bytes_ += bytes_of(entries_.front());
  while (bytes_ > max_bytes_ && !entries_.empty()) remove(std::prev(entries_.end()));
}

void KnownContents::forget(std::string_view id) {
  std::lock_guard lock(mutex_);
  if (const auto found = by_id_.find(id); found != by_id_.end()) remove(found->second);
}

void KnownContents::remove(Entries::iterator entry) {
  bytes_ -= bytes_of(*entry);
  by_id_.erase(entry->id);
  entries_.erase(entry);
}

size_t KnownContents::bytes() const {
  std::lock_guard lock(mutex_);
  return bytes_;
}

}  // namespace mekong::blob
