// The compressions of Kafka's record batches, by their number there (0 to 4). The libraries stay behind this
// header.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace mekong::codec {

enum class Compression : int8_t { none = 0, gzip = 1, snappy = 2, lz4 = 3, zstd = 4 };

// Snappy may be raw or in snappy-java's frame (Kafka's Java client), as Kafka's own readers take it; LZ4 is
// the frame format. Errors: "Corrupt"; "TooLarge" past `max_bytes`, before more memory is used.
Result<std::string> decompress(Compression kind, std::string_view bytes, size_t max_bytes);
// Snappy comes out raw.
Result<std::string> compress(Compression kind, std::string_view bytes);

}  // namespace mekong::codec
