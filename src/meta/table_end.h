// The one place of a table that RocksDB 7.8 interprets before it has checked its sum: the properties, whose
// last word has a flag that a table of ours never sets, and on which a build with assertions (Debian's) ends
// the process (table/meta_blocks.cc, ReadTablePropertiesHelper; data_block_footer.cc).
#pragma once
#include <string>

#include "base/result.h"
#include "os/files.h"

namespace mekong::meta {

// Corruption: the flag is set. A file too short for a table, or one whose footer leads nowhere, is RocksDB's
// to name. Reads three short pieces.
Status examine_table_end(const os::File& file, const std::string& path);

}  // namespace mekong::meta
