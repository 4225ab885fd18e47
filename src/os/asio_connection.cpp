#include "os/asio_connection.h"

#include <boost/asio/write.hpp>

#include "os/peer_uid.h"

namespace mekong::os {
namespace asio = boost::asio;
using boost::system::error_code;

namespace {

Error stream_error(const error_code& code) {
  if (code == asio::error::eof || code == asio::error::connection_reset || code == asio::error::broken_pipe ||
      code == asio::error::operation_aborted || code == asio::error::bad_descriptor ||
      code == asio::ssl::error::stream_truncated) {
    return Error{"EndOfStream", code.message()};
  }
  return Error{"ConnectionFailed", code.message()};
}

Endpoint endpoint_of(const asio::ip::tcp::endpoint& from) {
  return {from.address().to_string(), from.port()};
}

}  // namespace

AsioConnection::AsioConnection(Loop& loop, asio::ip::tcp::socket socket, std::function<void()> on_end)
    : loop_(loop),
      socket_(std::move(socket)),
      read_timer_(loop.context()),
      write_timer_(loop.context()),
      on_end_(std::move(on_end)) {
  error_code ignored;
  socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
  if (const auto peer = socket_.remote_endpoint(ignored); !ignored) peer_ = endpoint_of(peer);
  if (const auto local = socket_.local_endpoint(ignored); !ignored) local_ = endpoint_of(local);
}

AsioConnection::~AsioConnection() {
  if (on_end_) on_end_();
}

Task<Result<size_t>> AsioConnection::run(asio::steady_timer& timer, int64_t timeout_ms,
                                         std::function<void(Done)> start) {
  co_await resume_on(loop_);
  Promise<Result<size_t>> promise;
  auto future = promise.future();
  auto self = shared_from_this();
  // A timer that expired just before the operation ended has its handler queued already: it must not cancel
  // the next operation.
  auto finished = std::make_shared<bool>(false);
  if (timeout_ms > 0) {
    timer.expires_after(std::chrono::milliseconds(timeout_ms));
    timer.async_wait([self, promise, finished](const error_code& cancelled) {
      if (cancelled || *finished) return;
      promise.set(Error{"Timeout", "the peer was silent for too long"});
      error_code ignored;
      self->socket_.cancel(ignored);
    });
  }
  start([self, promise, finished, &timer](const error_code& code, size_t bytes) {
    *finished = true;
    timer.cancel();
    if (code) {
      promise.set(stream_error(code));
    } else {
      promise.set(bytes);
    }
  });
  co_return co_await future;
}

Task<Status> AsioConnection::accept_handshake(TlsMode mode, std::shared_ptr<TlsServer> tls,
                                              int64_t timeout_ms) {
  bool encrypt = mode == TlsMode::tls;
  if (mode == TlsMode::detect) {
    auto readable = co_await run(read_timer_, timeout_ms, [this](Done done) {
      socket_.async_wait(asio::ip::tcp::socket::wait_read, [done](const error_code& code) { done(code, 0); });
    });
    if (!readable.ok()) co_return std::move(readable).error();
    char first = 0;
    error_code code;
    socket_.receive(asio::buffer(&first, 1), asio::ip::tcp::socket::message_peek, code);
    if (code) co_return stream_error(code);
    encrypt = first == 0x16;
  }
  if (!encrypt) co_return ok();
  if (!tls) co_return Error{"TlsNotConfigured", "this listener has no certificate"};
  tls_ = std::move(tls);
  stream_.emplace(socket_, tls_->context);
  auto shaken = co_await run(read_timer_, timeout_ms, [this](Done done) {
    stream_->async_handshake(asio::ssl::stream_base::server,
                             [done](const error_code& code) { done(code, 0); });
  });
  if (!shaken.ok()) co_return std::move(shaken).error();
  co_return ok();
}

Task<Result<std::string>> AsioConnection::read_some(size_t max_bytes, int64_t timeout_ms) {
  auto bytes = std::make_shared<std::string>(max_bytes, '\0');
  auto got = co_await run(read_timer_, timeout_ms, [this, bytes](Done done) {
    auto handler = [bytes, done](const error_code& code, size_t n) { done(code, n); };
    if (stream_) {
      stream_->async_read_some(asio::buffer(*bytes), handler);
    } else {
      socket_.async_read_some(asio::buffer(*bytes), handler);
    }
  });
  if (!got.ok()) co_return std::move(got).error();
  bytes->resize(*got);
  co_return std::move(*bytes);
}

Task<Status> AsioConnection::write(std::string_view data, int64_t timeout_ms) {
  auto put = co_await run(write_timer_, timeout_ms, [this, data](Done done) {
    if (stream_) {
      asio::async_write(*stream_, asio::buffer(data), done);
    } else {
      asio::async_write(socket_, asio::buffer(data), done);
    }
  });
  if (!put.ok()) co_return std::move(put).error();
  co_return ok();
}

void AsioConnection::close() {
  loop_.post([self = shared_from_this()] {
    error_code ignored;
    self->read_timer_.cancel();
    self->write_timer_.cancel();
    self->socket_.shutdown(asio::ip::tcp::socket::shutdown_both, ignored);
    self->socket_.close(ignored);
  });
}

Result<uint32_t> AsioConnection::peer_uid() const {
  return loopback_peer_uid(peer_, local_);
}

}  // namespace mekong::os
