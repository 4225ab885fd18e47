// Inside os only: the private networks of a Network, and which of its ports are open in them.
#pragma once
#include <memory>
#include <mutex>
#include <set>
#include <vector>

#include "base/thread_pool.h"
#include "os/asio_acceptor.h"
#include "os/net.h"

namespace mekong::os {

class AsioPrivateNetwork;

// Every listener is a door in every private network: of those that are there, and of those that come. Any
// thread; calls that open doors block for a moment.
class Doors {
 public:
  // What listens from now on.
  void add(const std::shared_ptr<Acceptor>& acceptor);
  // Closes it here and everywhere.
  void remove(const std::shared_ptr<Acceptor>& acceptor);
  Result<std::shared_ptr<PrivateNetwork>> make(PrivateNetworkOptions options);
  // A socket that is not connected yet, for `to`. May block for a moment.
  Future<Result<int>> socket_in(std::shared_ptr<PrivateNetwork> network, int family);

 private:
  // Runs `work` where the thread's own network does not matter.
  Result<int> in_namespace(const std::function<Result<int>()>& work);
  Status open(AsioPrivateNetwork& network, const std::shared_ptr<Acceptor>& acceptor);
  Status open(AsioPrivateNetwork& network, const std::shared_ptr<Acceptor>& acceptor, int family);
  ThreadPool& thread();

  std::mutex mutex_;  // of all below
  std::set<std::shared_ptr<Acceptor>> listening_;
  std::vector<std::weak_ptr<AsioPrivateNetwork>> networks_;
  std::mutex thread_mutex_;
  std::unique_ptr<ThreadPool> thread_;  // once there is a private network
};

}  // namespace mekong::os
