// CRC32C (Castagnoli, RFC 3720 appendix B.4), by the processor's instruction where it has one.
#pragma once
#include <cstdint>
#include <string_view>

namespace mekong {

// `before`: the checksum of the bytes that come before, so that pieces can be summed one after the other.
uint32_t crc32c(std::string_view bytes, uint32_t before = 0);

}  // namespace mekong
