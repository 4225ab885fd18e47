#include "os/tls_authority.h"

#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "os/net.h"

namespace mekong::os {
namespace {

constexpr int64_t now_s = 1'750'000'000;

X509* read_certificate(const std::string& pem) {
  BIO* bio = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
  X509* certificate = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr);
  BIO_free(bio);
  return certificate;
}

TEST(TlsAuthorityTest, a_server_certificate_bears_its_names_and_the_authoritys_signature) {
  SystemRandom random;
  auto authority = make_authority("Mekong test authority", now_s, random);
  ASSERT_TRUE(authority.ok());
  auto server =
      issue_server_certificate(*authority, {"localhost", "127.0.0.1", "*.s3.localhost"}, now_s, random);
  ASSERT_TRUE(server.ok());
  X509* root = read_certificate(authority->certificate_pem);
  X509* leaf = read_certificate(server->certificate_pem);
  ASSERT_NE(leaf, nullptr);
  EXPECT_EQ(X509_verify(leaf, X509_get0_pubkey(root)), 1);
  EXPECT_EQ(X509_check_host(leaf, "localhost", 0, 0, nullptr), 1);
  EXPECT_EQ(X509_check_host(leaf, "bucket.s3.localhost", 0, 0, nullptr), 1);
  EXPECT_EQ(X509_check_ip_asc(leaf, "127.0.0.1", 0), 1);
  EXPECT_NE(X509_check_host(leaf, "example.com", 0, 0, nullptr), 1);
  EXPECT_TRUE(make_tls_server(server->certificate_pem, server->key_pem).ok());
  X509_free(root);
  X509_free(leaf);
}

TEST(TlsAuthorityTest, a_changed_character_of_the_key_is_noticed) {
  SystemRandom random;
  const auto authority = make_authority("Mekong test authority", now_s, random).value();
  ASSERT_TRUE(check_authority(authority).ok());
  const size_t begin = authority.key_pem.find('\n') + 1;
  const size_t end = authority.key_pem.find_last_not_of("=\n", authority.key_pem.rfind("-----END") - 1);
  int changed = 0, unnoticed = 0;
  for (size_t at = begin; at < end; ++at) {  // the last one has bits that mean nothing
    if (authority.key_pem[at] == '\n') continue;
    auto other = authority;
    other.key_pem[at] = other.key_pem[at] == 'A' ? 'B' : 'A';
    const bool noticed = !check_authority(other).ok();
    changed += noticed ? 1 : 0;
    unnoticed += noticed ? 0 : 1;
  }
  EXPECT_GT(changed, 150);
  EXPECT_LE(unnoticed, 5);  // versions inside of the encoding
}

TEST(TlsAuthorityTest, a_truststore_begins_as_java_expects) {
  SystemRandom random;
  auto authority = make_authority("Mekong test authority", now_s, random);
  ASSERT_TRUE(authority.ok());
  auto store = make_java_truststore(authority->certificate_pem, "changeit", now_s * 1000);
  ASSERT_TRUE(store.ok());
  EXPECT_EQ(store->substr(0, 12), std::string("\xFE\xED\xFE\xED\0\0\0\2\0\0\0\1", 12));
  EXPECT_EQ(make_java_truststore("no certificate", "x", 0).error().code, "TlsFailed");
}

// As they were, whatever stands between them; what is cut off is none.
TEST(TlsAuthorityTest, a_truststore_holds_each_certificate_of_the_text) {
  SystemRandom random;
  std::string text, whole;
  for (const char* name : {"first", "second"}) {
    const auto made = make_authority(name, now_s, random);
    ASSERT_TRUE(made.ok());
    text += std::string("# ") + name + "\n" + made->certificate_pem + made->key_pem;
    X509* parsed = read_certificate(made->certificate_pem);
    unsigned char* der = nullptr;
    const int bytes = i2d_X509(parsed, &der);
    whole.assign(reinterpret_cast<char*>(der), static_cast<size_t>(bytes));
    OPENSSL_free(der);
    X509_free(parsed);
    const auto store = make_java_truststore(text, "changeit", now_s * 1000);
    ASSERT_TRUE(store.ok());
    EXPECT_NE(store->find(whole), std::string::npos) << name;
  }
  const auto store = make_java_truststore(
      text + "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n", "changeit", now_s * 1000);
  ASSERT_TRUE(store.ok());
  EXPECT_EQ(store->substr(8, 4), std::string("\0\0\0\2", 4));
}

}  // namespace
}  // namespace mekong::os
