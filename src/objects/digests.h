// Checksums of an object's bytes, computed in one pass: MD5 (the etag) and those that were asked for.
#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace mekong::objects {

// One running checksum.
class Digest {
 public:
  virtual ~Digest() = default;
  virtual void update(std::string_view bytes) = 0;
  virtual std::string finish() = 0;  // raw bytes; once
};

// "MD5", "CRC32", "CRC32C", "SHA1", "SHA256". Error: "NotImplemented" with the algorithm's name.
Result<std::unique_ptr<Digest>> make_digest(const std::string& algorithm);
Result<std::string> digest_of(const std::string& algorithm, std::string_view bytes);

}  // namespace mekong::objects
