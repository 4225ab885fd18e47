// One open cluster: its state, its listener, its connections.
#pragma once
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "kafka/broker.h"
#include "kafka/groups/coordinator.h"
#include "kafka/groups/offsets.h"
#include "kafka/topics.h"
#include "kafka/transactions/transactions.h"

namespace mekong::kafka {

inline constexpr int32_t kBrokerId = 1;
inline constexpr int32_t kLeaderEpoch = 0;

// Ids of idempotent producers, unique for ever in a cluster. Any pool thread.
class ProducerIds {
 public:
  ProducerIds(meta::Store& meta, const std::string& cluster_uuid) : meta_(meta), key_("p/" + cluster_uuid) {}
  Result<int64_t> next();
  Status remove();

 private:
  meta::Store& meta_;
  const std::string key_;
  std::mutex mutex_;
  int64_t next_ = 0, reserved_ = 0;
};

class Cluster : public std::enable_shared_from_this<Cluster> {
 public:
  Cluster(const BrokerDeps& deps, ClusterSpec spec);

  Result<uint16_t> open();
  void close();  // blocks until nothing of the cluster runs
  Status delete_data();

  // Waits until one of the positions is passed, the time is up, or the cluster closes.
  // False: the cluster closes.
  Task<bool> wait_for_records(std::vector<std::pair<log::PartitionId, int64_t>> positions, int64_t wait_ms);

  const BrokerDeps deps;
  const ClusterSpec& spec() const { return spec_; }
  uint16_t port() const { return port_; }
  Topics topics;
  Coordinator groups;
  Offsets offsets;
  ProducerIds producer_ids;
  Transactions transactions;

 private:
  Task<void> serve(os::ConnectionPtr connection);
  Task<void> keep_time();
  void tick_transactions();
  bool enter(const os::ConnectionPtr& connection);
  void leave(const os::ConnectionPtr& connection);

  const ClusterSpec spec_;
  uint16_t port_ = 0;
  std::unique_ptr<os::Listener> listener_;
  std::mutex mutex_;
  std::condition_variable idle_;
  bool closing_ = false;
  int running_ = 0;  // connections, the time keeper, and its work on the pool
  bool ticking_ = false;
  std::set<os::ConnectionPtr> connections_;
  std::vector<Future<bool>> waits_;
};

}  // namespace mekong::kafka
