// One client's HTTP/1 connection: requests one after the other, each answered before the next is read.
// Internal to front.
#pragma once
#include <atomic>
#include <deque>
#include <memory>
#include <mutex>
#include <string>

#include "front/exchange.h"
#include "front/http_writer.h"

namespace mekong::front {

// Reads a body while its handler works on what came before: at most ahead_max bytes, which wait here. It
// holds what it needs and ends by itself at the body's end, or with the connection. Silence of the client
// counts only while somebody waits for it: it may well be waiting for us.
class ReadAhead {
 public:
  static constexpr int64_t ahead_max = 1 << 20;
  static constexpr int64_t linger_ms = 1'000;       // after the last reply: of silence,
  static constexpr int64_t linger_all_ms = 10'000;  // and of bytes that nobody wants

  // `bytes`: reading ends with the piece that brings as many.
  static std::shared_ptr<ReadAhead> start(os::ConnectionPtr connection, const os::Clock& clock,
                                          int64_t timeout_ms, int64_t bytes);
  // What comes next; by one caller, and not after the end. Errors: those of Connection::read_some.
  Task<Result<std::string>> next();
  bool ended() const;  // all of it has been taken
  // No more is wanted: of what still comes some may be taken, and a silence of linger_ms is the end.
  void give_up() { given_up_ = true; }
  // After the connection was closed: resumes when nothing is being read.
  Task<void> stop();

 private:
  ReadAhead(os::ConnectionPtr connection, const os::Clock& clock, int64_t timeout_ms, int64_t bytes)
      : connection_(std::move(connection)), clock_(clock), timeout_ms_(timeout_ms), left_(bytes) {}
  static Task<void> run(std::shared_ptr<ReadAhead> self);
  bool add(Result<std::string> read);
  std::optional<Future<bool>> await_room();
  int64_t left_ms() const;
  static void wake(std::unique_lock<std::mutex> lock, std::optional<Promise<bool>>& waiting);

  const os::ConnectionPtr connection_;
  const os::Clock& clock_;
  const int64_t timeout_ms_;
  static constexpr int64_t nobody = -1;
  std::atomic<int64_t> waits_since_ms_ = nobody;
  std::atomic<bool> given_up_ = false;

  mutable std::mutex mutex_;
  std::deque<std::string> pieces_;
  int64_t ahead_ = 0;  // bytes in them
  int64_t left_;       // bytes to read
  bool running_ = true, stopped_ = false;
  std::optional<Error> broken_;
  std::optional<Promise<bool>> reader_, room_, end_;  // who waits for what
};

// The body of the request that is being answered, as the connection brings it.
class ConnectionBody final : public api::RawBody {
 public:
  // `buffer`: what was read beyond the head; what is left in it afterwards belongs to the next request.
  ConnectionBody(const Service& service, os::ConnectionPtr connection, std::string& buffer,
                 const ParsedHead& head);
  Task<Result<std::string>> read() override;
  void read_ahead() override { may_read_ahead_ = true; }
  bool ended() const { return ended_; }
  ReadAhead* ahead() { return ahead_.get(); }  // null where nobody reads ahead
  // What is left of it is known, and so little that reading it is cheaper than a new connection.
  bool worth_draining() const;
  // Reads what is left. False where the connection cannot be used again.
  Task<bool> drain();

 private:
  Task<Status> fill();
  Task<Result<std::string>> more();
  Result<std::string> take();

  const Service& service_;
  const os::ConnectionPtr connection_;
  std::string& buffer_;
  Pace pace_;
  int64_t left_;
  std::optional<ChunkDecoder> chunks_;
  bool continue_owed_;
  bool ended_;
  bool may_read_ahead_ = false;
  std::shared_ptr<ReadAhead> ahead_;  // never of a body that has ended
  std::optional<Error> broken_;       // nothing after it can be understood
};

// Until the client leaves, breaks the protocol, is silent for too long or the server stops. `buffer`: what
// has been read already.
Task<void> serve_http1(const Service& service, os::ConnectionPtr connection, std::string buffer);

}  // namespace mekong::front
