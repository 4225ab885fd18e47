#include "front/server.h"

#include <condition_variable>
#include <mutex>

#include "front/http1.h"
#include "front/http2.h"

namespace mekong::front {
namespace {

constexpr size_t http_first_read_max = 16 << 10;

// HTTP/2 where ALPN chose it or the client's first bytes are its preface (prior knowledge).
Task<void> serve_either(const Service& service, os::ConnectionPtr connection) {
  std::string first;
  bool http2 = connection->protocol() == "h2";
  if (!http2) service.busy = false;
  while (!http2 && first.size() < http2_preface.size() && http2_preface.starts_with(first)) {
    if (service.stopping) co_return;
    auto more = co_await connection->read_some(http_first_read_max, first.empty()
                                                                        ? service.options.idle_timeout_ms
                                                                        : service.options.header_timeout_ms);
    if (!more.ok()) co_return;
    service.busy = true;
    first += *more;
  }
  http2 = http2 || first.starts_with(http2_preface);
  auto task = http2 ? serve_http2(service, connection, std::move(first))
                    : serve_http1(service, connection, std::move(first));
  co_await task;
}

}  // namespace

struct Server::Impl {
  struct Entry {
    os::ConnectionPtr connection;
    std::shared_ptr<std::atomic<bool>> busy;
    std::function<void()> drain;  // where the connection has a way of its own to end
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

  std::shared_ptr<std::atomic<bool>> add(const os::ConnectionPtr& connection) {
    auto busy = std::make_shared<std::atomic<bool>>(true);
    std::lock_guard lock(mutex);
    connections[connection.get()] = {connection, busy, nullptr};
    return busy;
  }
  void remove(os::Connection* connection) {
    std::lock_guard lock(mutex);
    connections.erase(connection);
    left.notify_all();
  }
  void set_drain(os::Connection* connection, std::function<void()> drain) {
    std::lock_guard lock(mutex);
    auto it = connections.find(connection);
    if (it != connections.end()) it->second.drain = std::move(drain);
  }
  void close(bool idle_only) {
    std::vector<Entry> ending;
    {
      std::lock_guard lock(mutex);
      for (auto& [key, entry] : connections) ending.push_back(entry);
    }
    for (auto& entry : ending) {
      if (idle_only && entry.drain) {
        entry.drain();
      } else if (!idle_only || !*entry.busy) {
        entry.connection->close();
      }
    }
  }
  bool wait_empty(int64_t ms) {
    std::unique_lock lock(mutex);
    return left.wait_for(lock, std::chrono::milliseconds(ms), [this] { return connections.empty(); });
  }

  static Task<void> serve(std::shared_ptr<Impl> self, os::ConnectionPtr connection) {
    const auto busy = self->add(connection);
    auto* key = connection.get();
    Service service{self->pipeline,
                    self->routes,
                    self->pool,
                    self->clock,
                    self->logger,
                    self->options,
                    self->stopping,
                    *busy,
                    [self, key](std::function<void()> drain) { self->set_drain(key, std::move(drain)); }};
    try {
      auto task = serve_either(service, connection);
      co_await task;
    } catch (const std::exception& e) {  // no memory left, at the most
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
