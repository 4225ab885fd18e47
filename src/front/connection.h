// One client's connection: requests one after the other, each answered before the next is read. Internal to
// front.
#pragma once
#include <memory>
#include <string>

#include "front/http_parser.h"
#include "front/http_writer.h"
#include "front/server.h"

namespace mekong::front {

// The body of the request that is being answered, as the connection brings it.
class ConnectionBody final : public api::RawBody {
 public:
  // `buffer`: what was read beyond the head; what is left in it afterwards belongs to the next request.
  ConnectionBody(os::Connection& connection, std::string& buffer, const ParsedHead& head, int64_t timeout_ms);
  Task<Result<std::string>> read() override;  // resumes on the connection's loop
  bool ended() const { return ended_; }
  bool continue_owed() const { return continue_owed_; }

 private:
  Task<Status> fill();
  os::Connection& connection_;
  std::string& buffer_;
  const int64_t timeout_ms_;
  int64_t left_;
  std::optional<ChunkDecoder> chunks_;
  bool continue_owed_;
  bool ended_;
  bool broken_ = false;  // bad framing: nothing after it can be understood
};

// What a connection needs of its server.
struct Service {
  const api::Pipeline& pipeline;
  const InternalRoutes& routes;
  Executor& pool;
  const os::Clock& clock;
  const ServerOptions& options;
  const std::atomic<bool>& stopping;
  std::function<void(bool busy)> busy;
};

// Until the client leaves, breaks the protocol, is silent for too long or the server stops.
Task<void> serve_connection(const Service& service, os::Connection& connection);

}  // namespace mekong::front
