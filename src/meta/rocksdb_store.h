// The embedded store with its file system given: what open_rocksdb stands on, and where tests inject faults.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "meta/store.h"
#include "os/files.h"

namespace rocksdb {
class DB;
class Env;
}  // namespace rocksdb

namespace mekong::meta {

Result<std::unique_ptr<Store>> open_rocksdb_on(std::shared_ptr<rocksdb::Env> env, const std::string& folder,
                                               std::vector<std::string> families, Durability durability);
// Tables are examined when they are opened (table_end.h). `files` must outlive it.
std::shared_ptr<rocksdb::Env> env_on(os::Files& files);
// On os::Files, which must outlive the store: for runs on the in-memory twin.
Result<std::unique_ptr<Store>> open_rocksdb_on(os::Files& files, const std::string& folder,
                                               std::vector<std::string> families, Durability durability);

struct ReadOnlyStore {
  std::unique_ptr<Store> store;  // with all families of the folder; a commit fails with "ReadOnly"
  rocksdb::DB* db = nullptr;     // the store's own
  std::vector<std::string> families;
};
// Changes nothing in the folder, and needs no lock on it.
Result<ReadOnlyStore> open_read_only_on(std::shared_ptr<rocksdb::Env> env, const std::string& folder);

}  // namespace mekong::meta
