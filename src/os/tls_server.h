// Inside os only: the OpenSSL side of TlsServer.
#pragma once
#include <openssl/ssl.h>

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "os/net.h"

namespace mekong::os {

// Thread safe. A connection keeps the context that it began with.
class TlsServer {
 public:
  Status load(const std::string& chain_pem, const std::string& key_pem);
  std::shared_ptr<SSL_CTX> context() const;

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<SSL_CTX> context_;
};

// One TLS session over a descriptor that does not block. Calls come from one thread at a time.
class TlsSession {
 public:
  enum class Need { nothing, readable, writable, gone, failed };
  struct Step {
    size_t bytes = 0;  // above 0: done, whatever `need` says
    Need need = Need::nothing;
  };
  // `protocols`: what ALPN may choose, best first; must outlive the session.
  TlsSession(const TlsServer& server, int descriptor, const std::vector<std::string>& protocols);
  Step accept();
  Step read(char* to, size_t bytes_max);
  Step write(const char* from, size_t bytes);
  void say_goodbye();  // one close_notify, if it fits
  std::string protocol() const;
  std::string_view version() const;  // "1.2", "1.3"

 private:
  Step outcome(int result);
  struct Free {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
  };
  std::unique_ptr<SSL, Free> ssl_;
};

}  // namespace mekong::os
