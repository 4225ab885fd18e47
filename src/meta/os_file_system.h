// RocksDB's file system on os::Files, so that the store can run on the in-memory twin: for tests that walk
// over failure points and cut the power. Production uses RocksDB's own.
#pragma once
#include <rocksdb/file_system.h>

#include <memory>

#include "os/files.h"

namespace mekong::meta {

// `files` must outlive it.
std::shared_ptr<rocksdb::FileSystem> make_os_file_system(os::Files& files);

}  // namespace mekong::meta
