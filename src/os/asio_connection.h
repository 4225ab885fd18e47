// Inside os only: a TCP or TLS stream on a Loop. Asio tells when the socket is ready; reading and writing is
// done without waiting, so that a connection that waits holds no buffer.
#pragma once
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <optional>

#include "os/asio_loop.h"
#include "os/net.h"
#include "os/tls_server.h"

namespace mekong::os {

class AsioConnection final : public Connection, public std::enable_shared_from_this<AsioConnection> {
 public:
  // `uid`: the other end's, where it is known; otherwise the kernel is asked.
  AsioConnection(Loop& loop, boost::asio::ip::tcp::socket socket, std::function<void()> on_end,
                 std::optional<uint32_t> uid = std::nullopt);
  ~AsioConnection() override;

  // Before the first read: waits for the first byte where the mode is detect, and shakes hands where it is
  // TLS. `options` must outlive the connection.
  Task<Status> accept_handshake(const ListenOptions& options);

  Task<Result<std::string>> read_some(size_t max_bytes, int64_t timeout_ms) override;
  Task<Status> write(std::string_view data, int64_t timeout_ms) override;
  Task<Status> write_held(HeldBytes& held, size_t bytes, int64_t timeout_ms) override;
  Task<Status> end_output() override;
  void close() override;
  Executor& executor() override { return loop_; }
  Endpoint peer() const override { return peer_; }
  Endpoint local() const override { return local_; }
  bool encrypted() const override { return tls_.has_value(); }
  std::string_view tls_version() const override { return tls_ ? tls_->version() : std::string_view(); }
  std::string protocol() const override;
  Result<uint32_t> peer_uid() const override;

 private:
  using Clock = std::chrono::steady_clock;
  using Need = TlsSession::Need;
  using Step = TlsSession::Step;
  // What one direction waits for; the loop's thread only.
  struct Side {
    explicit Side(boost::asio::io_context& context) : timer(context) {}
    boost::asio::steady_timer timer;
    std::coroutine_handle<> waiter = nullptr;
    Need need = Need::nothing;  // what the waiter waits for
    Clock::time_point deadline = Clock::time_point::max();
    Clock::time_point alarm = Clock::time_point::max();  // when the timer goes off; max: it does not run
    bool timed_out = false;
  };
  struct Readiness;
  // May return early, as select does: the caller tries again.
  Task<Status> wait(Side& side, Need need, Clock::time_point deadline);
  static void wake(Side& side, bool timed_out);
  void ask(Need need);
  void arm(Side& side);
  Step step_read(char* to, size_t bytes_max);
  Step read_into(std::string& bytes, size_t bytes_max);
  Step step_write(const char* from, size_t bytes);
  Step step_send(HeldBytes& held, size_t bytes);
  // Of `held`, if there is one, without a copy.
  Task<Status> write_all(std::string_view data, HeldBytes* held, int64_t timeout_ms);
  static Clock::time_point deadline_of(int64_t timeout_ms);

  Loop& loop_;
  boost::asio::ip::tcp::socket socket_;
  std::optional<TlsSession> tls_;
  Side read_, write_;
  bool asked_readable_ = false, asked_writable_ = false;  // of Asio, and not answered yet
  bool closed_ = false;
  bool answered_ = false;  // written, and nothing read since: the peer has its turn
  std::function<void()> on_end_;
  const std::optional<uint32_t> uid_;
  Endpoint peer_, local_;
};

}  // namespace mekong::os
