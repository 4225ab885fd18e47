#include "front/connection.h"

#include <fmt/format.h>

namespace mekong::front {
namespace {

constexpr size_t kReadMax = 64 << 10;
constexpr size_t kDrainMax =
    256 << 10;  // of a body that nobody read, before the connection is dropped instead
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

api::Response plain(int status, const std::string& text) {
  return {status, {{"Content-Type", "text/plain"}}, text + "\n", nullptr};
}

const InternalHandler* find_route(const InternalRoutes& routes, const std::string& path) {
  const InternalHandler* best = nullptr;
  size_t best_size = 0;
  for (const auto& [prefix, handler] : routes) {
    bool fits = path.starts_with(prefix) && (path.size() == prefix.size() || path[prefix.size()] == '/');
    if (!fits || prefix.size() < best_size) continue;
    best = &handler;
    best_size = prefix.size();
  }
  return best;
}

// Bytes up to and with the next head; "EndOfStream" between requests is a client that leaves.
Task<Result<ParsedHead>> read_request(const Service& service, os::Connection& connection,
                                      std::string& buffer) {
  while (true) {
    auto size = find_head(buffer);
    if (!size.ok()) co_return std::move(size).error();
    if (size->has_value() && **size <= service.options.header_max_bytes) {
      auto head = parse_head(std::string_view(buffer).substr(0, **size));
      buffer.erase(0, **size);
      co_return head;
    }
    if (buffer.size() > service.options.header_max_bytes)
      co_return Error{"HeaderTooLarge", "the head is too large", 431};
    bool idle = buffer.empty();
    if (idle) service.busy(false);
    if (idle && service.stopping) co_return Error{"EndOfStream", "the server stops"};
    auto more = co_await connection.read_some(
        kReadMax, idle ? service.options.idle_timeout_ms : service.options.read_timeout_ms);
    if (!more.ok()) {
      auto error = std::move(more).error();
      if (!idle && error.code == "Timeout")
        co_return Error{"RequestTimeout", "the head did not arrive in time", 408};
      co_return Error{"EndOfStream", error.message};
    }
    service.busy(true);
    buffer += *more;
  }
}

Task<Result<std::string>> read_whole(api::RawBody& body, size_t max_bytes) {
  std::string out;
  while (true) {
    auto piece = co_await body.read();
    if (!piece.ok() || piece->empty())
      co_return piece.ok() ? Result<std::string>(std::move(out)) : std::move(piece);
    if (out.size() + piece->size() > max_bytes)
      co_return Error{"ContentTooLarge", "the body is too large", 413};
    out += *piece;
  }
}

Task<api::Response> answer(const Service& service, const os::Connection& connection, const ParsedHead& parsed,
                           api::RawBody& body) {
  const auto* handler = find_route(service.routes, parsed.head.raw_path);
  if (handler == nullptr) {
    auto task = service.pipeline.handle(parsed.head, body);
    co_return co_await task;
  }
  auto whole = co_await read_whole(body, service.options.internal_body_max_bytes);
  if (!whole.ok()) {
    int status = whole.error().http_status;
    co_return plain(status == 0 ? 400 : status, whole.error().message);
  }
  HttpRequest request{parsed.head, std::move(*whole), [&connection] { return connection.peer_uid(); }};
  auto task = (*handler)(request);
  co_return co_await task;
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
  constexpr std::string_view kEnd = "0\r\n\r\n";
  auto written = co_await connection.write(kEnd, service.options.write_timeout_ms);
  co_return written;
}

Task<Status> write_response(const Service& service, os::Connection& connection, api::Response& response,
                            const Framing& framing) {
  auto head = write_head(response, framing);
  bool together = head.has_body && !response.stream && response.body.size() <= kReadMax;
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

// Whether the connection stands at the start of the next request.
Task<bool> drain(ConnectionBody& body) {
  if (body.continue_owed()) co_return false;  // the client may or may not send it now
  size_t dropped = 0;
  while (!body.ended() && dropped <= kDrainMax) {
    auto piece = co_await body.read();
    if (!piece.ok()) co_return false;
    dropped += piece->size();
  }
  co_return body.ended();
}

Task<bool> serve_request(const Service& service, os::Connection& connection, std::string& buffer,
                         ParsedHead parsed) {
  parsed.head.source_ip = connection.peer().host;
  parsed.head.secure = connection.encrypted();
  ConnectionBody body(connection, buffer, parsed, service.options.read_timeout_ms);
  auto response = co_await answer(service, connection, parsed, body);
  co_await resume_on(connection.executor());
  bool clean = parsed.keep_alive && !service.stopping;
  if (clean) clean = co_await drain(body);
  Framing framing{parsed.head.method == "HEAD", parsed.http_1_0, !clean, service.clock.wall_ms()};
  auto written = co_await write_response(service, connection, response, framing);
  co_return written.ok() && clean;
}

}  // namespace

ConnectionBody::ConnectionBody(os::Connection& connection, std::string& buffer, const ParsedHead& head,
                               int64_t timeout_ms)
    : connection_(connection),
      buffer_(buffer),
      timeout_ms_(timeout_ms),
      left_(head.head.content_length),
      continue_owed_(head.expects_continue),
      ended_(!head.chunked && head.head.content_length == 0) {
  if (head.chunked) chunks_.emplace();
  if (ended_) continue_owed_ = false;
}

Task<Status> ConnectionBody::fill() {
  if (continue_owed_) {
    continue_owed_ = false;
    auto written = co_await connection_.write(kContinue, timeout_ms_);
    if (!written.ok()) co_return written;
  }
  auto more = co_await connection_.read_some(kReadMax, timeout_ms_);
  if (!more.ok()) {
    if (more.error().code == "Timeout") {
      co_return Error{"RequestTimeout",
                      "Your socket connection to the server was not read from or written to "
                      "within the timeout period."};
    }
    co_return Error{"IncompleteBody", "The client closed the connection inside of the body."};
  }
  buffer_ += *more;
  co_return ok();
}

Task<Result<std::string>> ConnectionBody::read() {
  co_await resume_on(connection_.executor());
  if (broken_) co_return Error{"InvalidRequest", "The chunked body is malformed.", 400};
  while (!ended_) {
    std::string piece;
    if (chunks_) {
      auto decoded = chunks_->decode(buffer_);
      if (!decoded.ok()) broken_ = true;
      if (!decoded.ok()) co_return Error{"InvalidRequest", decoded.error().message, 400};
      piece = std::move(*decoded);
      ended_ = chunks_->done();
    } else if (!buffer_.empty()) {
      auto size = std::min<size_t>(static_cast<size_t>(left_), buffer_.size());
      piece = buffer_.substr(0, size);
      buffer_.erase(0, size);
      left_ -= static_cast<int64_t>(size);
      ended_ = left_ == 0;
    }
    if (!piece.empty()) co_return piece;
    if (ended_) break;
    auto filled = co_await fill();
    if (!filled.ok()) co_return std::move(filled).error();
  }
  co_return std::string();
}

Task<void> serve_connection(const Service& service, os::Connection& connection) {
  std::string buffer;
  while (true) {
    auto parsed = co_await read_request(service, connection, buffer);
    if (!parsed.ok()) {
      if (parsed.error().code == "EndOfStream") co_return;
      auto response = plain(parsed.error().http_status, parsed.error().message);
      Framing framing{false, false, true, service.clock.wall_ms()};
      (void)co_await write_response(service, connection, response, framing);
      co_return;
    }
    bool more = co_await serve_request(service, connection, buffer, std::move(*parsed));
    if (!more) co_return;
  }
}

}  // namespace mekong::front
