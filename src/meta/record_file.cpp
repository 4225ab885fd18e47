#include "meta/record_file.h"

#include <algorithm>
#include <string>

#include "base/crc32c.h"

namespace mekong::meta {
namespace {

constexpr size_t block_bytes = 32 << 10;
constexpr size_t header_bytes = 7, recyclable_header_bytes = 11;
constexpr size_t sector_bytes = 512;
constexpr uint8_t full_type = 1, first_type = 2;  // those that begin a record
constexpr uint8_t zero_type = 0, recyclable_full = 5, recyclable_last = 8;

uint32_t little_endian(std::string_view bytes, size_t at, size_t size) {
  uint32_t number = 0;
  for (size_t i = 0; i < size; ++i)
    number |= static_cast<uint32_t>(static_cast<unsigned char>(bytes[at + i])) << (8 * i);
  return number;
}

// As stored: a checksum of bytes that hold checksums would be a poor one.
uint32_t unmasked(uint32_t stored) {
  const uint32_t rotated = stored - 0xa282ead8;
  return (rotated >> 17) | (rotated << 15);
}

size_t header_of(std::string_view bytes) {
  const auto type = static_cast<uint8_t>(bytes[6]);
  return type >= recyclable_full && type <= recyclable_last ? recyclable_header_bytes : header_bytes;
}

// `bytes` begins with a record's header: does the record match its checksum if it is `length` bytes long?
bool matches(std::string_view bytes, size_t length) {
  const size_t head = header_of(bytes);
  if (bytes.size() < head + length) return false;
  return crc32c(bytes.substr(6, head - 6 + length)) == unmasked(little_endian(bytes, 0, 4));
}

// Would the record be good with one bit of its head turned over?
bool only_head_is_wrong(std::string_view bytes) {
  std::string turned(bytes);
  for (size_t at = 0; at < header_bytes; ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      turned[at] = static_cast<char>(bytes[at] ^ (1 << bit));
      if (matches(turned, little_endian(turned, 4, 2))) return true;
    }
    turned[at] = bytes[at];
  }
  return false;
}

// Does a good record begin anywhere from `at` on?
bool another_begins(std::string_view content, uint64_t at) {
  for (; at + header_bytes <= content.size(); ++at) {
    const size_t left_in_block = block_bytes - at % block_bytes;
    if (left_in_block < header_bytes) continue;
    const auto type = static_cast<uint8_t>(content[at + 6]);
    if (type != full_type && type != first_type) continue;
    const auto rest = content.substr(at, left_in_block);
    if (matches(rest, little_endian(rest, 4, 2))) return true;
  }
  return false;
}

// Is there a sector from `at` on, or what of it is there, of nothing but zeros?
bool misses_a_sector(std::string_view content, uint64_t at) {
  while (at < content.size()) {
    const auto piece = content.substr(at, sector_bytes - at % sector_bytes);
    if (piece.find_first_not_of('\0') == std::string_view::npos) return true;
    at += piece.size();
  }
  return false;
}

}  // namespace

RecordFileEnd examine_record_file(std::string_view content) {
  using Kind = RecordFileEnd::Kind;
  uint64_t at = 0;
  while (at < content.size()) {
    const size_t left_in_block = block_bytes - at % block_bytes;
    if (left_in_block < header_bytes) {
      at += left_in_block;  // filled with zeros
      continue;
    }
    const auto rest = content.substr(at, left_in_block);
    if (rest.size() < header_bytes) return {Kind::torn, at};
    const size_t length = little_endian(rest, 4, 2);
    // Space that was reserved and not written reads as zeros.
    if (static_cast<uint8_t>(rest[6]) == zero_type && length == 0) {
      return {another_begins(content, at) ? Kind::damaged : Kind::torn, at};
    }
    if (matches(rest, length)) {
      at += header_of(rest) + length;
      continue;
    }
    const bool cut = content.size() - at < std::min(left_in_block, header_of(rest) + length);
    const bool torn = (cut || misses_a_sector(content, at)) && !only_head_is_wrong(rest) &&
                      !another_begins(content, at + 1);
    return {torn ? Kind::torn : Kind::damaged, at};
  }
  return {Kind::whole, content.size()};
}

}  // namespace mekong::meta
