// One client's HTTP/1 connection: requests one after the other, each answered before the next is read.
// Internal to front.
#pragma once
#include <memory>
#include <string>

#include "front/exchange.h"
#include "front/http_writer.h"

namespace mekong::front {

// The body of the request that is being answered, as the connection brings it.
class ConnectionBody final : public api::RawBody {
 public:
  // `buffer`: what was read beyond the head; what is left in it afterwards belongs to the next request.
  ConnectionBody(const Service& service, os::Connection& connection, std::string& buffer,
                 const ParsedHead& head);
  Task<Result<std::string>> read() override;
  bool ended() const { return ended_; }
  // What is left of it is known, and so little that reading it is cheaper than a new connection.
  bool worth_draining() const;
  // Reads what is left. False where the connection cannot be used again.
  Task<bool> drain();

 private:
  Task<Status> fill();
  Result<std::string> take();

  const Service& service_;
  os::Connection& connection_;
  std::string& buffer_;
  Pace pace_;
  int64_t left_;
  std::optional<ChunkDecoder> chunks_;
  bool continue_owed_;
  bool ended_;
  std::optional<Error> broken_;  // nothing after it can be understood
};

// Until the client leaves, breaks the protocol, is silent for too long or the server stops. `buffer`: what
// has been read already.
Task<void> serve_http1(const Service& service, os::Connection& connection, std::string buffer);

}  // namespace mekong::front
