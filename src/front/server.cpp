#include "front/server.h"

#include <condition_variable>
#include <mutex>

#include "front/connection.h"

namespace mekong::front {

struct Server::Impl {
  struct Entry {
    os::ConnectionPtr connection;
    bool busy = false;
  };
  os::Network& network;
  const api::Pipeline& pipeline;
  InternalRoutes routes;
  Executor& pool;
  const os::Clock& clock;
  Logger& logger;
  ServerOptions options;
  std::atomic<bool> stopping = false;
  std::unique_ptr<os::Listener> listener = nullptr;

  std::mutex mutex = {};
  std::condition_variable left = {};
  std::map<os::Connection*, Entry> connections = {};

  void add(const os::ConnectionPtr& connection) {
    std::lock_guard lock(mutex);
    connections[connection.get()] = {connection, true};
  }
  void remove(os::Connection* connection) {
    std::lock_guard lock(mutex);
    connections.erase(connection);
    left.notify_all();
  }
  void set_busy(os::Connection* connection, bool busy) {
    std::lock_guard lock(mutex);
    auto it = connections.find(connection);
    if (it != connections.end()) it->second.busy = busy;
  }
  void close(bool idle_only) {
    std::vector<os::ConnectionPtr> closing;
    {
      std::lock_guard lock(mutex);
      for (auto& [key, entry] : connections) {
        if (!idle_only || !entry.busy) closing.push_back(entry.connection);
      }
    }
    for (auto& connection : closing) connection->close();
  }
  bool wait_empty(int64_t ms) {
    std::unique_lock lock(mutex);
    return left.wait_for(lock, std::chrono::milliseconds(ms), [this] { return connections.empty(); });
  }

  static Task<void> serve(std::shared_ptr<Impl> self, os::ConnectionPtr connection) {
    self->add(connection);
    auto* key = connection.get();
    Service service{self->pipeline,
                    self->routes,
                    self->pool,
                    self->clock,
                    self->options,
                    self->stopping,
                    [self, key](bool busy) { self->set_busy(key, busy); }};
    try {
      co_await serve_connection(service, *connection);
    } catch (const std::exception& e) {  // a handler of an internal route; the pipeline lets none out
      self->logger.error("front", "exception on a connection", {{"what", e.what()}});
    }
    connection->close();
    self->remove(key);
  }
};

Server::Server(os::Network& network, const api::Pipeline& pipeline, InternalRoutes routes, Executor& pool,
               const os::Clock& clock, Logger& logger, ServerOptions options)
    : impl_(new Impl{network, pipeline, std::move(routes), pool, clock, logger, std::move(options)}) {}

Server::~Server() {
  stop(0);
}

Status Server::start() {
  auto impl = impl_;
  auto listener = impl->network.listen(impl->options.listen, [impl](os::ConnectionPtr connection) {
    return Impl::serve(impl, std::move(connection));
  });
  if (!listener.ok()) return std::move(listener).error();
  impl->listener = std::move(*listener);
  return {};
}

os::Endpoint Server::endpoint() const {
  return impl_->listener->endpoint();
}

void Server::stop(int64_t grace_ms) {
  impl_->stopping = true;
  impl_->listener.reset();
  impl_->close(true);
  if (impl_->wait_empty(grace_ms)) return;
  impl_->close(false);
  // Handlers may still run: they end with the pool, which outlives this server.
  if (!impl_->wait_empty(5'000)) impl_->logger.warn("front", "connections did not end");
}

Task<void> Server::serve(os::ConnectionPtr connection) {
  return Impl::serve(impl_, std::move(connection));
}

}  // namespace mekong::front
