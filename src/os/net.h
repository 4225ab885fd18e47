// Sockets and TLS as the faces see them: byte streams awaited from coroutines. Asio stays behind this header.
// A Connection belongs to one coroutine at a time for reading and one for writing; both run on executor().
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/executor.h"
#include "base/result.h"
#include "base/task.h"

namespace mekong::os {

class HeldBytes;

struct Endpoint {
  std::string host;  // numeric address
  uint16_t port = 0;
};

// The peer or the host closed the stream in order: code "EndOfStream". A time-out: code "Timeout".
class Connection {
 public:
  virtual ~Connection() = default;
  // Waits for at least one byte; returns at most `max_bytes`. Fails with "Timeout" after `timeout_ms` (0:
  // never).
  virtual Task<Result<std::string>> read_some(size_t max_bytes, int64_t timeout_ms) = 0;
  // Writes all of `data`, which must stay alive until done; fails with "Timeout" when that takes longer.
  virtual Task<Status> write(std::string_view data, int64_t timeout_ms) = 0;
  // Writes the first `bytes` of what is held, once, without a copy where that can be.
  virtual Task<Status> write_held(HeldBytes& held, size_t bytes, int64_t timeout_ms);
  // Half-close: nothing more will be written; the peer reads the end of the stream, reading goes on.
  virtual Task<Status> end_output() = 0;
  // Any thread; pending reads and writes fail. Idempotent.
  virtual void close() = 0;
  virtual Executor& executor() = 0;
  virtual Endpoint peer() const = 0;
  virtual Endpoint local() const = 0;
  virtual bool encrypted() const = 0;
  virtual std::string_view tls_version() const { return {}; }  // "1.2", "1.3"; empty without TLS
  virtual std::string protocol() const { return {}; }          // what ALPN chose ("h2"); empty without
  // The uid that owns the other end of a loopback connection, read from the kernel's socket table, or of the
  // private network that it was made in; fails with "NotLoopback" or "NotFound". The kernel's word, so it
  // authenticates a child (never a name it sends).
  virtual Result<uint32_t> peer_uid() const = 0;
};
using ConnectionPtr = std::shared_ptr<Connection>;

// A certificate and key for listeners.
class TlsServer;
// chain_pem: leaf first. Fails with "InvalidCertificate".
Result<std::shared_ptr<TlsServer>> make_tls_server(const std::string& chain_pem, const std::string& key_pem);
// For handshakes from now on; open connections keep theirs. On failure the old one stays. Any thread.
Status reload_tls_server(TlsServer& server, const std::string& chain_pem, const std::string& key_pem);

enum class TlsMode { plain, tls, detect };  // detect: the first byte tells (0x16 is a TLS handshake)

struct ListenOptions {
  std::string host = "127.0.0.1";
  uint16_t port = 0;  // 0: any
  TlsMode mode = TlsMode::plain;
  std::shared_ptr<TlsServer> tls;
  std::vector<std::string> protocols = {};  // that ALPN may choose, best first; empty: no ALPN
  size_t connections_max = 10'000;
  int64_t handshake_timeout_ms = 10'000;
};

class Listener {
 public:
  virtual ~Listener() = default;  // stops accepting; open connections go on
  virtual Endpoint endpoint() const = 0;
};

// A network of its own for a child and all that it starts (network_namespaces(7)). There is loopback in it
// and nothing else; nobody outside reaches what listens there. Its 127.0.0.1 and ::1 answer at every port at
// which the Network that made it listens, now and later: the same Accept serves, and peer_uid() is the
// owner's.
class PrivateNetwork {
 public:
  virtual ~PrivateNetwork() = default;  // takes no more connections; open ones go on
  virtual int descriptor() const = 0;   // of the namespace: ProcessSpec::network
};
struct PrivateNetworkOptions {
  uint32_t uid = 0;                         // the owner's
  std::vector<std::string> addresses = {};  // numeric: which of them, besides loopback, answer so, too
  size_t connections_max = 2'000;           // to each port
};

// The event loops (one a core) and the timers on them.
class Network {
 public:
  virtual ~Network() = default;
  using Accept = std::function<Task<void>(ConnectionPtr)>;
  // Spawns accept(connection) on the connection's loop for every client, after the handshake.
  // Fails with "AddressInUse", "AddressNotAvailable", "PermissionDenied".
  virtual Result<std::unique_ptr<Listener>> listen(const ListenOptions& options, Accept accept) = 0;
  // For health probes of children, proxies to their UIs; plain TCP.
  virtual Task<Result<ConnectionPtr>> connect(const Endpoint& to, int64_t timeout_ms) = 0;
  // Blocks for a moment: pool threads. Errors: "EPERM" without root's rights, "NotSupported" in a simulation.
  virtual Result<std::shared_ptr<PrivateNetwork>> make_private(PrivateNetworkOptions options);
  // As connect(), to what listens inside of a private network of this Network.
  virtual Task<Result<ConnectionPtr>> connect_inside(std::shared_ptr<PrivateNetwork> inside, Endpoint to,
                                                     int64_t timeout_ms);
  virtual Executor& executor() = 0;  // one of the loops, in turn
  // `co_await network.sleep(ms)` on the monotonic clock.
  virtual Future<bool> sleep(int64_t ms) = 0;
};

std::unique_ptr<Network> make_network(int threads);

// The twin: two ends of an in-memory stream whose reads and writes run on `executor`.
std::pair<ConnectionPtr, ConnectionPtr> make_pipe(Executor& executor);

}  // namespace mekong::os
