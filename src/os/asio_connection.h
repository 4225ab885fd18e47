// Inside os only: a TCP or TLS stream on a Loop.
#pragma once
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <optional>

#include "os/asio_loop.h"
#include "os/net.h"

namespace mekong::os {

class AsioConnection final : public Connection, public std::enable_shared_from_this<AsioConnection> {
 public:
  AsioConnection(Loop& loop, boost::asio::ip::tcp::socket socket, std::function<void()> on_end);
  ~AsioConnection() override;

  // Before the first read: waits for the first byte where `mode` is detect, and shakes hands where it is TLS.
  Task<Status> accept_handshake(TlsMode mode, std::shared_ptr<TlsServer> tls, int64_t timeout_ms);

  Task<Result<std::string>> read_some(size_t max_bytes, int64_t timeout_ms) override;
  Task<Status> write(std::string_view data, int64_t timeout_ms) override;
  void close() override;
  Executor& executor() override { return loop_; }
  Endpoint peer() const override { return peer_; }
  Endpoint local() const override { return local_; }
  bool encrypted() const override { return stream_.has_value(); }
  Result<uint32_t> peer_uid() const override;

 private:
  using Done = std::function<void(const boost::system::error_code&, size_t)>;
  struct Wait;
  // Runs `start(done)` and waits for it, or for the time-out, which cancels what the socket is doing.
  Task<Result<size_t>> run(boost::asio::steady_timer& timer, int64_t timeout_ms,
                           std::function<void(Done)> start);

  Loop& loop_;
  boost::asio::ip::tcp::socket socket_;
  std::shared_ptr<TlsServer> tls_;  // outlives the stream
  std::optional<boost::asio::ssl::stream<boost::asio::ip::tcp::socket&>> stream_;
  boost::asio::steady_timer read_timer_, write_timer_;
  std::function<void()> on_end_;
  Endpoint peer_, local_;
};

}  // namespace mekong::os
