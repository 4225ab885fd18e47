#include "log/gathered.h"

namespace mekong::log {

void Gathered::note(const PartitionPtr& partition) {
  const size_t bytes = partition->gathered_memory_bytes();
  auto found = waiting_.find(partition.get());
  if (found == waiting_.end()) {
    if (bytes == 0) return;
    const auto place = oldest_first_.insert(oldest_first_.end(), partition);
    found = waiting_.emplace(partition.get(), Waiting{place}).first;
  }
  bytes_ += bytes - found->second.bytes;
  found->second.bytes = bytes;
  if (bytes == 0) forget(*partition);
}

void Gathered::forget(const Partition& removed) {
  const auto found = waiting_.find(&removed);
  if (found == waiting_.end()) return;
  bytes_ -= found->second.bytes;
  oldest_first_.erase(found->second.place);
  waiting_.erase(found);
}

Status Gathered::write_down_to(size_t bytes_max) {
  while (bytes_ > bytes_max) {
    const PartitionPtr oldest = oldest_first_.front();
    MEKONG_TRY(oldest->write_gathered());
    note(oldest);
  }
  return ok();
}

}  // namespace mekong::log
