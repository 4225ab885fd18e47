// The one place of a table that RocksDB 7.8 interprets before it has checked its sum: the properties, whose
// last word has a flag that a table of ours never sets, and on which a build with assertions (Debian's) ends
// the process (table/meta_blocks.cc, ReadTablePropertiesHelper; data_block_footer.cc).
#pragma once
#include <rocksdb/file_system.h>

#include <memory>

namespace mekong::meta {

// As `files`, but a table with the flag is Corruption to whoever opens it. A file too short for a table, or
// one whose footer leads nowhere, is RocksDB's to name. An opening reads two short pieces more.
std::shared_ptr<rocksdb::FileSystem> with_examined_tables(std::shared_ptr<rocksdb::FileSystem> files);

}  // namespace mekong::meta
