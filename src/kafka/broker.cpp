#include "kafka/broker.h"

#include <algorithm>
#include <vector>

#include "kafka/batch.h"
#include "kafka/cluster.h"

namespace mekong::kafka {

namespace {

constexpr size_t kTailBytes = 64 << 10;

Result<int64_t> lag_of(Cluster& cluster, const std::string& group) {
  int64_t lag = 0;
  MEKONG_TRY_ASSIGN(const auto committed, cluster.offsets.all(group));
  for (const auto& at : committed) {
    const auto topic = cluster.topics.find(at.topic);
    if (!topic || at.partition >= topic->partitions) continue;
    const auto partition = topic->partition(at.partition);
    const auto offsets = cluster.deps.log.offsets(partition);
    if (!offsets.ok() || offsets->high_watermark <= at.offset) continue;
    // Clients do not commit past the markers and aborted records at the end: nobody owes anything for those.
    const auto rest = cluster.deps.log.read(partition, at.offset, kTailBytes, log::Isolation::read_committed);
    int64_t until = at.offset;
    const bool read = rest.ok() && nothing_committed(rest->batches, rest->aborted, until) &&
                      until >= offsets->high_watermark;
    if (!read) lag += offsets->high_watermark - at.offset;
  }
  return lag;
}

}  // namespace

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

Result<std::vector<TopicPtr>> Broker::topics(const std::string& arn) {
  std::shared_ptr<Cluster> cluster;
  {
    const std::lock_guard lock(mutex_);
    auto found = clusters_.find(arn);
    if (found == clusters_.end()) return Error{"NotFound", arn};
    cluster = found->second;
  }
  return cluster->topics.all();
}

Result<std::vector<Owed>> Broker::owed() {
  std::vector<std::shared_ptr<Cluster>> clusters;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [arn, cluster] : clusters_) clusters.push_back(cluster);
  }
  std::vector<Owed> out;
  for (const auto& cluster : clusters) {
    for (const auto& group : cluster->groups.list()) {
      if (group.state == GroupState::empty) continue;
      MEKONG_TRY_ASSIGN(const int64_t lag, lag_of(*cluster, group.group_id));
      if (lag == 0) continue;
      out.push_back(
          {"kafka",
           "records that group " + group.group_id + " of cluster " + cluster->spec().name + " has not read",
           lag});
    }
  }
  return out;
}

}  // namespace mekong::kafka
