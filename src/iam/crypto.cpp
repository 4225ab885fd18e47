#include "iam/crypto.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

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

namespace {

template <class T, void (*Free)(T*)>
struct Freed {
  void operator()(T* held) const { Free(held); }
};
using Number = std::unique_ptr<BIGNUM, Freed<BIGNUM, BN_free>>;
using Builder = std::unique_ptr<OSSL_PARAM_BLD, Freed<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free>>;
using Parameters = std::unique_ptr<OSSL_PARAM, Freed<OSSL_PARAM, OSSL_PARAM_free>>;
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, Freed<EVP_PKEY_CTX, EVP_PKEY_CTX_free>>;
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY, EVP_PKEY_free>>;
using Digest = std::unique_ptr<EVP_MD_CTX, Freed<EVP_MD_CTX, EVP_MD_CTX_free>>;
using EcSignature = std::unique_ptr<ECDSA_SIG, Freed<ECDSA_SIG, ECDSA_SIG_free>>;

Key make_key(const char* type, OSSL_PARAM_BLD* builder) {
  Parameters parameters(OSSL_PARAM_BLD_to_param(builder));
  KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  EVP_PKEY* key = nullptr;
  if (!parameters || !context || EVP_PKEY_fromdata_init(context.get()) != 1) return nullptr;
  if (EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, parameters.get()) != 1) return nullptr;
  return Key(key);
}

Key rsa_key(const PublicKey& from) {
  const auto n = from_base64url(from.modulus), e = from_base64url(from.exponent);
  if (!n || !e || n->size() < 256) return nullptr;  // 2048 bits at least
  Number modulus(BN_bin2bn(bytes(*n), length(*n), nullptr)),
      exponent(BN_bin2bn(bytes(*e), length(*e), nullptr));
  Builder builder(OSSL_PARAM_BLD_new());
  OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, modulus.get());
  OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, exponent.get());
  return make_key("RSA", builder.get());
}

Key ec_key(const PublicKey& from) {
  const auto x = from_base64url(from.x), y = from_base64url(from.y);
  if (!x || !y) return nullptr;
  const std::string point = "\x04" + *x + *y;
  Builder builder(OSSL_PARAM_BLD_new());
  OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, from.curve.c_str(), 0);
  OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size());
  return make_key("EC", builder.get());
}

// r ‖ s as DER, as OpenSSL wants it.
std::string der_of(std::string_view raw) {
  const size_t half = raw.size() / 2;
  EcSignature signature(ECDSA_SIG_new());
  ECDSA_SIG_set0(signature.get(), BN_bin2bn(bytes(raw), static_cast<int>(half), nullptr),
                 BN_bin2bn(bytes(raw) + half, static_cast<int>(half), nullptr));
  unsigned char* der = nullptr;
  const int size = i2d_ECDSA_SIG(signature.get(), &der);
  if (size <= 0) return {};
  std::string out(reinterpret_cast<char*>(der), static_cast<size_t>(size));
  OPENSSL_free(der);
  return out;
}

const EVP_MD* digest_of(std::string_view algorithm) {
  if (algorithm.ends_with("256")) return EVP_sha256();
  if (algorithm.ends_with("384")) return EVP_sha384();
  return algorithm == "RS512" ? EVP_sha512() : nullptr;
}

}  // namespace

bool signed_by(const PublicKey& from, std::string_view algorithm, std::string_view text,
               std::string_view signature) {
  const bool rsa =
      from.type == "RSA" && (algorithm == "RS256" || algorithm == "RS384" || algorithm == "RS512");
  const bool ec =
      from.type == "EC" && ((algorithm == "ES256" && from.curve == "P-256" && signature.size() == 64) ||
                            (algorithm == "ES384" && from.curve == "P-384" && signature.size() == 96));
  if (!rsa && !ec) return false;
  const Key key = rsa ? rsa_key(from) : ec_key(from);
  const std::string given = rsa ? std::string(signature) : der_of(signature);
  Digest digest(EVP_MD_CTX_new());
  if (!key || EVP_DigestVerifyInit(digest.get(), nullptr, digest_of(algorithm), nullptr, key.get()) != 1) {
    return false;
  }
  return EVP_DigestVerify(digest.get(), bytes(given), given.size(), bytes(text), text.size()) == 1;
}

}  // namespace mekong::iam
