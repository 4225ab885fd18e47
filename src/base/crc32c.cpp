#include "base/crc32c.h"

#include <array>
#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace mekong {
namespace {

constexpr uint32_t polynomial = 0x82F63B78;  // bit 31 is the term x^0

constexpr std::array<uint32_t, 256> make_table() {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? polynomial : 0);
    table[i] = crc;
  }
  return table;
}
constexpr auto table = make_table();

uint32_t by_table(const char* at, size_t bytes, uint32_t crc) {
  for (size_t i = 0; i < bytes; ++i)
    crc = table[(crc ^ static_cast<unsigned char>(at[i])) & 0xFF] ^ (crc >> 8);
  return crc;
}

#if defined(__x86_64__)

constexpr uint32_t multiply(uint32_t a, uint32_t b) {
  uint32_t product = 0;
  for (uint32_t term = 1u << 31; term != 0; term >>= 1) {
    if ((a & term) != 0) product ^= b;
    b = (b >> 1) ^ ((b & 1) != 0 ? polynomial : 0);
  }
  return product;
}

// What a checksum becomes when `bytes` zeros follow, byte by byte of the checksum.
using Shift = std::array<std::array<uint32_t, 256>, 4>;

constexpr Shift make_shift(size_t bytes) {
  uint32_t power = 1u << 31;
  for (size_t i = 0; i < 8 * bytes; ++i) power = (power >> 1) ^ ((power & 1) != 0 ? polynomial : 0);
  Shift shift{};
  for (uint32_t place = 0; place < 4; ++place) {
    for (uint32_t value = 0; value < 256; ++value) shift[place][value] = multiply(power, value << 8 * place);
  }
  return shift;
}

uint32_t shifted(const Shift& by, uint64_t crc) {
  return by[0][crc & 0xFF] ^ by[1][crc >> 8 & 0xFF] ^ by[2][crc >> 16 & 0xFF] ^ by[3][crc >> 24 & 0xFF];
}

uint64_t word_at(const char* at) {
  uint64_t word;
  std::memcpy(&word, at, 8);
  return word;
}

// The instruction's result comes three cycles later, and one can begin in each: three neighbouring lanes.
// What comes after them is asked for in its order, as the processor does not see three lanes as one stream:
// over bytes that are in no cache this is twice as fast.
template <size_t lane_bytes>
__attribute__((target("sse4.2"))) uint32_t by_lanes(const char*& at, size_t& bytes, uint32_t crc) {
  static constexpr Shift lane = make_shift(lane_bytes);
  constexpr size_t line_bytes = 64, ahead_bytes = 4096;
  for (; bytes >= 3 * lane_bytes; bytes -= 3 * lane_bytes, at += 3 * lane_bytes) {
    uint64_t first = crc, second = 0, third = 0;
    for (size_t i = 0; i < lane_bytes; i += 8) {
      if (i % line_bytes == 0) {
        for (size_t line = 0; line < 3; ++line)
          __builtin_prefetch(at + ahead_bytes + 3 * i + line * line_bytes);
      }
      first = _mm_crc32_u64(first, word_at(at + i));
      second = _mm_crc32_u64(second, word_at(at + lane_bytes + i));
      third = _mm_crc32_u64(third, word_at(at + 2 * lane_bytes + i));
    }
    crc = shifted(lane, shifted(lane, first) ^ second) ^ static_cast<uint32_t>(third);
  }
  return crc;
}

__attribute__((target("sse4.2"))) uint32_t by_instruction(const char* at, size_t bytes, uint32_t crc) {
  crc = by_lanes<512>(at, bytes, crc);
  crc = by_lanes<128>(at, bytes, crc);
  uint64_t wide = crc;
  for (; bytes >= 8; bytes -= 8, at += 8) wide = _mm_crc32_u64(wide, word_at(at));
  auto narrow = static_cast<uint32_t>(wide);
  for (; bytes > 0; --bytes, ++at) narrow = _mm_crc32_u8(narrow, static_cast<unsigned char>(*at));
  return narrow;
}
#endif

}  // namespace

uint32_t crc32c(std::string_view bytes, uint32_t before) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("sse4.2")) return ~by_instruction(bytes.data(), bytes.size(), ~before);
#endif
  return ~by_table(bytes.data(), bytes.size(), ~before);
}

}  // namespace mekong
