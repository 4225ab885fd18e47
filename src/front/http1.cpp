#include "front/http1.h"

#include <fmt/format.h>

namespace mekong::front {
namespace {

constexpr size_t head_read_max = 16 << 10;
constexpr size_t body_read_max = 256 << 10;
constexpr size_t stranger_read_max = 64 << 10;  // until the caller is known
constexpr size_t ahead_read_max = 256 << 10;
constexpr size_t joined_max = 64 << 10;    // of small pieces that wait
constexpr size_t together_max = 64 << 10;  // head and body in one write
constexpr int64_t drain_max = 256 << 10;   // of a body that nobody read
constexpr int64_t linger_max = 64 << 20;   // of what comes after a reply that is the last,
constexpr int64_t turn_max = 1 << 20;      // and of it before others get their turn
constexpr std::string_view continue_line = "HTTP/1.1 100 Continue\r\n\r\n";

// What remains of the time for a head, from its first byte on; a client that has begun none may idle.
struct HeadClock {
  const Service& service;
  int64_t began_ms = 0;
  int64_t left_ms(bool idle) {
    if (idle) return service.options.idle_timeout_ms;
    const int64_t now_ms = monotonic_ms(service.clock);
    if (began_ms == 0) began_ms = now_ms;
    return std::max<int64_t>(1, began_ms + service.options.header_timeout_ms - now_ms);
  }
};

// Bytes up to and with the next head; "EndOfStream" between requests is a client that leaves.
Task<Result<ParsedHead>> read_request(const Service& service, os::Connection& connection,
                                      std::string& buffer) {
  const size_t max_bytes = service.options.header_max_bytes;
  HeadClock clock{service};
  size_t scanned = 0;
  while (true) {
    auto size = find_head(buffer, scanned);
    if (!size.ok()) co_return std::move(size).error();
    if (size->has_value() && **size <= max_bytes) {
      auto head = parse_head(std::string_view(buffer).substr(0, **size), service.options.headers_max);
      buffer.erase(0, **size);
      co_return head;
    }
    if (buffer.size() > max_bytes) co_return Error{"HeaderTooLarge", "the head is too large", 431};
    const bool idle = buffer.empty();
    if (idle) service.busy = false;
    if (idle && service.stopping) co_return Error{"EndOfStream", "the server stops"};
    auto more = co_await connection.read_some(head_read_max, clock.left_ms(idle));
    if (!more.ok()) {
      auto error = std::move(more).error();
      if (!idle && error.code == "Timeout")
        co_return Error{"RequestTimeout", "the head did not arrive in time", 408};
      co_return Error{"EndOfStream", error.message};
    }
    if (idle) service.busy = true;
    if (idle) {
      buffer = std::move(*more);
    } else {
      buffer += *more;
    }
  }
}

Task<Status> write_stream(const Service& service, os::Connection& connection, api::BodySource& source,
                          bool chunked) {
  while (true) {
    co_await resume_on(service.pool);
    auto piece = co_await source.next();
    co_await resume_on(connection.executor());
    if (!piece.ok()) co_return std::move(piece).error();
    if (piece->empty()) break;
    if (chunked) *piece = fmt::format("{:x}\r\n", piece->size()) + *piece + "\r\n";
    auto written = co_await connection.write(*piece, service.options.write_timeout_ms);
    if (!written.ok()) co_return written;
  }
  if (!chunked) co_return ok();
  constexpr std::string_view end = "0\r\n\r\n";
  auto written = co_await connection.write(end, service.options.write_timeout_ms);
  co_return written;
}

Task<Status> write_response(const Service& service, os::Connection& connection, api::Response& response,
                            const Framing& framing) {
  auto head = write_head(response, framing);
  const bool has_body = head.has_body && !response.stream;
  const bool together = has_body && response.body.size() <= together_max;
  if (together) head.text += response.body;
  auto written = co_await connection.write(head.text, service.options.write_timeout_ms);
  if (!written.ok() || !head.has_body || together) co_return written;
  if (response.stream) {
    auto task = write_stream(service, connection, *response.stream, head.chunked);
    co_return co_await task;
  }
  auto rest = co_await connection.write(response.body, service.options.write_timeout_ms);
  co_return rest;
}

// A reply to a client that still sends is lost where the connection is closed at once (the kernel resets it),
// and most clients look for it only after their last byte: end our side, and drop what comes for a while: of
// an upload all its usual size. `ahead`: who reads already, or null.
Task<void> linger(const Service& service, os::Connection& connection, ReadAhead* ahead) {
  auto ended = co_await connection.end_output();
  if (!ended.ok()) co_return;
  const int64_t until_ms = monotonic_ms(service.clock) + ReadAhead::linger_all_ms;
  int64_t dropped = 0, turn = 0;
  while (dropped < linger_max && monotonic_ms(service.clock) < until_ms && !service.stopping) {
    if (ahead != nullptr && ahead->ended()) ahead = nullptr;
    auto task = ahead != nullptr ? ahead->next() : connection.read_some(body_read_max, ReadAhead::linger_ms);
    auto more = co_await task;
    if (!more.ok()) co_return;
    dropped += static_cast<int64_t>(more->size());
    // What is there already is read without a wait: others get their turn.
    if (dropped - turn < turn_max) continue;
    turn = dropped;
    co_await resume_behind(connection.executor());
  }
}

// The request's connection is not used again.
Task<void> leave(const Service& service, os::Connection& connection, ConnectionBody& body, bool replied) {
  auto* ahead = body.ahead();
  if (ahead != nullptr) ahead->give_up();
  if (replied && !body.ended()) co_await linger(service, connection, ahead);
  if (ahead == nullptr) co_return;
  connection.close();
  auto stopped = ahead->stop();
  co_await stopped;
}

Task<bool> serve_request(const Service& service, const os::ConnectionPtr& shared, std::string& buffer,
                         ParsedHead parsed) {
  auto& connection = *shared;
  parsed.head.source_ip = connection.peer().host;
  parsed.head.secure = connection.encrypted();
  parsed.head.tls_version = connection.tls_version();
  ConnectionBody body(service, shared, buffer, parsed);
  auto response = co_await answer(service, connection, parsed.head, body);
  co_await resume_on(connection.executor());
  const bool ends_by_closing = parsed.http_1_0 && response.stream && response.stream->length() < 0;
  bool clean =
      parsed.keep_alive && !service.stopping && !ends_by_closing && (body.ended() || body.worth_draining());
  Framing framing{parsed.head.method == "HEAD", parsed.http_1_0, parsed.keep_alive_1_0, !clean,
                  service.clock.wall_ms()};
  auto written = co_await write_response(service, connection, response, framing);
  if (written.ok() && clean && !body.ended()) clean = co_await body.drain();
  const bool stays = written.ok() && clean;
  if (!stays) co_await leave(service, connection, body, written.ok());
  co_return stays;
}

}  // namespace

std::shared_ptr<ReadAhead> ReadAhead::start(os::ConnectionPtr connection, const os::Clock& clock,
                                            int64_t timeout_ms, int64_t bytes) {
  auto& loop = connection->executor();
  std::shared_ptr<ReadAhead> self(new ReadAhead(std::move(connection), clock, timeout_ms, bytes));
  spawn(loop, run(self));
  return self;
}

// Sets what `waiting` holds, with no lock held: whoever waits may go on at once, on this thread.
void ReadAhead::wake(std::unique_lock<std::mutex> lock, std::optional<Promise<bool>>& waiting) {
  auto woken = std::exchange(waiting, std::nullopt);
  lock.unlock();
  if (woken) woken->set(true);
}

Task<Result<std::string>> ReadAhead::next() {
  while (true) {
    std::optional<Future<bool>> more;
    {
      std::unique_lock lock(mutex_);
      if (!pieces_.empty()) {
        waits_since_ms_ = nobody;
        auto piece = std::move(pieces_.front());
        pieces_.pop_front();
        ahead_ -= static_cast<int64_t>(piece.size());
        if (ahead_ <= ahead_max / 2) wake(std::move(lock), room_);
        co_return piece;
      }
      if (broken_) co_return *broken_;
      waits_since_ms_ = monotonic_ms(clock_);
      reader_.emplace();
      more = reader_->future();
    }
    co_await *more;
  }
}

bool ReadAhead::ended() const {
  std::lock_guard lock(mutex_);
  return left_ <= 0 && pieces_.empty();
}

Task<void> ReadAhead::stop() {
  std::optional<Future<bool>> end;
  {
    std::unique_lock lock(mutex_);
    stopped_ = true;
    if (running_) {
      end_.emplace();
      end = end_->future();
    }
    wake(std::move(lock), room_);
  }
  if (end) co_await *end;
}

int64_t ReadAhead::left_ms() const {
  const int64_t since_ms = waits_since_ms_;
  return since_ms == nobody ? timeout_ms_ : since_ms + timeout_ms_ - monotonic_ms(clock_);
}

// Where as much waits as may; nothing where there is room.
std::optional<Future<bool>> ReadAhead::await_room() {
  std::lock_guard lock(mutex_);
  if (stopped_ || ahead_ + static_cast<int64_t>(ahead_read_max) <= ahead_max) return std::nullopt;
  room_.emplace();
  return room_->future();
}

// False: it was the last.
bool ReadAhead::add(Result<std::string> read) {
  std::unique_lock lock(mutex_);
  if (read.ok()) {
    const auto bytes = static_cast<int64_t>(read->size());
    ahead_ += bytes;
    left_ -= bytes;
    if (!pieces_.empty() && pieces_.back().size() + read->size() <= joined_max) {
      pieces_.back() += *read;  // bytes that come one by one cost no more than others
    } else {
      pieces_.push_back(std::move(*read));
    }
  } else {
    broken_ = std::move(read).error();
  }
  const bool more = !broken_ && left_ > 0 && !stopped_;
  wake(std::move(lock), reader_);
  return more;
}

// In short waits, each of which looks whether anybody waits for it still, and since when.
Task<void> ReadAhead::run(std::shared_ptr<ReadAhead> self) {
  while (true) {
    if (auto room = self->await_room()) co_await *room;
    const int64_t wait_ms = std::clamp<int64_t>(self->left_ms(), 1, linger_ms);
    auto more = co_await self->connection_->read_some(ahead_read_max, wait_ms);
    const bool silent = !more.ok() && more.error().code == "Timeout";
    if (silent && !self->given_up_ && self->left_ms() > 0) continue;
    if (!self->add(std::move(more))) break;
  }
  std::unique_lock lock(self->mutex_);
  self->running_ = false;
  wake(std::move(lock), self->end_);
}

ConnectionBody::ConnectionBody(const Service& service, os::ConnectionPtr connection, std::string& buffer,
                               const ParsedHead& head)
    : service_(service),
      connection_(std::move(connection)),
      buffer_(buffer),
      pace_(service.options),
      left_(head.head.content_length),
      continue_owed_(head.expects_continue),
      ended_(!head.chunked && head.head.content_length == 0) {
  if (head.chunked) chunks_.emplace();
  if (ended_) continue_owed_ = false;
}

// The next bytes, from who reads ahead where somebody does.
Task<Result<std::string>> ConnectionBody::more() {
  const int64_t timeout_ms = service_.options.read_timeout_ms;
  if (ahead_ != nullptr) {
    auto task = ahead_->next();
    auto piece = co_await task;
    if (ahead_->ended()) ahead_.reset();
    co_return piece;
  }
  co_await resume_on(connection_->executor());
  if (std::exchange(continue_owed_, false)) {
    auto written = co_await connection_->write(continue_line, timeout_ms);
    if (!written.ok()) co_return std::move(written).error();
  }
  auto task = connection_->read_some(may_read_ahead_ ? body_read_max : stranger_read_max, timeout_ms);
  co_return co_await task;
}

Task<Status> ConnectionBody::fill() {
  const int64_t began_ms = monotonic_ms(service_.clock);
  auto task = more();
  auto bytes = co_await task;
  if (!bytes.ok()) co_return bytes.error().code == "Timeout" ? request_timeout() : incomplete_body();
  pace_.add(monotonic_ms(service_.clock) - began_ms, bytes->size());
  if (pace_.too_slow()) co_return request_timeout();
  if (buffer_.empty()) {
    buffer_ = std::move(*bytes);
  } else {
    buffer_ += *bytes;
  }
  co_return ok();
}

// What the buffer holds of the body.
Result<std::string> ConnectionBody::take() {
  if (chunks_) {
    auto decoded = chunks_->decode(buffer_);
    if (!decoded.ok()) return Error{"InvalidRequest", decoded.error().message, 400};
    ended_ = chunks_->done();
    return decoded;
  }
  std::string piece;
  if (static_cast<uint64_t>(left_) >= buffer_.size()) {
    piece = std::exchange(buffer_, {});
  } else {
    piece = buffer_.substr(0, static_cast<size_t>(left_));
    buffer_.erase(0, piece.size());
  }
  left_ -= static_cast<int64_t>(piece.size());
  ended_ = left_ == 0;
  return piece;
}

// What came with the head, or ahead, is handed out on the caller's thread: a small request needs no way back
// to the loop.
Task<Result<std::string>> ConnectionBody::read() {
  while (!broken_) {
    if (ended_) co_return std::string();
    auto piece = take();
    if (!piece.ok()) {
      broken_ = std::move(piece).error();
    } else if (!piece->empty()) {
      if (may_read_ahead_ && !ended_ && ahead_ == nullptr)  // of chunks nobody knows how many there are
        ahead_ = ReadAhead::start(connection_, service_.clock, service_.options.read_timeout_ms,
                                  chunks_ ? 1 : left_);
      co_return piece;
    } else if (!ended_) {
      auto filled = co_await fill();
      if (!filled.ok()) broken_ = std::move(filled).error();
    }
  }
  co_return *broken_;
}

bool ConnectionBody::worth_draining() const {
  // After Expect: 100-continue without the reply the client may or may not send it.
  return !broken_ && !continue_owed_ && !chunks_ && left_ <= drain_max;
}

Task<bool> ConnectionBody::drain() {
  while (true) {
    auto piece = co_await read();
    if (!piece.ok()) co_return false;
    if (piece->empty()) co_return true;
  }
}

Task<void> serve_http1(const Service& service, os::ConnectionPtr shared, std::string buffer) {
  auto& connection = *shared;
  while (true) {
    auto parsed = co_await read_request(service, connection, buffer);
    if (!parsed.ok()) {
      if (parsed.error().code == "EndOfStream") co_return;
      auto response = plain(parsed.error());
      Framing framing{.close = true, .now_ms = service.clock.wall_ms()};
      auto written = co_await write_response(service, connection, response, framing);
      if (written.ok()) co_await linger(service, connection, nullptr);
      co_return;
    }
    const bool more = co_await serve_request(service, shared, buffer, std::move(*parsed));
    if (!more) co_return;
  }
}

}  // namespace mekong::front
