// What the connections of both HTTP versions share: what they need of their server, and who answers a
// request.
#pragma once
#include <atomic>
#include <functional>
#include <string>

#include "front/http_parser.h"
#include "front/server.h"

namespace mekong::front {

// All that a connection needs of its server; outlives it.
struct Service {
  const api::Pipeline& pipeline;
  const InternalRoutes& routes;
  Executor& pool;
  const os::Clock& clock;
  Logger& logger;
  const ServerOptions& options;
  const std::atomic<bool>& stopping;
  std::atomic<bool>& busy;  // a connection that is not may be closed at will
  std::function<void(std::function<void()> drain)>
      drains;  // how to tell this connection that the server stops
};

api::Response plain(int status, const std::string& text);
api::Response plain(const Error& error);

// An internal route or the pipeline. `body` must live until the reply's stream has ended. Resumes anywhere.
Task<api::Response> answer(const Service& service, const os::Connection& connection,
                           const api::RequestHead& head, api::RawBody& body);

// Starts `task` here, at once, and lets it run on its own.
inline void start(Task<void> task) {
  detail::run_detached(std::move(task));
}

// Whether a client that has to send does so at all: after a while of waiting for it, this many bytes a second
// on average. Time that the server takes does not count.
class Pace {
 public:
  explicit Pace(const ServerOptions& options)
      : patience_ms_(options.read_timeout_ms), bytes_per_s_min_(options.body_bytes_per_s_min) {}
  void add(int64_t waited_ms, size_t bytes) {
    waited_ms_ += waited_ms;
    bytes_ += static_cast<int64_t>(bytes);
  }
  bool too_slow() const { return waited_ms_ > patience_ms_ && bytes_ < waited_ms_ * bytes_per_s_min_ / 1000; }

 private:
  const int64_t patience_ms_, bytes_per_s_min_;
  int64_t waited_ms_ = 0, bytes_ = 0;
};

inline int64_t monotonic_ms(const os::Clock& clock) {
  return clock.monotonic_ns() / 1'000'000;
}

inline Error request_timeout() {
  return {"RequestTimeout",
          "Your socket connection to the server was not read from or written to within the timeout period."};
}
inline Error incomplete_body() {
  return {"IncompleteBody", "The client closed the connection inside of the body."};
}

}  // namespace mekong::front
