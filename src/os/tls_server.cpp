#include "os/tls_server.h"

#include <openssl/err.h>
#include <openssl/pem.h>

namespace mekong::os {
namespace {

constexpr size_t read_ahead_bytes = 64 << 10;
constexpr const char* ciphersuites_1_3 =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
constexpr const char* ciphers_1_2 = "ECDHE+AES128+AESGCM:ECDHE+AESGCM:ECDHE+CHACHA20:DEFAULT";

struct FreeBio {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
using Bio = std::unique_ptr<BIO, FreeBio>;

Bio bio_of(const std::string& text) {
  return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

Error invalid(const char* what) {
  ERR_clear_error();
  return {"InvalidCertificate", what};
}

Status use_chain(SSL_CTX* context, const std::string& pem) {
  auto bio = bio_of(pem);
  X509* leaf = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr);
  const bool used = leaf != nullptr && SSL_CTX_use_certificate(context, leaf) == 1;
  X509_free(leaf);
  if (!used) return invalid("the certificate cannot be read");
  while (X509* issuer = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)) {
    if (SSL_CTX_add0_chain_cert(context, issuer) == 1) continue;
    X509_free(issuer);
    return invalid("the certificate's chain cannot be used");
  }
  ERR_clear_error();  // the end of the text is an error to OpenSSL
  return ok();
}

Status use_key(SSL_CTX* context, const std::string& pem) {
  auto bio = bio_of(pem);
  EVP_PKEY* key = PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr);
  const bool used = key != nullptr && SSL_CTX_use_PrivateKey(context, key) == 1;
  EVP_PKEY_free(key);
  if (!used || SSL_CTX_check_private_key(context) != 1)
    return invalid("the key does not fit the certificate");
  return ok();
}

// The server's order wins. Without a common protocol there is none: HTTP/1.1 or Kafka, as before ALPN.
int choose_protocol(SSL* ssl, const unsigned char** out, unsigned char* out_size,
                    const unsigned char* offered, unsigned int offered_size, void*) {
  const auto* wanted = static_cast<const std::vector<std::string>*>(SSL_get_app_data(ssl));
  if (wanted == nullptr) return SSL_TLSEXT_ERR_NOACK;
  const std::string_view all(reinterpret_cast<const char*>(offered), offered_size);
  for (const auto& protocol : *wanted) {
    for (size_t at = 0; at < all.size();) {
      const size_t size = static_cast<unsigned char>(all[at]);
      if (all.substr(at + 1, size) == protocol) {
        *out = offered + at + 1;
        *out_size = static_cast<unsigned char>(size);
        return SSL_TLSEXT_ERR_OK;
      }
      at += 1 + size;
    }
  }
  return SSL_TLSEXT_ERR_NOACK;
}

}  // namespace

Status TlsServer::load(const std::string& chain_pem, const std::string& key_pem) {
  std::shared_ptr<SSL_CTX> context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  if (!context) return invalid("no TLS context");
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  // Idle sessions give their buffers back: a connection that waits costs little.
  SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  // As AWS's own end points choose: AES of 128 bits costs both sides a quarter less than of 256.
  SSL_CTX_set_options(context.get(), SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_ciphersuites(context.get(), ciphersuites_1_3);
  SSL_CTX_set_cipher_list(context.get(), ciphers_1_2);
  // Else two calls of the kernel for each record of 16 KiB. (Nobody waits for the socket before a read has
  // found nothing.)
  SSL_CTX_set_read_ahead(context.get(), 1);
  SSL_CTX_set_default_read_buffer_len(context.get(), read_ahead_bytes);
  SSL_CTX_clear_mode(context.get(), SSL_MODE_AUTO_RETRY);  // one record a turn: a flood of key updates yields
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);  // tickets resume, nothing is kept
  SSL_CTX_set_alpn_select_cb(context.get(), choose_protocol, nullptr);
  MEKONG_TRY(use_chain(context.get(), chain_pem));
  MEKONG_TRY(use_key(context.get(), key_pem));
  std::lock_guard lock(mutex_);
  context_ = std::move(context);
  return ok();
}

std::shared_ptr<SSL_CTX> TlsServer::context() const {
  std::lock_guard lock(mutex_);
  return context_;
}

TlsSession::TlsSession(const TlsServer& server, int descriptor, const std::vector<std::string>& protocols)
    : ssl_(SSL_new(server.context().get())) {
  SSL_set_fd(ssl_.get(), descriptor);
  SSL_set_app_data(ssl_.get(), const_cast<std::vector<std::string>*>(&protocols));
}

TlsSession::Step TlsSession::outcome(int result) {
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      return {0, Need::readable};
    case SSL_ERROR_WANT_WRITE:
      return {0, Need::writable};
    case SSL_ERROR_ZERO_RETURN:
    case SSL_ERROR_SYSCALL:
      return {0, Need::gone};
    default:
      // A peer that leaves without a close_notify is gone like any other: framing tells what is whole.
      const bool cut = ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING;
      return {0, cut ? Need::gone : Need::failed};
  }
}

TlsSession::Step TlsSession::accept() {
  ERR_clear_error();
  const int result = SSL_accept(ssl_.get());
  return result == 1 ? Step{} : outcome(result);
}

TlsSession::Step TlsSession::read(char* to, size_t bytes_max) {
  ERR_clear_error();
  size_t total = 0;
  // A record holds 16 KiB at most: take what has come already.
  while (total < bytes_max) {
    size_t got = 0;
    const int result = SSL_read_ex(ssl_.get(), to + total, bytes_max - total, &got);
    if (result != 1) return total > 0 ? Step{total, Need::nothing} : outcome(result);
    total += got;
  }
  return {total, Need::nothing};
}

TlsSession::Step TlsSession::write(const char* from, size_t bytes) {
  ERR_clear_error();
  size_t put = 0;
  const int result = SSL_write_ex(ssl_.get(), from, bytes, &put);
  return result == 1 ? Step{put, Need::nothing} : outcome(result);
}

void TlsSession::say_goodbye() {
  ERR_clear_error();
  if (SSL_is_init_finished(ssl_.get()) != 0) SSL_shutdown(ssl_.get());
  ERR_clear_error();
}

std::string_view TlsSession::version() const {
  return SSL_version(ssl_.get()) == TLS1_3_VERSION ? "1.3" : "1.2";  // nothing older is spoken
}

std::string TlsSession::protocol() const {
  const unsigned char* name = nullptr;
  unsigned int size = 0;
  SSL_get0_alpn_selected(ssl_.get(), &name, &size);
  return std::string(reinterpret_cast<const char*>(name), size);
}

Result<std::shared_ptr<TlsServer>> make_tls_server(const std::string& chain_pem, const std::string& key_pem) {
  auto server = std::make_shared<TlsServer>();
  MEKONG_TRY(server->load(chain_pem, key_pem));
  return server;
}

Status reload_tls_server(TlsServer& server, const std::string& chain_pem, const std::string& key_pem) {
  return server.load(chain_pem, key_pem);
}

}  // namespace mekong::os
