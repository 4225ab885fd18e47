// Records of buckets that were read, so that a request finds its bucket without the store. A watch of the
// buckets forgets them (docs/decisions/0055): from when a change is acknowledged on, nothing older is found.
// Any thread.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <shared_mutex>
#include <string>
#include <string_view>

#include "objects/objects.h"

namespace mekong::objects {

struct KnownBucket {
  std::string record;  // as it lies in meta, for conditions
  Bucket bucket;
};
using KnownBucketPtr = std::shared_ptr<const KnownBucket>;

class KnownBuckets {
 public:
  // Null where it must be read; `reading` then goes with it to keep().
  KnownBucketPtr find(std::string_view name, uint64_t& reading) const;
  void keep(uint64_t reading, KnownBucketPtr read);

  // It was changed: what was read before this call is not kept after it either.
  void forget(std::string_view name);

 private:
  mutable std::shared_mutex mutex_;
  std::map<std::string, KnownBucketPtr, std::less<>> buckets_;
  uint64_t changes_ = 0;
};

}  // namespace mekong::objects
