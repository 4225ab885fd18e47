#include "os/private_network.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

#include "os/net_namespace.h"

namespace mekong::os {

using boost::asio::ip::tcp;
using boost::system::error_code;

class AsioPrivateNetwork final : public PrivateNetwork {
 public:
  AsioPrivateNetwork(int descriptor, PrivateNetworkOptions options)
      : descriptor_(descriptor), options_(std::move(options)) {}
  ~AsioPrivateNetwork() override {
    for (const auto& door : doors_) door.acceptor->close();
    ::close(descriptor_);
  }
  int descriptor() const override { return descriptor_; }
  const PrivateNetworkOptions& options() const { return options_; }

  // Those below are called under the mutex of Doors.
  bool has(uint16_t port, int family) const {
    return std::any_of(doors_.begin(), doors_.end(),
                       [&](const Door& door) { return door.port == port && door.family == family; });
  }
  void add(uint16_t port, int family, const Acceptor* of, std::shared_ptr<Acceptor> acceptor) {
    doors_.push_back({port, family, of, std::move(acceptor)});
  }
  void close(const Acceptor* of) {
    for (const auto& door : doors_) {
      if (door.of == of) door.acceptor->close();
    }
    std::erase_if(doors_, [&](const Door& door) { return door.of == of; });
  }

 private:
  struct Door {
    uint16_t port;
    int family;
    const Acceptor* of;  // the listener in the machine's network
    std::shared_ptr<Acceptor> acceptor;
  };
  const int descriptor_;
  const PrivateNetworkOptions options_;
  std::vector<Door> doors_;
};

ThreadPool& Doors::thread() {
  std::lock_guard lock(thread_mutex_);
  if (!thread_) thread_ = std::make_unique<ThreadPool>("mekong-netns", 1);
  return *thread_;
}

Result<int> Doors::in_namespace(const std::function<Result<int>()>& work) {
  Promise<Result<int>> promise;
  thread().post([&] { promise.set(work()); });
  auto future = promise.future();
  return future.get();
}

void Doors::add(const std::shared_ptr<Acceptor>& acceptor) {
  std::lock_guard lock(mutex_);
  listening_.insert(acceptor);
  for (const auto& weak : networks_) {
    const auto network = weak.lock();
    // It fails where somebody in there listens on this port: who connects to it in there reaches that one.
    if (network && !open(*network, acceptor).ok()) continue;
  }
}

void Doors::remove(const std::shared_ptr<Acceptor>& acceptor) {
  std::lock_guard lock(mutex_);
  listening_.erase(acceptor);
  acceptor->close();
  for (const auto& weak : networks_) {
    if (const auto network = weak.lock()) network->close(acceptor.get());
  }
}

Result<std::shared_ptr<PrivateNetwork>> Doors::make(PrivateNetworkOptions options) {
  MEKONG_TRY_ASSIGN(const int descriptor,
                    in_namespace([&] { return make_net_namespace(options.addresses); }));
  auto network = std::make_shared<AsioPrivateNetwork>(descriptor, std::move(options));
  std::lock_guard lock(mutex_);
  for (const auto& acceptor : listening_) MEKONG_TRY(open(*network, acceptor));
  std::erase_if(networks_, [](const auto& weak) { return weak.expired(); });
  networks_.push_back(network);
  return std::shared_ptr<PrivateNetwork>(network);
}

Status Doors::open(AsioPrivateNetwork& network, const std::shared_ptr<Acceptor>& acceptor) {
  MEKONG_TRY(open(network, acceptor, AF_INET));
  const auto six = open(network, acceptor, AF_INET6);
  if (!six.ok() && six.error().code == "EAFNOSUPPORT") return ok();  // a kernel without it
  return six;
}

Status Doors::open(AsioPrivateNetwork& network, const std::shared_ptr<Acceptor>& acceptor, int family) {
  const uint16_t port = acceptor->port();
  if (network.has(port, family)) return ok();  // one face on two of the machine's addresses
  MEKONG_TRY_ASSIGN(const int listening,
                    in_namespace([&] { return listen_in(network.descriptor(), family, port); }));
  ListenOptions options = acceptor->options;
  options.connections_max = std::min(options.connections_max, network.options().connections_max);
  auto door = std::make_shared<Acceptor>(acceptor->loop, std::move(options), acceptor->accept,
                                         acceptor->next_loop, network.options().uid);
  error_code failed;
  door->socket.assign(family == AF_INET ? tcp::v4() : tcp::v6(), listening, failed);
  if (failed) {
    ::close(listening);
    return Error{"AddressNotAvailable", failed.message()};
  }
  door->start();
  network.add(port, family, acceptor.get(), std::move(door));
  return ok();
}

Future<Result<int>> Doors::socket_in(std::shared_ptr<PrivateNetwork> network, int family) {
  Promise<Result<int>> promise;
  thread().post([promise, network = std::move(network), family] {
    promise.set(os::socket_in(network->descriptor(), family));
  });
  return promise.future();
}

}  // namespace mekong::os
