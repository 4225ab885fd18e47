#include "meta/table_end.h"

#include <cstdint>

namespace mekong::meta {
namespace {

// https://github.com/facebook/rocksdb/wiki/Rocksdb-BlockBasedTable-Format, format version 1 and later: kind
// of checksum (1), handle of the metaindex (offset and size, varints), handle of the index, padding, version
// (4), magic (8).
constexpr uint64_t footer_bytes = 53;
// Behind each block: how it is compressed (1), checksum (4). The properties stand right before the metaindex.
constexpr uint64_t trailer_bytes = 5;

// UINT64_MAX: none.
uint64_t metaindex_offset(std::string_view footer) {
  uint64_t offset = 0;
  for (unsigned at = 0; at < 9; ++at) {
    const auto byte = static_cast<unsigned char>(footer[1 + at]);
    offset |= static_cast<uint64_t>(byte & 0x7f) << (7 * at);
    if (byte < 0x80) return offset;
  }
  return UINT64_MAX;
}

}  // namespace

Status examine_table_end(const os::File& file, const std::string& path) {
  MEKONG_TRY_ASSIGN(const uint64_t size, file.size());
  if (size < footer_bytes) return ok();
  MEKONG_TRY_ASSIGN(const std::string footer, file.read(size - footer_bytes, footer_bytes));
  if (footer.size() < footer_bytes) return ok();
  const uint64_t metaindex = metaindex_offset(footer);
  if (metaindex > size || metaindex <= trailer_bytes) return ok();
  const uint64_t last_of_properties = metaindex - trailer_bytes - 1;
  MEKONG_TRY_ASSIGN(const std::string byte, file.read(last_of_properties, 1));
  if (byte.empty() || static_cast<unsigned char>(byte[0]) < 0x80) return ok();
  return Error{"Corruption",
               "the properties of " + path + " are damaged at byte " + std::to_string(last_of_properties)};
}

}  // namespace mekong::meta
