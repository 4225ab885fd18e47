// The embedded store with its file system given: what open_rocksdb stands on, and where tests inject faults.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "meta/store.h"
#include "os/files.h"

namespace rocksdb {
class Env;
}

namespace mekong::meta {

// Without `env`: RocksDB's own.
Result<std::unique_ptr<Store>> open_rocksdb_on(std::shared_ptr<rocksdb::Env> env, const std::string& folder,
                                               std::vector<std::string> families, Durability durability);
// On os::Files, which must outlive the store: for runs on the in-memory twin.
Result<std::unique_ptr<Store>> open_rocksdb_on(os::Files& files, const std::string& folder,
                                               std::vector<std::string> families, Durability durability);

}  // namespace mekong::meta
