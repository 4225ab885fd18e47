// The embedded store with its file system given: what open_rocksdb stands on, and where tests inject faults.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "meta/store.h"

namespace rocksdb {
class Env;
}

namespace mekong::meta {

// `env` must outlive the store; null: RocksDB's own.
Result<std::unique_ptr<Store>> open_rocksdb_on(rocksdb::Env* env, const std::string& folder,
                                               std::vector<std::string> families, Durability durability);

}  // namespace mekong::meta
