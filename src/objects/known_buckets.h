// Records of buckets that were read, so that a request finds its bucket without the store; what the store has
// is never older than what is found here. Whoever changes a bucket holds a Change from before its commit
// until after it: meanwhile nothing is found, and what others read then is not kept. Any thread.
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

  class Change {
   public:
    Change(KnownBuckets& known, std::string_view name);
    ~Change();
    Change(const Change&) = delete;
    Change& operator=(const Change&) = delete;

   private:
    KnownBuckets& known_;
  };

 private:
  mutable std::shared_mutex mutex_;
  std::map<std::string, KnownBucketPtr, std::less<>> buckets_;
  uint64_t changes_ = 0;  // begun and ended ones
  int under_way_ = 0;
};

}  // namespace mekong::objects
