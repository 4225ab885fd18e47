#include "iam/https_client.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <charconv>
#include <memory>

#include "codec/text.h"
#include "os/resolve.h"

namespace mekong::iam {
namespace {

constexpr int64_t timeout_ms = 5000;
constexpr size_t reply_bytes_max = 1 << 20;

template <class T, void (*Free)(T*)>
struct Freed {
  void operator()(T* held) const { Free(held); }
};
using Context = std::unique_ptr<SSL_CTX, Freed<SSL_CTX, SSL_CTX_free>>;
using Session = std::unique_ptr<SSL, Freed<SSL, SSL_free>>;
using Trust = std::unique_ptr<X509_STORE, Freed<X509_STORE, X509_STORE_free>>;
using Check = std::unique_ptr<X509_STORE_CTX, Freed<X509_STORE_CTX, X509_STORE_CTX_free>>;

Error failed(std::string why) {
  return {"ConnectionFailed", std::move(why)};
}

std::string thumbprint_of(X509* certificate) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  if (X509_digest(certificate, EVP_sha1(), digest, &size) != 1) return {};
  return codec::hex_encode({reinterpret_cast<const char*>(digest), size});
}

// The chain must end at a certificate with one of the thumbprints, or at one of the system's authorities.
bool trusted(SSL* session, const HttpsQuestion& question) {
  STACK_OF(X509)* chain = SSL_get_peer_cert_chain(session);
  X509* leaf = SSL_get0_peer_certificate(session);
  if (leaf == nullptr || chain == nullptr) return false;
  const bool named = X509_check_host(leaf, question.host.c_str(), question.host.size(), 0, nullptr) == 1 ||
                     X509_check_ip_asc(leaf, question.host.c_str(), 0) == 1;
  Trust trust(X509_STORE_new());
  if (question.thumbprints.empty()) X509_STORE_set_default_paths(trust.get());
  for (int i = 0; i < sk_X509_num(chain); ++i) {
    const std::string print = thumbprint_of(sk_X509_value(chain, i));
    const bool listed = std::any_of(question.thumbprints.begin(), question.thumbprints.end(),
                                    [&](const std::string& t) { return codec::equal_no_case(t, print); });
    if (listed) X509_STORE_add_cert(trust.get(), sk_X509_value(chain, i));
  }
  Check check(X509_STORE_CTX_new());
  if (!named || X509_STORE_CTX_init(check.get(), trust.get(), leaf, chain) != 1) return false;
  X509_STORE_CTX_set_flags(check.get(), X509_V_FLAG_PARTIAL_CHAIN);
  return X509_verify_cert(check.get()) == 1;
}

// One TLS session whose bytes travel through `connection`.
class Client {
 public:
  explicit Client(os::ConnectionPtr connection) : connection_(std::move(connection)) {
    context_.reset(SSL_CTX_new(TLS_client_method()));
    SSL_CTX_set_min_proto_version(context_.get(), TLS1_2_VERSION);
    session_.reset(SSL_new(context_.get()));
    SSL_set_bio(session_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));  // owned by the session
    SSL_set_connect_state(session_.get());
  }

  Task<Result<std::string>> exchange(const HttpsQuestion& question, std::string request) {
    SSL_set_tlsext_host_name(session_.get(), question.host.c_str());
    while (!step(SSL_do_handshake)) {
      auto moved = co_await move();
      if (!moved.ok()) co_return std::move(moved).error();
    }
    if (!trusted(session_.get(), question))
      co_return failed("the certificate of " + question.host + " is not trusted");
    if (SSL_write(session_.get(), request.data(), static_cast<int>(request.size())) <= 0) {
      co_return failed("the TLS stream is broken");
    }
    std::string reply(reply_bytes_max, '\0');
    size_t size = 0;
    while (size < reply.size()) {
      size_t got = 0;
      const auto read = [&](SSL* session) {
        return SSL_read_ex(session, reply.data() + size, reply.size() - size, &got);
      };
      if (step(read)) {
        size += got;
        continue;
      }
      auto moved = co_await move();
      if (!moved.ok()) break;  // "Connection: close": the end of the stream ends the reply
    }
    reply.resize(size);
    co_return reply;
  }

 private:
  // One call of OpenSSL; false: look at error_. Its queue of errors is the thread's, so it is read at once.
  bool step(const auto& call) {
    ERR_clear_error();
    const int result = call(session_.get());
    error_ = SSL_get_error(session_.get(), result);
    return result == 1;
  }

  // Sends what waits, then takes in what comes.
  Task<Status> move() {
    std::string out(BIO_ctrl_pending(SSL_get_wbio(session_.get())), '\0');
    if (!out.empty()) {
      BIO_read(SSL_get_wbio(session_.get()), out.data(), static_cast<int>(out.size()));
      auto sent = co_await connection_->write(out, timeout_ms);
      if (!sent.ok()) co_return sent;
    }
    if (error_ != SSL_ERROR_WANT_READ) co_return failed("the TLS stream ended");
    auto in = co_await connection_->read_some(64 << 10, timeout_ms);
    if (!in.ok()) co_return std::move(in).error();
    BIO_write(SSL_get_rbio(session_.get()), in->data(), static_cast<int>(in->size()));
    co_return ok();
  }

  os::ConnectionPtr connection_;
  Context context_;
  Session session_;
  int error_ = SSL_ERROR_NONE;
};

Task<Result<std::string>> get(os::Network& network, HttpsQuestion question, std::string address) {
  auto connected = co_await network.connect({address, question.port}, timeout_ms);
  if (!connected.ok()) co_return std::move(connected).error();
  os::ConnectionPtr connection = *connected;
  Client client(connection);
  const std::string host =
      question.port == 443 ? question.host : question.host + ":" + std::to_string(question.port);
  auto reply = co_await client.exchange(question, "GET " + question.path + " HTTP/1.0\r\nHost: " + host +
                                                      "\r\nAccept: application/json\r\n\r\n");
  connection->close();
  co_return reply;
}

}  // namespace

std::optional<HttpsQuestion> parse_https_url(std::string_view url) {
  constexpr std::string_view scheme = "https://";
  if (!url.starts_with(scheme)) return std::nullopt;
  url.remove_prefix(scheme.size());
  HttpsQuestion out;
  const size_t slash = url.find('/');
  out.path = slash == std::string_view::npos ? "/" : url.substr(slash);
  std::string_view authority = url.substr(0, slash);
  const size_t colon = authority.rfind(':');
  if (colon != std::string_view::npos) {
    const std::string_view port = authority.substr(colon + 1);
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), out.port);
    if (error != std::errc() || end != port.data() + port.size()) return std::nullopt;
    authority = authority.substr(0, colon);
  }
  out.host = authority;
  const bool plain = out.path.find_first_of(" \r\n") == std::string::npos;
  return out.host.empty() || !plain ? std::nullopt : std::optional(out);
}

Result<std::string> https_get(os::Network& network, const HttpsQuestion& question) {
  MEKONG_TRY_ASSIGN(const auto addresses, os::resolve(question.host));
  Result<std::string> reply = failed("no address of " + question.host);
  for (const std::string& address : addresses) {
    reply = sync_wait(get(network, question, address));
    if (reply.ok()) break;
  }
  if (!reply.ok()) return reply;
  const size_t head = reply->find("\r\n\r\n");
  const bool good = reply->starts_with("HTTP/1.") && reply->substr(8, 5) == " 200 ";
  if (head == std::string::npos || !good) return failed(question.host + " does not answer with 200");
  return reply->substr(head + 4);
}

}  // namespace mekong::iam
