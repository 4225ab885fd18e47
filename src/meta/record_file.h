// The record format of RocksDB's journals and manifests (https://github.com/facebook/rocksdb/wiki/
// Write-Ahead-Log-File-Format): blocks of 32 KiB with records of crc (4), length (2), type (1) and bytes, all
// little endian; the checksum covers type and bytes, not the length.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace mekong::meta {

// What stands at the end of such a file's good records.
struct RecordFileEnd {
  enum class Kind { whole, torn, damaged } kind = Kind::whole;
  uint64_t offset = 0;  // of what is not good
};

// torn: the last record's bytes end too early, or sectors of it are zeros, as a crash in the middle of a
// write leaves it; each record is flushed before the next one begins, so none begins behind it. A last record
// with one wrong bit in its head (its length, or a type with a longer head) is damaged: RocksDB would take it
// for torn and drop it without a word.
RecordFileEnd examine_record_file(std::string_view content);

}  // namespace mekong::meta
