#include "os/tls_server.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "os/test_echo.h"
#include "os/tls_authority.h"

namespace mekong::os {
namespace {

constexpr int64_t now_s = 1'790'000'000;

// A blocking client: what it saw of the server.
struct Seen {
  bool connected = false;
  std::string protocol, certificate, echoed;
};

Seen talk(uint16_t port, const std::string& offered) {
  Seen seen;
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof(to)) != 0) return seen;
  std::shared_ptr<SSL_CTX> context(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
  std::shared_ptr<SSL> ssl(SSL_new(context.get()), SSL_free);
  SSL_set_fd(ssl.get(), fd);
  if (!offered.empty()) {
    SSL_set_alpn_protos(ssl.get(), reinterpret_cast<const unsigned char*>(offered.data()),
                        static_cast<unsigned>(offered.size()));
  }
  seen.connected = SSL_connect(ssl.get()) == 1;
  if (seen.connected) {
    const unsigned char* name = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(ssl.get(), &name, &size);
    seen.protocol.assign(reinterpret_cast<const char*>(name), size);
    X509* certificate = SSL_get1_peer_certificate(ssl.get());
    unsigned char digest[32];
    X509_digest(certificate, EVP_sha256(), digest, &size);
    seen.certificate.assign(reinterpret_cast<const char*>(digest), size);
    X509_free(certificate);
    const std::string sent(100'000, 'x');
    SSL_write(ssl.get(), sent.data(), static_cast<int>(sent.size()));
    std::string part(65536, 0);
    while (seen.echoed.size() < sent.size()) {
      const int got = SSL_read(ssl.get(), part.data(), static_cast<int>(part.size()));
      if (got <= 0) break;
      seen.echoed.append(part, 0, static_cast<size_t>(got));
    }
  }
  ::close(fd);
  return seen;
}

class TlsServerTest : public testing::Test {
 protected:
  SystemRandom random;
  CertificateAndKey authority = *make_authority("Mekong test authority", now_s, random);
  CertificateAndKey first = *issue_server_certificate(authority, {"localhost"}, now_s, random);
  std::shared_ptr<TlsServer> tls = *make_tls_server(first.certificate_pem, first.key_pem);
  std::unique_ptr<Network> network = make_network(1);
  Echo echo;

  void TearDown() override { echo.wait(1); }
  std::unique_ptr<Listener> listen(TlsMode mode) {
    ListenOptions options;
    options.mode = mode;
    options.tls = tls;
    options.protocols = {"h2", "http/1.1"};
    return std::move(*network->listen(options, echo.accept()));
  }
};

TEST_F(TlsServerTest, one_port_speaks_tls_and_alpn_follows_the_servers_order) {
  auto listener = listen(TlsMode::detect);
  auto seen = talk(listener->endpoint().port, "\x08http/1.1\x02h2");
  ASSERT_TRUE(seen.connected);
  EXPECT_EQ(seen.protocol, "h2");
  EXPECT_EQ(seen.echoed.size(), 100'000U);
  EXPECT_EQ(talk(listener->endpoint().port, "").protocol, "");
  EXPECT_EQ(talk(listener->endpoint().port, "\x04spdy").protocol, "");
}

TEST_F(TlsServerTest, reload_changes_the_certificate_of_new_connections) {
  auto listener = listen(TlsMode::tls);
  const auto before = talk(listener->endpoint().port, "").certificate;
  EXPECT_EQ(reload_tls_server(*tls, "no certificate", first.key_pem).error().code, "InvalidCertificate");
  EXPECT_EQ(talk(listener->endpoint().port, "").certificate, before);
  auto second = *issue_server_certificate(authority, {"localhost"}, now_s, random);
  EXPECT_EQ(reload_tls_server(*tls, second.certificate_pem, first.key_pem).error().code,
            "InvalidCertificate");
  ASSERT_TRUE(reload_tls_server(*tls, second.certificate_pem, second.key_pem).ok());
  EXPECT_NE(talk(listener->endpoint().port, "").certificate, before);
}

}  // namespace
}  // namespace mekong::os
