#include "os/simulation.h"

#include <algorithm>
#include <atomic>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <random>
#include <utility>
#include <vector>

namespace mekong::os {
namespace {

constexpr int64_t start_ms = 1'767'323'045'000;
constexpr int64_t latency_max_ns = 2'000'000;
constexpr size_t stream_capacity = 64 << 10;  // written and not read; then a writer waits, as TCP has it

}  // namespace

struct Simulation::World final : Executor, Clock, Network, std::enable_shared_from_this<World> {
  explicit World(uint64_t seed) : choice(seed), generator(seed ^ 0x9E3779B97F4A7C15) {}

  // Executor
  void post(std::function<void()> work) override {
    const std::lock_guard lock(mutex);
    ready.push_back({sequence++, std::move(work)});
  }
  // Clock
  int64_t wall_ms() const override { return start_ms + now_ns / 1'000'000; }
  int64_t monotonic_ns() const override { return now_ns; }
  int64_t service_ms() const override { return wall_ms(); }
  // Network
  Result<std::unique_ptr<Listener>> listen(const ListenOptions& options, Accept accept) override;
  Task<Result<ConnectionPtr>> connect(const Endpoint& to, int64_t timeout_ms) override;
  Executor& executor() override { return *this; }
  Future<bool> sleep(int64_t ms) override { return sleep_ns(ms * 1'000'000); }

  Future<bool> sleep_ns(int64_t ns) {
    Promise<bool> promise;
    const std::lock_guard lock(mutex);
    sleepers.emplace(std::make_pair(now_ns + ns, sequence++), promise);
    return promise.future();
  }
  uint64_t choose(uint64_t below) {
    const std::lock_guard lock(mutex);
    return std::uniform_int_distribution<uint64_t>(0, below - 1)(choice);
  }
  bool step();

  mutable std::mutex mutex;
  std::mt19937_64 choice;
  SeededRandom generator;
  std::atomic<int64_t> now_ns = 0;
  uint64_t sequence = 0, trace = 14695981039346656037ULL;  // FNV-1a
  struct Ready {
    uint64_t sequence;
    std::function<void()> work;
  };
  std::vector<Ready> ready;
  std::map<std::pair<int64_t, uint64_t>, Promise<bool>> sleepers;
  std::map<uint16_t, Accept> listeners;
  uint16_t next_port = 20'000;

  struct InScope : Scope {
    using Scope::Scope;
  };
};

// Runs one ready piece of work, else wakes who sleeps shortest. False: nothing is left.
bool Simulation::World::step() {
  std::function<void()> work;
  std::optional<Promise<bool>> sleeper;
  {
    const std::lock_guard lock(mutex);
    uint64_t what = 0;
    if (!ready.empty()) {
      const size_t at = std::uniform_int_distribution<size_t>(0, ready.size() - 1)(choice);
      what = ready[at].sequence;
      work = std::move(ready[at].work);
      ready.erase(ready.begin() + static_cast<ptrdiff_t>(at));
    } else if (!sleepers.empty()) {
      const auto first = sleepers.begin();
      now_ns = std::max(now_ns.load(), first->first.first);
      what = first->first.second;
      sleeper = first->second;
      sleepers.erase(first);
    } else {
      return false;
    }
    for (const uint64_t word : {what, static_cast<uint64_t>(now_ns.load())}) {
      trace = (trace ^ word) * 1099511628211ULL;
    }
  }
  const InScope scope(this);
  if (work) work();
  if (sleeper) sleeper->set(true);
  return true;
}

namespace {

// One direction of a stream.
struct Channel {
  std::string bytes;
  bool closed = false;
  std::vector<Promise<bool>> waiting;  // readers for bytes, writers for room

  void wake() {
    for (const auto& promise : std::exchange(waiting, {})) promise.set(true);
  }
};

}  // namespace

class SimulatedConnection final : public Connection {
 public:
  SimulatedConnection(std::weak_ptr<Simulation::World> world, std::shared_ptr<Channel> in,
                      std::shared_ptr<Channel> out, Endpoint local, Endpoint peer)
      : world_(std::move(world)),
        in_(std::move(in)),
        out_(std::move(out)),
        local_(std::move(local)),
        peer_(std::move(peer)) {}
  ~SimulatedConnection() override { close(); }

  Task<Result<std::string>> read_some(size_t max_bytes, int64_t timeout_ms) override {
    const auto world = world_.lock();
    const int64_t deadline_ns = deadline(*world, timeout_ms);
    while (in_->bytes.empty()) {
      if (in_->closed) co_return Error{"EndOfStream", "the stream was closed"};
      if (world->now_ns >= deadline_ns) co_return Error{"Timeout", "nothing came in time"};
      auto woken = wait(*world, *in_, deadline_ns);
      co_await woken;
    }
    const size_t most = std::min(max_bytes, in_->bytes.size());
    // One byte now and then: no reader may count on more.
    const size_t count = world->choose(8) == 0 ? 1 : 1 + world->choose(most);
    std::string out = in_->bytes.substr(0, count);
    in_->bytes.erase(0, count);
    in_->wake();
    co_return out;
  }

  Task<Status> write(std::string_view data, int64_t timeout_ms) override {
    const auto world = world_.lock();
    const int64_t deadline_ns = deadline(*world, timeout_ms);
    while (!data.empty()) {
      if (out_->closed) co_return Error{"EndOfStream", "the stream was closed"};
      const size_t room = stream_capacity - std::min(stream_capacity, out_->bytes.size());
      if (room == 0) {
        if (world->now_ns >= deadline_ns) co_return Error{"Timeout", "the peer does not read"};
        auto woken = wait(*world, *out_, deadline_ns);
        co_await woken;
        continue;
      }
      const size_t count = std::min(room, data.size());
      out_->bytes.append(data.substr(0, count));
      data.remove_prefix(count);
      out_->wake();
    }
    co_return ok();
  }

  Task<Status> end_output() override {
    out_->closed = true;
    out_->wake();
    co_return ok();
  }

  void close() override {
    for (const auto& channel : {in_, out_}) {
      channel->closed = true;
      channel->wake();
    }
  }

  Executor& executor() override { return *world_.lock(); }
  Endpoint peer() const override { return peer_; }
  Endpoint local() const override { return local_; }
  bool encrypted() const override { return false; }
  Result<uint32_t> peer_uid() const override { return Error{"NotFound", "a simulated peer has no uid"}; }

 private:
  static int64_t deadline(const Simulation::World& world, int64_t timeout_ms) {
    return timeout_ms == 0 ? INT64_MAX : world.now_ns + timeout_ms * 1'000'000;
  }
  static Future<bool> wait(Simulation::World& world, Channel& channel, int64_t deadline_ns) {
    const Promise<bool> promise;
    channel.waiting.push_back(promise);
    if (deadline_ns != INT64_MAX) {
      const std::lock_guard lock(world.mutex);
      world.sleepers.emplace(std::make_pair(deadline_ns, world.sequence++), promise);
    }
    return promise.future();
  }

  std::weak_ptr<Simulation::World> world_;
  std::shared_ptr<Channel> in_, out_;
  Endpoint local_, peer_;
};

namespace {

class SimulatedListener final : public Listener {
 public:
  SimulatedListener(Endpoint at, std::function<void()> close)
      : at_(std::move(at)), close_(std::move(close)) {}
  ~SimulatedListener() override { close_(); }
  Endpoint endpoint() const override { return at_; }

 private:
  Endpoint at_;
  std::function<void()> close_;
};

}  // namespace

Result<std::unique_ptr<Listener>> Simulation::World::listen(const ListenOptions& options, Accept accept) {
  if (options.mode == TlsMode::tls) return Error{"NotImplemented", "TLS over simulated streams"};
  const std::lock_guard lock(mutex);
  const uint16_t port = options.port != 0 ? options.port : next_port++;
  if (!listeners.emplace(port, std::move(accept)).second) {
    return Error{"AddressInUse", "port " + std::to_string(port)};
  }
  const auto close = [weak = weak_from_this(), port] {
    const auto world = weak.lock();
    if (!world) return;
    const std::lock_guard gone(world->mutex);
    world->listeners.erase(port);
  };
  return std::unique_ptr<Listener>(std::make_unique<SimulatedListener>(Endpoint{options.host, port}, close));
}

// Keeps `accept` alive as long as its coroutine, which may be a lambda's.
static Task<void> serve(Network::Accept accept, ConnectionPtr connection) {
  co_await accept(std::move(connection));
}

Task<Result<ConnectionPtr>> Simulation::World::connect(const Endpoint& to, int64_t) {
  const uint16_t port = to.port;
  const std::string host = to.host;
  auto latency = sleep_ns(static_cast<int64_t>(choose(latency_max_ns)));
  co_await latency;
  Accept accept;
  uint16_t own_port = 0;
  {
    const std::lock_guard lock(mutex);
    own_port = next_port++;
    const auto found = listeners.find(port);
    if (found != listeners.end()) accept = found->second;
  }
  if (!accept) co_return Error{"ConnectionRefused", "nobody listens on port " + std::to_string(port)};
  const auto there = std::make_shared<Channel>(), back = std::make_shared<Channel>();
  const Endpoint server{host, port}, client{"127.0.0.1", own_port};
  ConnectionPtr ours = std::make_shared<SimulatedConnection>(weak_from_this(), back, there, client, server);
  spawn(*this, serve(std::move(accept),
                     std::make_shared<SimulatedConnection>(weak_from_this(), there, back, server, client)));
  co_return ours;
}

Simulation::Simulation(uint64_t seed) : world_(std::make_shared<World>(seed)) {}
Simulation::~Simulation() = default;
Executor& Simulation::executor() {
  return *world_;
}
Clock& Simulation::clock() {
  return *world_;
}
Random& Simulation::random() {
  return world_->generator;
}
Network& Simulation::network() {
  return *world_;
}
uint64_t Simulation::trace() const {
  const std::lock_guard lock(world_->mutex);
  return world_->trace;
}

void Simulation::run(const std::function<bool()>& done) {
  while (!(done && done()) && world_->step()) {
  }
}

}  // namespace mekong::os
