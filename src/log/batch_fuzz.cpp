// Any bytes that a producer may send as records: verified or refused, and what is verified stays within them.
#include <cstdint>
#include <string>

#include "base/crc32c.h"
#include "log/batch.h"

namespace {

// The first batch gets its right checksum, so that the fuzzer comes past it.
std::string with_checksum(std::string bytes) {
  constexpr size_t crc_at = 17, checked_from = 21;
  const auto header = mekong::log::parse_header(bytes);
  if (!header.ok() || header->size_bytes > bytes.size() || header->size_bytes < checked_from) return bytes;
  const std::string_view checked(bytes.data() + checked_from, header->size_bytes - checked_from);
  const uint32_t crc = mekong::crc32c(checked);
  for (int i = 0; i < 4; ++i) bytes[crc_at + i] = static_cast<char>(crc >> (24 - 8 * i));
  return bytes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size_bytes) {
  const auto bytes = with_checksum(std::string(reinterpret_cast<const char*>(data), size_bytes));
  const auto batches = mekong::log::verify_batches(bytes);
  if (!batches.ok()) return 0;
  size_t sum_bytes = 0;
  for (const auto& batch : batches.value()) sum_bytes += batch.size_bytes;
  if (sum_bytes != size_bytes) __builtin_trap();
  return 0;
}
