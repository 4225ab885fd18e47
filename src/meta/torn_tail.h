// Before RocksDB opens a folder: what a power cut left at the end of its journals is cut off, and what is
// damaged before it refuses the folder. RocksDB itself refuses a last record of full length with sectors that
// never reached the disk, and takes one whose length alone is wrong for the end.
#pragma once
#include <rocksdb/env.h>

#include <string>

#include "base/result.h"

namespace mekong::meta {

// InUse: another has the folder's lock, and its journals grow. StorageFailed names the file and the byte;
// nothing is changed then.
Status cut_torn_tails(rocksdb::Env& env, const std::string& folder);

}  // namespace mekong::meta
