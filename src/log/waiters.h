// Reads that wait for partitions to grow: found by partition, so that an append looks only at those who wait
// for it. Any thread.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/task.h"
#include "log/log.h"

namespace mekong::log {

class Waiters {
 public:
  using Positions = std::vector<std::pair<PartitionId, int64_t>>;

  // Set to true by a wake() past any of the positions.
  Future<bool> add(const Positions& positions);
  void cancel(const Future<bool>& wait);  // set to false, unless it is over
  void wake(const PartitionId& partition, int64_t high_watermark);

 private:
  struct Waiter {
    Positions positions;
    Promise<bool> done;
  };
  using Key = const void*;                     // the future's identity
  std::optional<Promise<bool>> take(Key key);  // mutex held

  std::mutex mutex_;
  std::map<Key, Waiter> waiters_;
  std::unordered_multimap<PartitionId, std::pair<int64_t, Key>> by_partition_;
};

}  // namespace mekong::log
