// The metastore's face: Hive's Thrift protocol (strict binary, no frames) on a plain socket.
// The caller is whoever owns the other end of the loopback connection, as the kernel says; `caller_of` turns
// that uid into a principal. A connection from elsewhere, or of an unknown uid, is answered, and refused in
// each call. Threads: sockets on the network's loops, calls on `pool`.
#pragma once
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <set>

#include "base/executor.h"
#include "base/logging.h"
#include "metastore/session.h"
#include "os/net.h"

namespace mekong::metastore {

struct MetastoreConfig {
  std::string host = "127.0.0.1";
  uint16_t port = 9083;
  Region region;
  // Where databases without a location keep their tables, e.g. s3://warehouse-{account}; no slash at its end.
  std::string warehouse;
  size_t connections_max = 1000;
  size_t message_bytes_max = 64 << 20;
  int64_t write_timeout_ms = 60'000;
};

using CallerOf = std::function<Result<PrincipalPtr>(uint32_t uid)>;

class Metastore {
 public:
  // Everything referred to must outlive the metastore.
  Metastore(MetastoreConfig config, os::Network& network, Executor& pool, catalog::Catalog& catalog,
            const Authoriser& authoriser, Folders& folders, const os::Clock& clock, CallerOf caller_of,
            Logger& logger);
  ~Metastore();  // stop()
  Metastore(const Metastore&) = delete;
  Metastore& operator=(const Metastore&) = delete;
  // Fails as os::Network::listen does.
  Status start();
  os::Endpoint endpoint() const { return listener_->endpoint(); }
  // Accepts no more, lets the calls under way be answered, closes the connections and waits for their end.
  // Blocks: never on a loop of the network, which must still run, as must the pool.
  void stop();

 private:
  // Keeps the connection on the list while it is served.
  Task<void> serve(os::ConnectionPtr connection);
  Result<PrincipalPtr> caller(const os::Connection& connection) const;
  Task<void> answer_calls(os::ConnectionPtr connection);

  MetastoreConfig config_;
  os::Network& network_;
  Executor& pool_;
  Shared shared_;
  CallerOf caller_of_;
  Logger& logger_;
  std::unique_ptr<os::Listener> listener_;
  std::mutex mutex_;
  std::condition_variable ended_;
  std::set<os::ConnectionPtr> open_;
  bool stopping_ = false;
};

}  // namespace mekong::metastore
