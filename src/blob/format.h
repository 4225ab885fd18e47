// The file of one large content. The bytes come first and alone, so that a descriptor can be handed out as it
// is:
//
//   content                      size bytes
//   block checksums              u32 little endian for each 64 KiB block (the last may be shorter)
//   footer, 32 bytes             "MKBLOB01" · u64 size · u32 block bytes · u32 crc of the block checksums ·
//                                u32 crc of the footer before this · u32 zero
//
// A checksum is the CRC32C of the content's id, the block's number and the block's bytes: a block that lies
// in the wrong file or at the wrong place does not match (`misdirected_write`).
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace mekong::blob {

constexpr size_t block_bytes = 64 << 10;
constexpr size_t footer_bytes = 32;

uint32_t block_checksum(std::string_view id, uint64_t block, std::string_view bytes);
// Everything after the content.
std::string encode_trailer(std::string_view id, uint64_t size_bytes, const std::vector<uint32_t>& checksums);
// `trailer`: all bytes of the file after `size_bytes`. Error: "ContentCorrupt".
Result<std::vector<uint32_t>> decode_trailer(std::string_view id, uint64_t size_bytes,
                                             std::string_view trailer);
uint64_t blocks_of(uint64_t size_bytes);

}  // namespace mekong::blob
