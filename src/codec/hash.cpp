#include "codec/hash.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <zlib.h>

namespace mekong::codec {
namespace {

const EVP_MD* digest(Hasher::Algorithm algorithm) {
  switch (algorithm) {
    case Hasher::Algorithm::sha256:
      return EVP_sha256();
    case Hasher::Algorithm::sha1:
      return EVP_sha1();
    case Hasher::Algorithm::md5:
      return EVP_md5();
  }
  return nullptr;
}

std::string once(const EVP_MD* algorithm, std::string_view bytes) {
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  EVP_Digest(bytes.data(), bytes.size(), out, &size, algorithm, nullptr);
  return std::string(reinterpret_cast<char*>(out), size);
}

}  // namespace

std::string sha256(std::string_view bytes) {
  return once(EVP_sha256(), bytes);
}
std::string sha1(std::string_view bytes) {
  return once(EVP_sha1(), bytes);
}
std::string md5(std::string_view bytes) {
  return once(EVP_md5(), bytes);
}

std::string hmac_sha256(std::string_view key, std::string_view bytes) {
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), out, &size);
  return std::string(reinterpret_cast<char*>(out), size);
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
