#include "log/waiters.h"

#include <optional>

namespace mekong::log {

Future<bool> Waiters::add(const Positions& positions) {
  Waiter waiter{positions, {}};
  auto future = waiter.done.future();
  std::lock_guard lock(mutex_);
  for (const auto& [partition, offset] : positions) {
    by_partition_.emplace(partition, std::pair(offset, future.identity()));
  }
  waiters_.emplace(future.identity(), std::move(waiter));
  return future;
}

std::optional<Promise<bool>> Waiters::take(Key key) {
  auto found = waiters_.find(key);
  if (found == waiters_.end()) return std::nullopt;
  for (const auto& [partition, offset] : found->second.positions) {
    auto [at, end] = by_partition_.equal_range(partition);
    while (at != end) at = at->second.second == key ? by_partition_.erase(at) : std::next(at);
  }
  auto done = std::move(found->second.done);
  waiters_.erase(found);
  return done;
}

void Waiters::cancel(const Future<bool>& wait) {
  std::optional<Promise<bool>> done;
  {
    std::lock_guard lock(mutex_);
    done = take(wait.identity());
  }
  if (done) done->set(false);
}

void Waiters::wake(const PartitionId& partition, int64_t high_watermark) {
  std::vector<Promise<bool>> ready;
  {
    std::lock_guard lock(mutex_);
    std::vector<Key> passed;
    const auto [begin, end] = by_partition_.equal_range(partition);
    for (auto at = begin; at != end; ++at) {
      if (high_watermark > at->second.first) passed.push_back(at->second.second);
    }
    for (const Key key : passed) {
      if (auto done = take(key)) ready.push_back(std::move(*done));
    }
  }
  for (const auto& promise : ready) promise.set(true);
}

}  // namespace mekong::log
