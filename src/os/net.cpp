#include "os/net.h"

#include <pthread.h>
#include <signal.h>

#include <atomic>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include "os/asio_connection.h"
#include "os/asio_loop.h"

namespace mekong::os {
namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

Loop::Loop() : guard_(asio::make_work_guard(context_)) {
  thread_ = std::thread([this] {
    pthread_setname_np(pthread_self(), "mekong-io");
    sigset_t broken_pipe;  // OpenSSL writes without MSG_NOSIGNAL
    sigemptyset(&broken_pipe);
    sigaddset(&broken_pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &broken_pipe, nullptr);
    Scope scope(this);
    context_.run();
  });
}

Loop::~Loop() {
  context_.stop();
  thread_.join();
}

void Loop::post(std::function<void()> work) {
  asio::post(context_, std::move(work));
}

namespace {

Error listen_error(const error_code& code, const ListenOptions& options) {
  const std::string where = options.host + ":" + std::to_string(options.port);
  if (code == asio::error::address_in_use) return {"AddressInUse", where + " is in use by another program"};
  if (code == asio::error::access_denied) return {"PermissionDenied", "no right to listen on " + where};
  return {"AddressNotAvailable", where + ": " + code.message()};
}

// Shared with the pending accept, so that it may end after the Listener is gone.
struct Acceptor : std::enable_shared_from_this<Acceptor> {
  Acceptor(Loop& loop, ListenOptions options, Network::Accept accept, std::function<Loop&()> next_loop)
      : socket(loop.context()),
        pause(loop.context()),
        options(std::move(options)),
        accept(std::move(accept)),
        next_loop(std::move(next_loop)) {}

  tcp::acceptor socket;
  asio::steady_timer pause;
  ListenOptions options;
  Network::Accept accept;
  std::function<Loop&()> next_loop;
  std::atomic<size_t> open{0};

  void wait() {
    Loop& loop = next_loop();
    socket.async_accept(loop.context(), [self = shared_from_this(), &loop](const error_code& code,
                                                                           tcp::socket peer) {
      if (code == asio::error::operation_aborted || !self->socket.is_open()) return;
      if (code) return self->wait_later();  // no descriptor or memory left: do not spin
      if (self->open < self->options.connections_max) {
        ++self->open;
        auto connection = std::make_shared<AsioConnection>(loop, std::move(peer), [self] { --self->open; });
        spawn(loop, serve(self, std::move(connection)));
      }
      self->wait();
    });
  }

  void wait_later() {
    pause.expires_after(std::chrono::milliseconds(50));
    pause.async_wait([self = shared_from_this()](const error_code&) {
      if (self->socket.is_open()) self->wait();
    });
  }

  static Task<void> serve(std::shared_ptr<Acceptor> self, std::shared_ptr<AsioConnection> connection) {
    auto ready = co_await connection->accept_handshake(self->options);
    if (ready.ok()) co_await self->accept(connection);
    connection->close();
  }
};

class AsioListener final : public Listener {
 public:
  AsioListener(Loop& loop, std::shared_ptr<Acceptor> acceptor) : loop_(loop), acceptor_(std::move(acceptor)) {
    error_code ignored;
    const auto at = acceptor_->socket.local_endpoint(ignored);
    endpoint_ = {at.address().to_string(), at.port()};
  }
  ~AsioListener() override {
    loop_.post([acceptor = acceptor_] {
      error_code ignored;
      acceptor->socket.close(ignored);
    });
  }
  Endpoint endpoint() const override { return endpoint_; }

 private:
  Loop& loop_;
  std::shared_ptr<Acceptor> acceptor_;
  Endpoint endpoint_;
};

class AsioNetwork final : public Network {
 public:
  explicit AsioNetwork(int threads) {
    for (int i = 0; i < threads; ++i) loops_.push_back(std::make_unique<Loop>());
  }

  Result<std::unique_ptr<Listener>> listen(const ListenOptions& options, Accept accept) override {
    error_code code;
    const auto address = asio::ip::make_address(options.host, code);
    if (code) return listen_error(code, options);
    auto acceptor = std::make_shared<Acceptor>(*loops_[0], options, std::move(accept),
                                               [this]() -> Loop& { return next_loop(); });
    const tcp::endpoint at(address, options.port);
    acceptor->socket.open(at.protocol(), code);
    if (!code) acceptor->socket.set_option(tcp::acceptor::reuse_address(true), code);
    if (!code) acceptor->socket.bind(at, code);
    if (!code) acceptor->socket.listen(asio::socket_base::max_listen_connections, code);
    if (code) return listen_error(code, options);
    auto listener = std::make_unique<AsioListener>(*loops_[0], acceptor);
    loops_[0]->post([acceptor] { acceptor->wait(); });
    return std::unique_ptr<Listener>(std::move(listener));
  }

  Task<Result<ConnectionPtr>> connect(const Endpoint& to, int64_t timeout_ms) override {
    Loop& loop = next_loop();
    error_code code;
    const auto address = asio::ip::make_address(to.host, code);
    if (code) co_return Error{"AddressNotAvailable", to.host + ": " + code.message()};
    Promise<Result<ConnectionPtr>> promise;
    auto socket = std::make_shared<tcp::socket>(loop.context());
    auto timer = std::make_shared<asio::steady_timer>(loop.context(), std::chrono::milliseconds(timeout_ms));
    loop.post([socket, timer, promise, address, port = to.port, &loop] {
      timer->async_wait([socket, promise](const error_code& cancelled) {
        if (cancelled) return;
        promise.set(Error{"Timeout", "no connection in time"});
        error_code ignored;
        socket->close(ignored);
      });
      socket->async_connect({address, port}, [socket, timer, promise, &loop](const error_code& failed) {
        timer->cancel();
        if (failed) {
          promise.set(Error{"ConnectionFailed", failed.message()});
        } else {
          promise.set(ConnectionPtr(std::make_shared<AsioConnection>(loop, std::move(*socket), nullptr)));
        }
      });
    });
    auto future = promise.future();
    co_return co_await future;
  }

  Executor& executor() override { return next_loop(); }

  Future<bool> sleep(int64_t ms) override {
    Promise<bool> promise;
    Loop& loop = next_loop();
    loop.post([promise, ms, &loop] {
      auto timer = std::make_shared<asio::steady_timer>(loop.context(), std::chrono::milliseconds(ms));
      timer->async_wait([timer, promise](const error_code& cancelled) { promise.set(!cancelled); });
    });
    return promise.future();
  }

 private:
  Loop& next_loop() { return *loops_[next_++ % loops_.size()]; }
  std::vector<std::unique_ptr<Loop>> loops_;
  std::atomic<size_t> next_{0};
};

}  // namespace

std::unique_ptr<Network> make_network(int threads) {
  return std::make_unique<AsioNetwork>(threads);
}

}  // namespace mekong::os
