// The making of a store's folder. RocksDB makes one by some twenty steps, each synced before the next, which
// is most of a first start; yet nothing is acknowledged before all are done. So they are made without syncs,
// and then made durable together.
//
// While the file `being-made` stands in the folder it is half made: nothing in it was ever acknowledged, and
// the next opening empties it and begins again. The mark is durable before anything else is written, and goes
// when everything else is durable.
#pragma once
#include <rocksdb/env.h>

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"

namespace mekong::meta {

class DeferredSyncs;

class NewFolder {
 public:
  // Whether a folder with these names in it is one to make a store in: nothing was ever acknowledged there.
  static bool is_new(std::vector<std::string> names);
  // Null where the folder holds a store, or what is left of one. InUse: another has the folder's lock.
  // StorageFailed. `base` must outlive what is returned.
  static Result<std::unique_ptr<NewFolder>> begin(rocksdb::Env& base, const std::string& folder);

  // What the store is opened with; passes syncs on once finish() was called.
  const std::shared_ptr<rocksdb::Env>& env() const { return env_; }
  // What was written so far is durable, and the folder is a store's. After a failure it is still half made.
  Status finish();

 private:
  NewFolder(rocksdb::Env& base, std::string folder);
  Status sync_files(const std::vector<std::string>& names);

  rocksdb::Env& base_;
  const std::string folder_;
  const std::shared_ptr<DeferredSyncs> files_;
  const std::shared_ptr<rocksdb::Env> env_;
};

}  // namespace mekong::meta
