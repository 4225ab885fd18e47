#include "objects/known_buckets.h"

#include <mutex>
#include <utility>

namespace mekong::objects {
namespace {

constexpr size_t buckets_max = 256;  // a policy has 20 KiB at most

}  // namespace

KnownBucketPtr KnownBuckets::find(std::string_view name, uint64_t& reading) const {
  std::shared_lock lock(mutex_);
  reading = changes_;
  auto found = buckets_.find(name);
  return found == buckets_.end() ? nullptr : found->second;
}

void KnownBuckets::keep(uint64_t reading, KnownBucketPtr read) {
  std::lock_guard lock(mutex_);
  if (reading != changes_) return;
  if (buckets_.size() >= buckets_max) buckets_.clear();
  buckets_.insert_or_assign(read->bucket.name, std::move(read));
}

void KnownBuckets::forget(std::string_view name) {
  std::lock_guard lock(mutex_);
  ++changes_;
  if (auto found = buckets_.find(name); found != buckets_.end()) buckets_.erase(found);
}

}  // namespace mekong::objects
