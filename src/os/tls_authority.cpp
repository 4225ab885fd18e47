#include "os/tls_authority.h"

#include <arpa/inet.h>
#include <openssl/asn1.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <memory>

namespace mekong::os {
namespace {

template <auto Free>
struct Freer {
  template <class T>
  void operator()(T* p) const {
    Free(p);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Freer<X509_free>>;
using Bio = std::unique_ptr<BIO, Freer<BIO_free>>;

constexpr int64_t day_s = 24 * 3600;

Error tls_error(std::string_view what) {
  return Error{"TlsFailed", std::string(what)};
}

std::string text_of(BIO* bio) {
  char* data = nullptr;
  const long bytes = BIO_get_mem_data(bio, &data);
  return std::string(data, static_cast<size_t>(bytes));
}

std::string pem_of(X509* certificate) {
  Bio bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(bio.get(), certificate);
  return text_of(bio.get());
}

std::string pem_of(EVP_PKEY* key) {
  Bio bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_PKCS8PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr);
  return text_of(bio.get());
}

Bio bio_of(std::string_view pem) {
  return Bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
}

bool add_extension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  if (extension == nullptr) return false;
  const int added = X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
  return added == 1;
}

// A certificate with everything but its extensions and signature.
Certificate begin_certificate(EVP_PKEY* key, std::string_view common_name, int64_t from_s, int64_t until_s,
                              Random& random) {
  Certificate certificate(X509_new());
  X509_set_version(certificate.get(), 2);
  unsigned char serial[16];
  random.fill(serial, sizeof(serial));
  serial[0] &= 0x7F;
  BIGNUM* number = BN_bin2bn(serial, sizeof(serial), nullptr);
  BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate.get()));
  BN_free(number);
  ASN1_TIME_set(X509_getm_notBefore(certificate.get()), from_s);
  ASN1_TIME_set(X509_getm_notAfter(certificate.get()), until_s);
  X509_set_pubkey(certificate.get(), key);
  X509_NAME* name = X509_get_subject_name(certificate.get());
  const std::string text(common_name);
  X509_NAME_add_entry_by_txt(name, "O", MBSTRING_UTF8, reinterpret_cast<const unsigned char*>("Mekong"), -1,
                             -1, 0);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(text.c_str()),
                             -1, -1, 0);
  return certificate;
}

bool is_address(const std::string& name) {
  unsigned char bytes[16];
  return inet_pton(AF_INET, name.c_str(), bytes) == 1 || inet_pton(AF_INET6, name.c_str(), bytes) == 1;
}

std::string alternative_names(const std::vector<std::string>& names) {
  std::string out;
  for (const auto& name : names) {
    if (!out.empty()) out += ",";
    out += (is_address(name) ? "IP:" : "DNS:") + name;
  }
  return out;
}

void append_big_endian(std::string& out, uint64_t value, int bytes) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) out.push_back(static_cast<char>(value >> shift));
}

// The next certificate of a PEM text as DER; empty where none is left. Its bytes are not read as a
// certificate: for the public roots that takes a twentieth of a second, and who trusts them reads them
// anyhow. Only that the outermost sequence is as long as the text is checked.
std::string next_der(BIO* pem) {
  char *name = nullptr, *header = nullptr;
  unsigned char* data = nullptr;
  long bytes = 0;
  std::string out;
  while (out.empty() && PEM_read_bio(pem, &name, &header, &data, &bytes) == 1) {
    const unsigned char* at = data;
    long length = 0;
    int tag = 0, kind = 0;
    const int read = ASN1_get_object(&at, &length, &tag, &kind, bytes);
    const bool whole = (read & 0x80) == 0 && tag == V_ASN1_SEQUENCE && at + length == data + bytes;
    if (whole && std::string_view(name) == PEM_STRING_X509)
      out.assign(reinterpret_cast<char*>(data), static_cast<size_t>(bytes));
    OPENSSL_free(name);
    OPENSSL_free(header);
    OPENSSL_free(data);
  }
  ERR_clear_error();  // the end of the text is none
  return out;
}

}  // namespace

Result<CertificateAndKey> make_authority(std::string_view common_name, int64_t now_s, Random& random) {
  Key key(EVP_EC_gen("P-256"));
  if (!key) return tls_error("no key could be made");
  Certificate certificate =
      begin_certificate(key.get(), common_name, now_s - 3600, now_s + 3650 * day_s, random);
  X509* self = certificate.get();
  X509_set_issuer_name(self, X509_get_subject_name(self));
  if (!add_extension(self, self, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") ||
      !add_extension(self, self, NID_key_usage, "critical,keyCertSign,cRLSign") ||
      !add_extension(self, self, NID_subject_key_identifier, "hash") ||
      X509_sign(self, key.get(), EVP_sha256()) == 0) {
    return tls_error("the authority could not be signed");
  }
  return CertificateAndKey{pem_of(self), pem_of(key.get())};
}

Status check_authority(const CertificateAndKey& authority) {
  const Certificate certificate(
      PEM_read_bio_X509(bio_of(authority.certificate_pem).get(), nullptr, nullptr, nullptr));
  if (!certificate) return tls_error("the authority's certificate cannot be read");
  const Key key(PEM_read_bio_PrivateKey(bio_of(authority.key_pem).get(), nullptr, nullptr, nullptr));
  if (!key) return tls_error("the authority's key cannot be read");
  if (X509_check_private_key(certificate.get(), key.get()) != 1) {
    return tls_error("the authority's key is not that of its certificate");
  }
  // The file holds both halves; the one above compares the public ones.
  const std::unique_ptr<EVP_PKEY_CTX, decltype(&EVP_PKEY_CTX_free)> halves(
      EVP_PKEY_CTX_new_from_pkey(nullptr, key.get(), nullptr), EVP_PKEY_CTX_free);
  if (!halves || EVP_PKEY_pairwise_check(halves.get()) != 1) {
    return tls_error("the authority's key is damaged");
  }
  if (X509_verify(certificate.get(), key.get()) != 1) {
    return tls_error("the authority's certificate does not match its signature");
  }
  return ok();
}

Result<CertificateAndKey> issue_server_certificate(const CertificateAndKey& authority,
                                                   const std::vector<std::string>& names, int64_t now_s,
                                                   Random& random) {
  if (names.empty()) return tls_error("a server certificate needs a name");
  Certificate issuer(PEM_read_bio_X509(bio_of(authority.certificate_pem).get(), nullptr, nullptr, nullptr));
  Key issuer_key(PEM_read_bio_PrivateKey(bio_of(authority.key_pem).get(), nullptr, nullptr, nullptr));
  Key key(EVP_EC_gen("P-256"));
  if (!issuer || !issuer_key || !key) return tls_error("the authority's certificate or key cannot be read");
  Certificate certificate = begin_certificate(key.get(), names[0], now_s - 3600, now_s + 365 * day_s, random);
  X509* leaf = certificate.get();
  X509_set_issuer_name(leaf, X509_get_subject_name(issuer.get()));
  if (!add_extension(leaf, issuer.get(), NID_basic_constraints, "critical,CA:FALSE") ||
      !add_extension(leaf, issuer.get(), NID_key_usage, "critical,digitalSignature") ||
      !add_extension(leaf, issuer.get(), NID_ext_key_usage, "serverAuth") ||
      !add_extension(leaf, issuer.get(), NID_authority_key_identifier, "keyid") ||
      !add_extension(leaf, issuer.get(), NID_subject_alt_name, alternative_names(names)) ||
      X509_sign(leaf, issuer_key.get(), EVP_sha256()) == 0) {
    return tls_error("the server certificate could not be made for " + alternative_names(names));
  }
  return CertificateAndKey{pem_of(leaf) + authority.certificate_pem, pem_of(key.get())};
}

Result<std::string> make_java_truststore(std::string_view certificates_pem, std::string_view password,
                                         int64_t now_ms) {
  std::string entries;
  uint32_t count = 0;
  Bio bio = bio_of(certificates_pem);
  for (auto der = next_der(bio.get()); !der.empty(); der = next_der(bio.get())) {
    const std::string alias = "mekong-" + std::to_string(count++);
    append_big_endian(entries, 2, 4);  // a trusted certificate
    append_big_endian(entries, alias.size(), 2);
    entries += alias;
    append_big_endian(entries, static_cast<uint64_t>(now_ms), 8);
    append_big_endian(entries, 5, 2);
    entries += "X.509";
    append_big_endian(entries, der.size(), 4);
    entries += der;
  }
  if (count == 0) return tls_error("no certificate in the PEM text");

  std::string store;
  append_big_endian(store, 0xFEEDFEED, 4);
  append_big_endian(store, 2, 4);
  append_big_endian(store, count, 4);
  store += entries;

  std::string digested;
  for (const char c : password) {
    digested.push_back('\0');  // UTF-16, big endian
    digested.push_back(c);
  }
  digested += "Mighty Aphrodite" + store;
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned bytes = 0;
  if (EVP_Digest(digested.data(), digested.size(), digest, &bytes, EVP_sha1(), nullptr) != 1) {
    return tls_error("SHA-1 is not available");
  }
  return store + std::string(reinterpret_cast<char*>(digest), bytes);
}

}  // namespace mekong::os
