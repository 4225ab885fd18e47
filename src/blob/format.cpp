#include "blob/format.h"

#include "base/crc32c.h"

namespace mekong::blob {
namespace {

constexpr std::string_view magic = "MKBLOB01";

template <class T>
void append_number(std::string& out, T number) {
  for (size_t i = 0; i < sizeof(T); ++i) out.push_back(static_cast<char>(number >> (8 * i)));
}

template <class T>
T read_number(std::string_view bytes, size_t at) {
  T number = 0;
  for (size_t i = 0; i < sizeof(T); ++i)
    number |= static_cast<T>(static_cast<unsigned char>(bytes[at + i])) << (8 * i);
  return number;
}

std::string encode_footer(std::string_view id, uint64_t size_bytes, std::string_view checksums) {
  std::string footer(magic);
  append_number<uint64_t>(footer, size_bytes);
  append_number<uint32_t>(footer, block_bytes);
  append_number<uint32_t>(footer, crc32c(checksums, crc32c(id)));
  append_number<uint32_t>(footer, crc32c(footer, crc32c(id)));
  append_number<uint32_t>(footer, 0);
  return footer;
}

}  // namespace

uint64_t blocks_of(uint64_t size_bytes) {
  return (size_bytes + block_bytes - 1) / block_bytes;
}

uint32_t block_checksum(std::string_view id, uint64_t block, std::string_view bytes) {
  std::string place(id);
  append_number<uint64_t>(place, block);
  return crc32c(bytes, crc32c(place));
}

std::string encode_trailer(std::string_view id, uint64_t size_bytes, const std::vector<uint32_t>& checksums) {
  std::string trailer;
  trailer.reserve(checksums.size() * 4 + footer_bytes);
  for (uint32_t checksum : checksums) append_number<uint32_t>(trailer, checksum);
  trailer += encode_footer(id, size_bytes, trailer);
  return trailer;
}

Result<std::vector<uint32_t>> decode_trailer(std::string_view id, uint64_t size_bytes,
                                             std::string_view trailer) {
  Error corrupt{"ContentCorrupt", "the checksums of content " + std::string(id) + " are damaged"};
  uint64_t blocks = blocks_of(size_bytes);
  if (trailer.size() != blocks * 4 + footer_bytes) return corrupt;
  auto checksums = trailer.substr(0, blocks * 4);
  if (trailer.substr(blocks * 4) != encode_footer(id, size_bytes, checksums)) return corrupt;
  std::vector<uint32_t> decoded(blocks);
  for (uint64_t i = 0; i < blocks; ++i) decoded[i] = read_number<uint32_t>(checksums, i * 4);
  return decoded;
}

}  // namespace mekong::blob
