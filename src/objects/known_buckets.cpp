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
  if (reading != changes_ || under_way_ > 0) return;
  if (buckets_.size() >= buckets_max) buckets_.clear();
  buckets_.insert_or_assign(read->bucket.name, std::move(read));
}

KnownBuckets::Change::Change(KnownBuckets& known, std::string_view name) : known_(known) {
  std::lock_guard lock(known_.mutex_);
  ++known_.changes_;
  ++known_.under_way_;
  if (auto found = known_.buckets_.find(name); found != known_.buckets_.end()) known_.buckets_.erase(found);
}

KnownBuckets::Change::~Change() {
  std::lock_guard lock(known_.mutex_);
  ++known_.changes_;
  --known_.under_way_;
}

}  // namespace mekong::objects
