#include "kafka/broker.h"

#include <vector>

#include "kafka/cluster.h"

namespace mekong::kafka {

Broker::Broker(BrokerDeps deps) : deps_(std::move(deps)) {}

Broker::~Broker() {
  for (auto& [arn, cluster] : clusters_) cluster->close();
}

Result<uint16_t> Broker::open_cluster(const ClusterSpec& spec) {
  if (spec.arn.empty() || spec.name.empty() || spec.uuid.empty()) {
    return Error{"InvalidArgument", "a cluster needs arn, name and uuid"};
  }
  if (spec.tls && !deps_.tls)
    return Error{"InvalidArgument", "no certificate was given for the cluster's TLS"};
  std::lock_guard lock(mutex_);
  if (clusters_.contains(spec.arn)) return Error{"AlreadyOpen", spec.arn};
  auto cluster = std::make_shared<Cluster>(deps_, spec);
  MEKONG_TRY_ASSIGN(auto port, cluster->open());
  clusters_[spec.arn] = cluster;
  deps_.logger.info("kafka", "cluster opened", {{"arn", spec.arn}, {"port", std::to_string(port)}});
  return port;
}

Status Broker::close_cluster(const std::string& arn, bool delete_data) {
  std::shared_ptr<Cluster> cluster;
  {
    std::lock_guard lock(mutex_);
    auto found = clusters_.find(arn);
    if (found == clusters_.end()) return Error{"NotFound", arn};
    cluster = found->second;
    clusters_.erase(found);
  }
  cluster->close();
  deps_.logger.info("kafka", "cluster closed", {{"arn", arn}});
  return delete_data ? cluster->delete_data() : ok();
}

}  // namespace mekong::kafka
