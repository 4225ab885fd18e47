// The HTTP face: one port for http and https, AWS requests to the api pipeline, a few paths of the server's
// own.
#pragma once
#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "api/pipeline.h"
#include "base/logging.h"
#include "os/clock.h"
#include "os/net.h"

namespace mekong::front {

struct HttpRequest {
  api::RequestHead head;
  std::string body;  // read whole
  // os::Connection::peer_uid() of the connection, asked when it is called; valid as long as the handler runs.
  std::function<Result<uint32_t>()> peer_uid;
};
using InternalHandler = std::function<Task<api::Response>(const HttpRequest&)>;
// Path prefix ("/_mekong/health") to handler; the longest prefix that fits wins over the pipeline. A prefix
// fits whole segments: "/_mekong" fits "/_mekong" and "/_mekong/x". Handlers run on the connection's loop: no
// blocking.
using InternalRoutes = std::map<std::string, InternalHandler>;

struct ServerOptions {
  os::ListenOptions listen;
  size_t header_max_bytes = 64 << 10;
  size_t headers_max = 256;
  size_t internal_body_max_bytes = 8 << 20;
  size_t streams_max = 128;            // at once, of an HTTP/2 connection
  int64_t idle_timeout_ms = 60'000;    // between requests of a connection
  int64_t header_timeout_ms = 30'000;  // from a head's first byte to its last
  int64_t read_timeout_ms = 30'000;    // of silence inside a body
  int64_t body_bytes_per_s_min = 512;  // on average, after read_timeout_ms of waiting for the client
  int64_t write_timeout_ms = 60'000;   // for a client to take one piece of a reply
};

// Thread safe. Everything given must outlive the server.
class Server {
 public:
  Server(os::Network& network, const api::Pipeline& pipeline, InternalRoutes routes, Executor& pool,
         const os::Clock& clock, Logger& logger, ServerOptions options);
  ~Server();  // stop(0)
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  Status start();
  os::Endpoint endpoint() const;
  // Accepts no more, answers what it has with "Connection: close", closes the rest after `grace_ms`. Blocks.
  void stop(int64_t grace_ms);
  // One connection from its first byte to its end; for tests over a pipe.
  Task<void> serve(os::ConnectionPtr connection);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace mekong::front
