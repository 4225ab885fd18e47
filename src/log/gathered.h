// The partitions with small shares that wait in memory for their segments (Segment::gather), those that have
// waited longest first. One thread, the committer's.
#pragma once
#include <cstddef>
#include <list>
#include <memory>
#include <unordered_map>

#include "log/partition.h"

namespace mekong::log {

class Gathered {
 public:
  using PartitionPtr = std::shared_ptr<Partition>;

  // After each change of what waits in it.
  void note(const PartitionPtr& partition);
  void forget(const Partition& removed);
  // Writes until at most so many bytes of memory hold what waits. Error: a write failed, and the log must
  // stop.
  Status write_down_to(size_t bytes_max);

 private:
  struct Waiting {
    std::list<PartitionPtr>::iterator place;
    size_t bytes = 0;
  };

  std::list<PartitionPtr> oldest_first_;
  std::unordered_map<const Partition*, Waiting> waiting_;
  size_t bytes_ = 0;
};

}  // namespace mekong::log
