// The checksums that S3 knows by name, computed in one pass over bytes that arrive in pieces.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace mekong::codec {

// One running checksum.
class Digest {
 public:
  virtual ~Digest() = default;
  virtual void update(std::string_view bytes) = 0;
  virtual std::string finish() = 0;  // raw bytes; once
};

// "MD5", "CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256". Error: "NotImplemented" with the algorithm's name.
Result<std::unique_ptr<Digest>> make_digest(const std::string& algorithm);
// The checksum (raw) of two pieces one after the other, from theirs and the second's size; CRCs only.
// Error: "NotImplemented".
Result<std::string> combine(const std::string& algorithm, std::string_view first, std::string_view second,
                            uint64_t second_bytes);
Result<std::string> digest_of(const std::string& algorithm, std::string_view bytes);

}  // namespace mekong::codec
