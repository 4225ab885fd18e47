// Inside os only: takes connections from a listening socket and hands them over, each on a loop.
#pragma once
#include <atomic>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "os/asio_connection.h"
#include "os/asio_loop.h"
#include "os/net.h"

namespace mekong::os {

// Shared with the pending accept, so that it may end after the Listener is gone.
struct Acceptor : std::enable_shared_from_this<Acceptor> {
  Acceptor(Loop& loop, ListenOptions options, Network::Accept accept, std::function<Loop&()> next_loop,
           std::optional<uint32_t> uid = std::nullopt)
      : loop(loop),
        socket(loop.context()),
        pause(loop.context()),
        options(std::move(options)),
        accept(std::move(accept)),
        next_loop(std::move(next_loop)),
        uid(uid) {}

  Loop& loop;
  boost::asio::ip::tcp::acceptor socket;
  boost::asio::steady_timer pause;
  const ListenOptions options;
  const Network::Accept accept;
  const std::function<Loop&()> next_loop;
  const std::optional<uint32_t> uid;  // of all that connect; none: the kernel is asked
  std::atomic<size_t> open{0};

  Status listen();
  void start();  // once it listens
  void close();  // any thread; idempotent
  uint16_t port() const;

 private:
  void wait();
  void wait_later();
  static Task<void> serve(std::shared_ptr<Acceptor> self, std::shared_ptr<AsioConnection> connection);
};

}  // namespace mekong::os
