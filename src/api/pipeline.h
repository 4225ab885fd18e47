// The life of an AWS request, from its head to its reply: find the service, authenticate, route, read and
// check the body, decode, validate, authorise, call the handler on the pool, encode. One object serves all
// services.
#pragma once
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/binding.h"
#include "api/caller.h"
#include "api/types.h"
#include "base/authoriser.h"
#include "base/executor.h"
#include "base/logging.h"
#include "base/task.h"
#include "iam/authenticator.h"
#include "os/clock.h"
#include "os/random.h"

namespace mekong::api {

// Names lower case, in order of arrival.
using Headers = std::vector<std::pair<std::string, std::string>>;
// The first value, or null; a model spells `name` in a case of its own.
const std::string* find_header(const Headers& headers, std::string_view name);

struct RequestHead {
  std::string method;
  std::string raw_path;   // before '?', still encoded
  std::string raw_query;  // after '?', still encoded
  Headers headers;
  int64_t content_length = -1;  // of the body on the wire; -1: chunked
  std::string source_ip;
  bool secure = false;
  std::string_view tls_version = {};  // "1.3"; empty without TLS
};

// Memory for bodies of callers that nobody knows yet. Any thread.
class StrangersMemory {
 public:
  explicit StrangersMemory(int64_t bytes) : left_(bytes) {}
  bool take(int64_t bytes) {
    if (left_.fetch_sub(bytes) >= bytes) return true;
    left_.fetch_add(bytes);
    return false;
  }
  // As much as there is, up to `bytes`.
  int64_t take_some(int64_t bytes) {
    int64_t left = left_, taken = 0;
    do taken = std::min(left, bytes);
    while (taken > 0 && !left_.compare_exchange_weak(left, left - taken));
    return std::max<int64_t>(taken, 0);
  }
  void give_back(int64_t bytes) { left_.fetch_add(bytes); }

 private:
  std::atomic<int64_t> left_;
};

constexpr int64_t strangers_bytes_max = 128 << 10;  // of one connection

// The body as bytes on the wire (transfer coding removed). Read by one coroutine.
class RawBody {
 public:
  virtual ~RawBody() = default;
  // Empty at the end. Errors: "IncompleteBody", "RequestTimeout", "InvalidRequest".
  virtual Task<Result<std::string>> read() = 0;
  // The caller is known: from here on the next piece may be read while the last one is worked on.
  virtual void read_ahead() {}
  // The connection's: where requests run beside each other, they share it.
  virtual StrangersMemory& strangers_memory() { return strangers_memory_; }

 private:
  StrangersMemory strangers_memory_{strangers_bytes_max};
};

struct Response {
  int status = 200;
  Headers headers;
  std::string body;
  BodySourcePtr stream;  // instead of body; Content-Length is its length(), else chunked
};

class Telemetry;

class Pipeline final : public Caller {
 public:
  struct Options {
    size_t body_max_bytes = 16 << 20;  // of bodies that are read whole
    // For bodies that must be read whole before their signature can be checked, all requests together.
    int64_t strangers_max_bytes = 64 << 20;
    // Host names whose first label may be a bucket: "b.s3.localhost" and "b.localhost".
    std::vector<std::string> bucket_domains = {"s3.localhost", "localhost"};
    int64_t slow_request_ms = 5'000;  // longer ones are logged as "slow request"; 0: none
    bool access_log = false;          // every request is logged as "request"
  };

  // All references must outlive the pipeline. `services`: bind(service) of each.
  Pipeline(std::vector<ServiceBinding> services, const iam::Authenticator& authenticator,
           const Authoriser& authoriser, Executor& pool, const os::Clock& clock, os::Random& random,
           Logger& logger, Options options);
  ~Pipeline() override;
  Pipeline(const Pipeline&) = delete;
  Pipeline& operator=(const Pipeline&) = delete;

  // Never fails: errors are replies too. `head` and `body` must live until the task is done; after it, what
  // is left of the body is the caller's to drain or to drop. Resumes on any executor.
  Task<Response> handle(const RequestHead& head, RawBody& body) const;

  Result<Value> call(const CallFrom& from, const ServiceTable& table, const Operation& operation,
                     const void* input) const override;
  std::string idempotency_token() const override;

  const Telemetry& telemetry() const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace mekong::api
