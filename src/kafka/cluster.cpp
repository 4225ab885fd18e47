#include "kafka/cluster.h"

#include <algorithm>

#include "kafka/connection.h"

namespace mekong::kafka {

namespace {

constexpr int64_t kProducerIdBlock = 1000;
constexpr int64_t kTickMs = 100;
constexpr int64_t kTransactionTickMs = 1000;

// Ends a wait of the log when its time is up, unless the waiter is through already.
struct WaitTimer {
  std::mutex mutex;
  log::Log* log = nullptr;
  Future<bool> wait;
};

// A callback, not a task: one that the network drops at the end of the process leaves nothing behind.
void start_timer(os::Network& network, const std::shared_ptr<WaitTimer>& timer, int64_t wait_ms) {
  network.sleep(wait_ms).then([timer] {
    std::lock_guard lock(timer->mutex);
    if (timer->log != nullptr) timer->log->cancel_wait(timer->wait);
  });
}

}  // namespace

Result<int64_t> ProducerIds::next() {
  std::lock_guard lock(mutex_);
  if (next_ == reserved_) {
    MEKONG_TRY_ASSIGN(auto stored, meta_.get(kFamily, key_));
    int64_t from = 0;
    if (stored) from = codec::KafkaReader(*stored, 0).i64();
    codec::KafkaWriter w;
    w.i64(from + kProducerIdBlock);
    MEKONG_TRY(meta_.commit(std::move(meta::Batch().put(kFamily, key_, w.take()))).get());
    next_ = from;
    reserved_ = from + kProducerIdBlock;
  }
  return next_++;
}

Status ProducerIds::remove() {
  return meta_.commit(std::move(meta::Batch().remove(kFamily, key_))).get();
}

Cluster::Cluster(const BrokerDeps& broker_deps, ClusterSpec spec)
    : deps(broker_deps),
      topics(deps.meta, deps.log, deps.random, spec.uuid),
      groups(deps.clock, deps.random),
      offsets(deps.meta, topics, spec.uuid),
      producer_ids(deps.meta, spec.uuid),
      transactions(
          {deps.meta, deps.log, deps.clock, deps.logger, offsets, [this] { return producer_ids.next(); }},
          spec.uuid),
      spec_(std::move(spec)) {}

Result<uint16_t> Cluster::open() {
  MEKONG_TRY(topics.load());
  // What a crash within a topic's removal left: it takes room and is not found.
  const auto removed = offsets.remove_lost();
  if (!removed.ok())
    deps.logger.warn("kafka", "offsets of removed topics stay", {{"why", removed.error().message}});
  MEKONG_TRY(transactions.load());
  os::ListenOptions options{.host = spec_.bind_host, .port = spec_.port};
  options.mode = spec_.tls ? os::TlsMode::tls : os::TlsMode::plain;
  if (spec_.tls) options.tls = deps.tls;
  {
    std::lock_guard lock(mutex_);
    ++running_;  // the time keeper
  }
  auto self = shared_from_this();
  auto accept = [self](os::ConnectionPtr connection) { return self->serve(std::move(connection)); };
  auto listener = deps.network.listen(options, accept);
  if (!listener.ok()) {
    leave(nullptr);
    return std::move(listener).error();
  }
  listener_ = std::move(listener).value();
  port_ = listener_->endpoint().port;
  spawn(deps.network.executor(), keep_time());
  return port_;
}

bool Cluster::enter(const os::ConnectionPtr& connection) {
  std::lock_guard lock(mutex_);
  if (closing_) return false;
  ++running_;
  connections_.insert(connection);
  return true;
}

void Cluster::leave(const os::ConnectionPtr& connection) {
  std::lock_guard lock(mutex_);
  connections_.erase(connection);
  if (--running_ == 0) idle_.notify_all();
}

Task<void> Cluster::serve(os::ConnectionPtr connection) {
  auto self = shared_from_this();
  if (!enter(connection)) {
    connection->close();
    co_return;
  }
  co_await serve_connection(*this, connection);
  connection->close();
  leave(connection);
}

// On the pool, since it may block; one at a time.
void Cluster::tick_transactions() {
  {
    std::lock_guard lock(mutex_);
    if (ticking_ || closing_) return;
    ticking_ = true;
    ++running_;
  }
  deps.pool.post([self = shared_from_this()] {
    self->transactions.tick();
    {
      std::lock_guard lock(self->mutex_);
      self->ticking_ = false;
    }
    self->leave(nullptr);
  });
}

Task<void> Cluster::keep_time() {
  auto self = shared_from_this();
  int64_t transactions_at_ms = 0;
  while (true) {
    {
      std::lock_guard lock(mutex_);
      if (closing_) break;
    }
    if (groups.now_ms() >= transactions_at_ms) {
      tick_transactions();
      transactions_at_ms = groups.now_ms() + kTransactionTickMs;
    }
    auto next = groups.tick();
    int64_t wait_ms = next ? std::clamp<int64_t>(*next - groups.now_ms(), 1, kTickMs) : kTickMs;
    auto slept = deps.network.sleep(wait_ms);
    co_await slept;
  }
  leave(nullptr);
}

Task<bool> Cluster::wait_for_records(std::vector<std::pair<log::PartitionId, int64_t>> positions,
                                     int64_t wait_ms) {
  auto timer = std::make_shared<WaitTimer>();
  timer->wait = deps.log.wait_beyond(positions);
  timer->log = &deps.log;
  auto wait = timer->wait;
  {
    std::lock_guard lock(mutex_);
    if (closing_) deps.log.cancel_wait(wait);
    std::erase_if(waits_, [](const Future<bool>& other) { return other.is_ready(); });
    waits_.push_back(wait);
  }
  start_timer(deps.network, timer, wait_ms);
  co_await wait;
  {
    std::lock_guard lock(timer->mutex);
    timer->log = nullptr;
  }
  std::lock_guard lock(mutex_);
  co_return !closing_;
}

void Cluster::close() {
  std::vector<Future<bool>> waits;
  {
    std::lock_guard lock(mutex_);
    closing_ = true;
    waits.swap(waits_);
    for (const auto& connection : connections_) connection->close();
  }
  listener_.reset();
  groups.shut_down();
  for (const auto& wait : waits) deps.log.cancel_wait(wait);
  std::unique_lock lock(mutex_);
  idle_.wait(lock, [this] { return running_ == 0; });
}

Status Cluster::delete_data() {
  MEKONG_TRY(topics.remove_all());
  MEKONG_TRY(transactions.remove_all());
  MEKONG_TRY(offsets.remove_all());
  return producer_ids.remove();
}

}  // namespace mekong::kafka
