#include "os/asio_connection.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>

#include "os/files.h"
#include "os/peer_uid.h"

namespace mekong::os {
namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr size_t read_bytes_max = 256 << 10;
constexpr size_t turn_bytes_max = 1 << 20;  // written to a fast reader before others get their turn

Endpoint endpoint_of(const tcp::endpoint& from) {
  return {from.address().to_string(), from.port()};
}

Error end_of_stream() {
  return Error{"EndOfStream", "the connection is closed"};
}

Error error_of(TlsSession::Need need) {
  if (need == TlsSession::Need::gone) return end_of_stream();
  return Error{"ConnectionFailed", "the TLS stream is broken"};
}

// From here on what was asked for is expected to come, and lands where it stays.
constexpr size_t large_read_bytes = 128 << 10;

// Where smaller reads land before their size is known; one a thread, so that waiting connections share it.
char* landing() {
  static thread_local std::unique_ptr<std::array<char, read_bytes_max>> bytes(
      new std::array<char, read_bytes_max>);
  return bytes->data();
}

TlsSession::Step step_of(ssize_t result, TlsSession::Need need) {
  if (result > 0) return {static_cast<size_t>(result), TlsSession::Need::nothing};
  const bool later = result < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
  return {0, later ? need : TlsSession::Need::gone};
}

}  // namespace

AsioConnection::AsioConnection(Loop& loop, tcp::socket socket, std::function<void()> on_end,
                               std::optional<uint32_t> uid)
    : loop_(loop),
      socket_(std::move(socket)),
      read_(loop.context()),
      write_(loop.context()),
      on_end_(std::move(on_end)),
      uid_(uid) {
  error_code ignored;
  socket_.native_non_blocking(true, ignored);
  socket_.set_option(tcp::no_delay(true), ignored);
  if (const auto peer = socket_.remote_endpoint(ignored); !ignored) peer_ = endpoint_of(peer);
  if (const auto local = socket_.local_endpoint(ignored); !ignored) local_ = endpoint_of(local);
}

AsioConnection::~AsioConnection() {
  if (on_end_) on_end_();
}

AsioConnection::Clock::time_point AsioConnection::deadline_of(int64_t timeout_ms) {
  return timeout_ms > 0 ? Clock::now() + std::chrono::milliseconds(timeout_ms) : Clock::time_point::max();
}

void AsioConnection::wake(Side& side, bool timed_out) {
  if (!side.waiter) return;
  side.timed_out = timed_out;
  std::exchange(side.waiter, nullptr).resume();
}

// Once for all waits until the answer comes: one that timed out leaves its question to the next.
void AsioConnection::ask(Need need) {
  bool& asked = need == Need::readable ? asked_readable_ : asked_writable_;
  if (std::exchange(asked, true)) return;
  const auto kind = need == Need::readable ? tcp::socket::wait_read : tcp::socket::wait_write;
  socket_.async_wait(kind, [self = shared_from_this(), &asked, need](const error_code&) {
    asked = false;
    if (self->read_.need == need) wake(self->read_, false);
    if (self->write_.need == need) wake(self->write_, false);
  });
}

// A timer that runs is left alone where it goes off early enough, and looks then how long there is to wait:
// most waits end long before, and to stop and start one for each would cost more than all of the rest here.
void AsioConnection::arm(Side& side) {
  if (side.alarm <= side.deadline) return;
  side.alarm = side.deadline;
  side.timer.expires_at(side.deadline);
  side.timer.async_wait([weak = weak_from_this(), &side](const error_code& cancelled) {
    const auto self = weak.lock();
    if (cancelled || !self) return;
    side.alarm = Clock::time_point::max();
    if (!side.waiter) return;
    if (Clock::now() >= side.deadline) return wake(side, true);
    self->arm(side);
  });
}

struct AsioConnection::Readiness {
  AsioConnection& connection;
  Side& side;
  Need need;
  Clock::time_point deadline;
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waiter) const {
    side.waiter = waiter;
    side.need = need;
    side.timed_out = false;
    side.deadline = deadline;
    connection.ask(need);
    connection.arm(side);
  }
  void await_resume() const noexcept {}
};

Task<Status> AsioConnection::wait(Side& side, Need need, Clock::time_point deadline) {
  if (closed_) co_return end_of_stream();
  Readiness readiness{*this, side, need, deadline};
  co_await readiness;
  if (side.timed_out) co_return Error{"Timeout", "the peer was silent for too long"};
  if (closed_) co_return end_of_stream();
  co_return ok();
}

AsioConnection::Step AsioConnection::step_read(char* to, size_t bytes_max) {
  if (closed_) return {0, Need::gone};
  if (tls_) return tls_->read(to, bytes_max);
  return step_of(::recv(socket_.native_handle(), to, bytes_max, 0), Need::readable);
}

// Nobody holds more memory than twice what came.
AsioConnection::Step AsioConnection::read_into(std::string& bytes, size_t bytes_max) {
  if (bytes_max < large_read_bytes) {
    const auto step = step_read(landing(), bytes_max);
    bytes.assign(landing(), step.bytes);
    return step;
  }
  Step step;
  bytes.resize_and_overwrite(bytes_max, [&](char* to, size_t size) {
    step = step_read(to, size);
    return step.bytes;
  });
  if (step.bytes < bytes_max / 2) bytes.shrink_to_fit();
  return step;
}

AsioConnection::Step AsioConnection::step_write(const char* from, size_t bytes) {
  if (closed_) return {0, Need::gone};
  if (tls_) return tls_->write(from, bytes);
  return step_of(::send(socket_.native_handle(), from, bytes, MSG_NOSIGNAL), Need::writable);
}

AsioConnection::Step AsioConnection::step_send(HeldBytes& held, size_t bytes) {
  if (closed_) return {0, Need::gone};
  return step_of(held.send_some(socket_.native_handle(), bytes), Need::writable);
}

Task<Status> AsioConnection::accept_handshake(const ListenOptions& options) {
  co_await resume_on(loop_);
  const auto deadline = deadline_of(options.handshake_timeout_ms);
  bool encrypt = options.mode == TlsMode::tls;
  if (options.mode == TlsMode::detect) {
    char first = 0;
    while (true) {
      const auto step = step_of(::recv(socket_.native_handle(), &first, 1, MSG_PEEK), Need::readable);
      if (step.bytes > 0) break;
      if (step.need == Need::gone) co_return end_of_stream();
      auto readable = co_await wait(read_, Need::readable, deadline);
      if (!readable.ok()) co_return readable;
    }
    encrypt = first == 0x16;
  }
  if (!encrypt) co_return ok();
  if (!options.tls) co_return Error{"TlsNotConfigured", "this listener has no certificate"};
  tls_.emplace(*options.tls, socket_.native_handle(), options.protocols);
  while (true) {
    const auto step = closed_ ? Step{0, Need::gone} : tls_->accept();
    if (step.need == Need::nothing) co_return ok();
    if (step.need == Need::gone || step.need == Need::failed) co_return error_of(step.need);
    auto ready = co_await wait(read_, step.need, deadline);
    if (!ready.ok()) co_return ready;
  }
}

Task<Result<std::string>> AsioConnection::read_some(size_t max_bytes, int64_t timeout_ms) {
  co_await resume_on(loop_);
  const auto deadline = deadline_of(timeout_ms);
  // After an answer there is nothing yet, as a rule: to ask the kernel first would be a call for nothing.
  bool wait_first = std::exchange(answered_, false) && !tls_;
  while (true) {
    std::string bytes;
    const auto step = std::exchange(wait_first, false)
                          ? Step{0, Need::readable}
                          : read_into(bytes, std::min(max_bytes, read_bytes_max));
    if (step.bytes > 0) co_return bytes;
    if (step.need != Need::readable && step.need != Need::writable) co_return error_of(step.need);
    auto ready = co_await wait(read_, step.need, deadline);
    if (!ready.ok()) co_return std::move(ready).error();
  }
}

Task<Status> AsioConnection::write(std::string_view data, int64_t timeout_ms) {
  return write_all(data, nullptr, timeout_ms);
}

Task<Status> AsioConnection::write_held(HeldBytes& held, size_t bytes, int64_t timeout_ms) {
  return write_all(held.bytes().substr(0, bytes), tls_ ? nullptr : &held, timeout_ms);
}

Task<Status> AsioConnection::write_all(std::string_view data, HeldBytes* held, int64_t timeout_ms) {
  co_await resume_on(loop_);
  const auto deadline = deadline_of(timeout_ms);
  size_t turn = 0;
  while (!data.empty()) {
    Step step{0, Need::writable};
    if (turn < turn_bytes_max)
      step = held ? step_send(*held, data.size()) : step_write(data.data(), data.size());
    data.remove_prefix(step.bytes);
    turn += step.bytes;
    if (step.bytes > 0) continue;
    if (step.need != Need::readable && step.need != Need::writable) co_return error_of(step.need);
    turn = 0;
    auto ready = co_await wait(write_, step.need, deadline);
    if (!ready.ok()) co_return ready;
  }
  answered_ = true;
  co_return ok();
}

Task<Status> AsioConnection::end_output() {
  co_await resume_on(loop_);
  if (closed_) co_return end_of_stream();
  if (tls_) tls_->say_goodbye();
  error_code ignored;
  socket_.shutdown(tcp::socket::shutdown_send, ignored);
  co_return ok();
}

void AsioConnection::close() {
  loop_.post([self = shared_from_this()] {
    if (std::exchange(self->closed_, true)) return;
    if (self->tls_) self->tls_->say_goodbye();
    error_code ignored;
    self->socket_.shutdown(tcp::socket::shutdown_both, ignored);
    self->socket_.close(ignored);
    wake(self->read_, false);
    wake(self->write_, false);
  });
}

std::string AsioConnection::protocol() const {
  return tls_ ? tls_->protocol() : std::string();
}

Result<uint32_t> AsioConnection::peer_uid() const {
  if (uid_) return *uid_;
  return loopback_peer_uid(peer_, local_);
}

}  // namespace mekong::os
