// Digests, as raw bytes. OpenSSL and zlib stay behind this header.
#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace mekong::codec {

std::string sha256(std::string_view bytes);
std::string sha1(std::string_view bytes);
std::string md5(std::string_view bytes);
std::string hmac_sha256(std::string_view key, std::string_view bytes);
// The same without the heap, for what every request is asked.
using Sha256 = std::array<char, 32>;
using Sha256Hex = std::array<char, 64>;
Sha256 sha256_digest(std::string_view bytes);
Sha256 hmac_sha256_digest(std::string_view key, std::string_view bytes);
Sha256Hex hex_of(const Sha256& digest);  // lower case
inline std::string_view view_of(const Sha256& digest) {
  return {digest.data(), digest.size()};
}
inline std::string_view view_of(const Sha256Hex& hex) {
  return {hex.data(), hex.size()};
}
uint32_t crc32(std::string_view bytes, uint32_t so_far = 0);  // IEEE; CRC-32C is in base/crc32c.h

// Whether two secrets are the same, in a time that depends on their lengths only. Signatures, tokens and
// secrets are compared by this alone (tools/tidy.py looks for others).
bool equal_in_constant_time(std::string_view a, std::string_view b);

// A digest of what arrives in pieces. One thread at a time.
class Hasher {
 public:
  enum class Algorithm { sha256, sha1, md5 };
  explicit Hasher(Algorithm algorithm);
  ~Hasher();
  Hasher(Hasher&&) noexcept;
  Hasher& operator=(Hasher&&) noexcept;
  void update(std::string_view bytes);
  std::string finish();  // once

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mekong::codec
