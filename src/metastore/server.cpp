#include "metastore/server.h"

#include <fmt/format.h>

#include "metastore/bounded_protocol.h"
#include "metastore/handler.h"
#include "metastore/message_scanner.h"

namespace mekong::metastore {
namespace {

using apache::thrift::protocol::TBinaryProtocol;
using apache::thrift::transport::TMemoryBuffer;

// One connection's dispatcher: bytes of a call in, bytes of its answer out.
class Dispatcher {
 public:
  explicit Dispatcher(Session session) : processor_(std::make_shared<Handler>(std::move(session))) {}

  // Empty for a one-way call. Fails with "MalformedMessage".
  Result<std::string> answer(const std::string& message) {
    auto out = std::make_shared<TMemoryBuffer>();
    try {
      if (!processor_.process(bounded_protocol(message), std::make_shared<TBinaryProtocol>(out), nullptr)) {
        return Error{"MalformedMessage", "the message is no call"};
      }
    } catch (const std::exception& error) {
      return Error{"MalformedMessage", error.what()};
    }
    return out->getBufferAsString();
  }

 private:
  thrift::ThriftHiveMetastoreProcessor processor_;
};

}  // namespace

Metastore::Metastore(MetastoreConfig config, os::Network& network, Executor& pool, catalog::Catalog& catalog,
                     const Authoriser& authoriser, Folders& folders, const os::Clock& clock,
                     CallerOf caller_of, Logger& logger)
    : config_(std::move(config)),
      network_(network),
      pool_(pool),
      shared_{catalog, authoriser, folders, clock, config_.region, config_.warehouse},
      caller_of_(std::move(caller_of)),
      logger_(logger) {}

Status Metastore::start() {
  os::ListenOptions options;
  options.host = config_.host;
  options.port = config_.port;
  options.connections_max = config_.connections_max;
  MEKONG_TRY_ASSIGN(listener_, network_.listen(options, [this](os::ConnectionPtr connection) {
    return serve(std::move(connection));
  }));
  return ok();
}

Metastore::~Metastore() {
  stop();
}

void Metastore::stop() {
  listener_.reset();
  std::unique_lock lock(mutex_);
  stopping_ = true;
  for (const auto& connection : open_) connection->close();
  ended_.wait(lock, [this] { return open_.empty(); });
}

Task<void> Metastore::serve(os::ConnectionPtr connection) {
  {
    std::lock_guard lock(mutex_);
    if (stopping_) co_return;
    open_.insert(connection);
  }
  co_await answer_calls(connection);
  connection->close();
  std::lock_guard lock(mutex_);
  open_.erase(connection);
  ended_.notify_all();  // under the lock: once it is free, the metastore may be gone
}

Result<PrincipalPtr> Metastore::caller(const os::Connection& connection) const {
  auto uid = connection.peer_uid();
  Result<PrincipalPtr> found = uid.ok() ? caller_of_(*uid) : Result<PrincipalPtr>(uid.error());
  if (found.ok() && *found == nullptr) found = Error{"NotFound", "no principal for this uid"};
  if (!found.ok()) {
    logger_.warn("metastore", "caller unknown",
                 {{"peer", connection.peer().host}, {"why", found.error().message}});
  }
  return found;
}

Task<void> Metastore::answer_calls(os::ConnectionPtr connection) {
  Executor& io = connection->executor();
  co_await resume_on(pool_);  // the kernel's socket table may take a moment
  Dispatcher dispatcher{Session(shared_, caller(*connection))};
  co_await resume_on(io);

  MessageScanner scanner(config_.message_bytes_max);
  std::string buffer;
  while (true) {
    auto size = scanner.scan(buffer);
    if (!size.ok()) {
      logger_.warn("metastore", "connection closed", {{"why", size.error().message}});
      break;
    }
    if (*size == 0) {
      auto bytes = co_await connection->read_some(64 * 1024, 0);
      if (!bytes.ok()) break;
      buffer += *bytes;
      continue;
    }
    std::string message = buffer.substr(0, *size);
    buffer.erase(0, *size);
    scanner.reset();
    co_await resume_on(pool_);
    auto answer = dispatcher.answer(message);
    co_await resume_on(io);
    if (!answer.ok()) {
      logger_.warn("metastore", "connection closed", {{"why", answer.error().message}});
      break;
    }
    auto written = co_await connection->write(*answer, config_.write_timeout_ms);
    if (!written.ok()) break;
  }
}

}  // namespace mekong::metastore
