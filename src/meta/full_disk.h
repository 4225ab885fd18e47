// A store on a disk that is full as long as a test says so.
#pragma once
#include <algorithm>
#include <atomic>
#include <utility>

#include "meta/forwarding_store.h"

namespace mekong::meta {

class FullDisk final : public ForwardingStore {
 public:
  // `frees`: as on the real thing, what only removes is taken while there is a little room.
  explicit FullDisk(Store& inner, bool frees = true) : ForwardingStore(inner), frees_(frees) {}
  Future<Status> commit(Batch batch) override {
    const auto removes = [](const auto& write) { return !write.value; };
    const bool taken = frees_ && batch.counts().empty() && std::ranges::all_of(batch.writes(), removes);
    if (!full || taken) return ForwardingStore::commit(std::move(batch));
    ++refused;
    return Future<Status>::ready(Error{"InsufficientStorage", "the disk is full"});
  }

  std::atomic<bool> full = false;
  std::atomic<int> refused = 0;

 private:
  const bool frees_;
};

}  // namespace mekong::meta
