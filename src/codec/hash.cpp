#include "codec/hash.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <zlib.h>

#include <cstring>

namespace mekong::codec {
namespace {

// Fetched once: to find the algorithm by its name costs more than hashing a small request.
const EVP_MD* fetched_sha256() {
  static EVP_MD* const found = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return found;
}
const EVP_MD* fetched_sha1() {
  static EVP_MD* const found = EVP_MD_fetch(nullptr, "SHA1", nullptr);
  return found;
}
const EVP_MD* fetched_md5() {
  static EVP_MD* const found = EVP_MD_fetch(nullptr, "MD5", nullptr);
  return found;
}

const EVP_MD* digest(Hasher::Algorithm algorithm) {
  switch (algorithm) {
    case Hasher::Algorithm::sha256:
      return fetched_sha256();
    case Hasher::Algorithm::sha1:
      return fetched_sha1();
    case Hasher::Algorithm::md5:
      return fetched_md5();
  }
  return nullptr;
}

std::string once(const EVP_MD* algorithm, std::string_view bytes) {
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  EVP_Digest(bytes.data(), bytes.size(), out, &size, algorithm, nullptr);
  return std::string(reinterpret_cast<char*>(out), size);
}

constexpr size_t sha256_bytes = 32, sha256_block_bytes = 64;

// Of one after the other, into the 32 bytes at `out`.
void sha256_of(std::string_view first, std::string_view second, char* out) {
  static thread_local const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                                            EVP_MD_CTX_free);
  EVP_DigestInit_ex(context.get(), fetched_sha256(), nullptr);
  EVP_DigestUpdate(context.get(), first.data(), first.size());
  if (!second.empty()) EVP_DigestUpdate(context.get(), second.data(), second.size());
  EVP_DigestFinal_ex(context.get(), reinterpret_cast<unsigned char*>(out), nullptr);
}

}  // namespace

bool equal_in_constant_time(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

Sha256 sha256_digest(std::string_view bytes) {
  Sha256 out;
  sha256_of(bytes, {}, out.data());
  return out;
}

Sha256Hex hex_of(const Sha256& digest) {
  constexpr std::string_view digits = "0123456789abcdef";
  Sha256Hex out;
  for (size_t i = 0; i < digest.size(); ++i) {
    const auto byte = static_cast<unsigned char>(digest[i]);
    out[2 * i] = digits[byte >> 4];
    out[2 * i + 1] = digits[byte & 15];
  }
  return out;
}

std::string sha256(std::string_view bytes) {
  return std::string(view_of(sha256_digest(bytes)));
}
std::string sha1(std::string_view bytes) {
  return once(fetched_sha1(), bytes);
}
std::string md5(std::string_view bytes) {
  return once(fetched_md5(), bytes);
}

// RFC 2104.
Sha256 hmac_sha256_digest(std::string_view key, std::string_view bytes) {
  char inner[sha256_block_bytes] = {}, outer[sha256_block_bytes], middle[sha256_bytes];
  if (key.size() > sizeof(inner)) {
    sha256_of(key, {}, inner);
  } else if (!key.empty()) {
    std::memcpy(inner, key.data(), key.size());
  }
  for (size_t i = 0; i < sizeof(inner); ++i) {
    outer[i] = static_cast<char>(inner[i] ^ 0x5c);
    inner[i] = static_cast<char>(inner[i] ^ 0x36);
  }
  Sha256 out;
  sha256_of({inner, sizeof(inner)}, bytes, middle);
  sha256_of({outer, sizeof(outer)}, {middle, sizeof(middle)}, out.data());
  return out;
}

std::string hmac_sha256(std::string_view key, std::string_view bytes) {
  return std::string(view_of(hmac_sha256_digest(key, bytes)));
}

uint32_t crc32(std::string_view bytes, uint32_t so_far) {
  return static_cast<uint32_t>(
      ::crc32_z(so_far, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()));
}

struct Hasher::Impl {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  ~Impl() { EVP_MD_CTX_free(context); }
};

Hasher::Hasher(Algorithm algorithm) : impl_(std::make_unique<Impl>()) {
  EVP_DigestInit_ex(impl_->context, digest(algorithm), nullptr);
}
Hasher::~Hasher() = default;
Hasher::Hasher(Hasher&&) noexcept = default;
Hasher& Hasher::operator=(Hasher&&) noexcept = default;

void Hasher::update(std::string_view bytes) {
  EVP_DigestUpdate(impl_->context, bytes.data(), bytes.size());
}

std::string Hasher::finish() {
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  EVP_DigestFinal_ex(impl_->context, out, &size);
  return std::string(reinterpret_cast<char*>(out), size);
}

}  // namespace mekong::codec
