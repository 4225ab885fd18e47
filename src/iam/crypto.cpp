#include "iam/crypto.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <memory>

namespace mekong::iam {
namespace {

constexpr size_t nonce_bytes = 12, tag_bytes = 16;
using Cipher = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

const unsigned char* bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* bytes(std::string& text) {
  return reinterpret_cast<unsigned char*>(text.data());
}
int length(std::string_view text) {
  return static_cast<int>(text.size());
}

}  // namespace

bool equal_in_constant_time(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::optional<std::string> from_base64url(std::string_view text) {
  std::string out;
  uint32_t window = 0;
  int bits = 0;
  while (!text.empty() && text.back() == '=') text.remove_suffix(1);
  for (char c : text) {
    constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const size_t value = alphabet.find(c);
    if (value == std::string_view::npos) return std::nullopt;
    window = window << 6 | static_cast<uint32_t>(value);
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      out += static_cast<char>(window >> bits & 0xff);
    }
  }
  return out;
}

std::string seal(std::string_view key, std::string_view nonce, std::string_view plain,
                 std::string_view bound) {
  Cipher cipher(EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free);
  std::string body(plain.size(), '\0'), tag(tag_bytes, '\0');
  int size = 0;
  EVP_EncryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, bytes(key), bytes(nonce));
  EVP_EncryptUpdate(cipher.get(), nullptr, &size, bytes(bound), length(bound));
  EVP_EncryptUpdate(cipher.get(), bytes(body), &size, bytes(plain), length(plain));
  EVP_EncryptFinal_ex(cipher.get(), nullptr, &size);
  EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_GET_TAG, tag_bytes, tag.data());
  return std::string(nonce) + body + tag;
}

std::optional<std::string> unseal(std::string_view key, std::string_view sealed, std::string_view bound) {
  if (sealed.size() < nonce_bytes + tag_bytes) return std::nullopt;
  const std::string_view nonce = sealed.substr(0, nonce_bytes);
  const std::string_view body = sealed.substr(nonce_bytes, sealed.size() - nonce_bytes - tag_bytes);
  std::string tag(sealed.substr(sealed.size() - tag_bytes));
  Cipher cipher(EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free);
  std::string plain(body.size(), '\0');
  int size = 0;
  EVP_DecryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, bytes(key), bytes(nonce));
  EVP_DecryptUpdate(cipher.get(), nullptr, &size, bytes(bound), length(bound));
  EVP_DecryptUpdate(cipher.get(), bytes(plain), &size, bytes(body), length(body));
  EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_SET_TAG, tag_bytes, tag.data());
  if (EVP_DecryptFinal_ex(cipher.get(), nullptr, &size) != 1) return std::nullopt;
  return plain;
}

}  // namespace mekong::iam
