#include "os/net.h"

#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include "os/asio_acceptor.h"
#include "os/asio_connection.h"
#include "os/asio_loop.h"
#include "os/files.h"
#include "os/private_network.h"

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

Task<Status> Connection::write_held(HeldBytes& held, size_t bytes, int64_t timeout_ms) {
  return write(held.bytes().substr(0, bytes), timeout_ms);
}

namespace {

class AsioListener final : public Listener {
 public:
  AsioListener(std::shared_ptr<Doors> doors, std::shared_ptr<Acceptor> acceptor)
      : doors_(std::move(doors)), acceptor_(std::move(acceptor)) {
    error_code ignored;
    const auto at = acceptor_->socket.local_endpoint(ignored);
    endpoint_ = {at.address().to_string(), at.port()};
  }
  ~AsioListener() override { doors_->remove(acceptor_); }
  Endpoint endpoint() const override { return endpoint_; }

 private:
  std::shared_ptr<Doors> doors_;
  std::shared_ptr<Acceptor> acceptor_;
  Endpoint endpoint_;
};

// Connects a socket that may be open already; the promise is set on the loop.
Future<Result<ConnectionPtr>> start_connect(Loop& loop, std::shared_ptr<tcp::socket> socket, tcp::endpoint to,
                                            int64_t timeout_ms) {
  Promise<Result<ConnectionPtr>> promise;
  auto timer = std::make_shared<asio::steady_timer>(loop.context(), std::chrono::milliseconds(timeout_ms));
  loop.post([socket, timer, promise, to, &loop] {
    timer->async_wait([socket, promise](const error_code& cancelled) {
      if (cancelled) return;
      promise.set(Error{"Timeout", "no connection in time"});
      error_code ignored;
      socket->close(ignored);
    });
    socket->async_connect(to, [socket, timer, promise, &loop](const error_code& failed) {
      timer->cancel();
      if (failed) {
        promise.set(Error{"ConnectionFailed", failed.message()});
      } else {
        promise.set(ConnectionPtr(std::make_shared<AsioConnection>(loop, std::move(*socket), nullptr)));
      }
    });
  });
  return promise.future();
}

class AsioNetwork final : public Network {
 public:
  explicit AsioNetwork(int threads) {
    for (int i = 0; i < threads; ++i) loops_.push_back(std::make_unique<Loop>());
  }

  Result<std::unique_ptr<Listener>> listen(const ListenOptions& options, Accept accept) override {
    auto acceptor = std::make_shared<Acceptor>(*loops_[0], options, std::move(accept),
                                               [this]() -> Loop& { return next_loop(); });
    MEKONG_TRY(acceptor->listen());
    auto listener = std::make_unique<AsioListener>(doors_, acceptor);
    doors_->add(acceptor);
    acceptor->start();
    return std::unique_ptr<Listener>(std::move(listener));
  }

  Task<Result<ConnectionPtr>> connect(const Endpoint& to, int64_t timeout_ms) override {
    Loop& loop = next_loop();
    error_code code;
    const auto address = asio::ip::make_address(to.host, code);
    if (code) co_return Error{"AddressNotAvailable", to.host + ": " + code.message()};
    auto future =
        start_connect(loop, std::make_shared<tcp::socket>(loop.context()), {address, to.port}, timeout_ms);
    co_return co_await future;
  }

  Result<std::shared_ptr<PrivateNetwork>> make_private(PrivateNetworkOptions options) override {
    return doors_->make(std::move(options));
  }

  Task<Result<ConnectionPtr>> connect_inside(std::shared_ptr<PrivateNetwork> inside, Endpoint to,
                                             int64_t timeout_ms) override {
    Loop& loop = next_loop();
    error_code code;
    const auto address = asio::ip::make_address(to.host, code);
    if (code) co_return Error{"AddressNotAvailable", to.host + ": " + code.message()};
    auto made = doors_->socket_in(std::move(inside), address.is_v4() ? AF_INET : AF_INET6);
    MEKONG_CO_TRY_ASSIGN(const int descriptor, co_await made);
    auto socket = std::make_shared<tcp::socket>(loop.context());
    socket->assign(address.is_v4() ? tcp::v4() : tcp::v6(), descriptor, code);
    if (code) ::close(descriptor);
    if (code) co_return Error{"ConnectionFailed", code.message()};
    auto future = start_connect(loop, std::move(socket), {address, to.port}, timeout_ms);
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
  std::shared_ptr<Doors> doors_ = std::make_shared<Doors>();
  std::vector<std::unique_ptr<Loop>> loops_;
  std::atomic<size_t> next_{0};
};

}  // namespace

Result<std::shared_ptr<PrivateNetwork>> Network::make_private(PrivateNetworkOptions) {
  return Error{"NotSupported", "this network has no private ones"};
}

Task<Result<ConnectionPtr>> Network::connect_inside(std::shared_ptr<PrivateNetwork>, Endpoint, int64_t) {
  co_return Error{"NotSupported", "this network has no private ones"};
}

std::unique_ptr<Network> make_network(int threads) {
  return std::make_unique<AsioNetwork>(threads);
}

}  // namespace mekong::os
