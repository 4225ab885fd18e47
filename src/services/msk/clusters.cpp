#include "services/msk/clusters.h"

#include <algorithm>
#include <set>

#include "base/arn.h"
#include "codec/record.h"

namespace mekong::msk {
namespace {

// account/region/name: a listing is one range, and a name is unique in it.
std::string scope_prefix(const std::string& account, const std::string& region) {
  return account + "/" + region + "/";
}
std::string key_of(const ClusterRecord& cluster) {
  return scope_prefix(cluster.account, cluster.region) + cluster.name;
}

// The key that an ARN leads to: arn:aws:kafka:<region>:<account>:cluster/<name>/<uuid>.
std::string key_of(const std::string& text) {
  const auto arn = Arn::parse(text);
  const auto name = arn && arn->service == "kafka" ? arn->name_of("cluster") : std::nullopt;
  if (!name || name->find('/') == std::string::npos) return {};
  return scope_prefix(arn->account, arn->region) + name->substr(0, name->find('/'));
}

Error bad_request(const std::string& parameter, const std::string& message) {
  return Error{"BadRequestException", message, 400, {{"invalidParameter", parameter}}};
}
Error not_found() {
  return Error{"NotFoundException", "The requested resource doesn't exist."};
}

}  // namespace

Clusters::Clusters(meta::Store& store, const os::Clock& clock, os::Random& random, BrokerHost& host,
                   Logger& logger, ClustersConfig config)
    : store_(store),
      clock_(clock),
      random_(random),
      host_(host),
      logger_(logger),
      config_(std::move(config)) {}

Result<std::vector<ClusterRecord>> Clusters::all() const {
  std::vector<ClusterRecord> out;
  meta::ScanRange range = meta::prefix_range("");
  while (true) {
    MEKONG_TRY_ASSIGN(auto page, store_.scan(meta_family, range));
    for (const auto& entry : page) {
      MEKONG_TRY_ASSIGN(auto cluster, codec::decode_record<ClusterRecord>(entry.value));
      out.push_back(std::move(cluster));
    }
    if (page.size() < range.limit) return out;
    range.after = page.back().key;
  }
}

Status Clusters::reopen() {
  std::lock_guard lock(mutex_);
  MEKONG_TRY_ASSIGN(const auto clusters, all());
  for (auto cluster : clusters) {
    if (cluster.port == 0) {
      MEKONG_TRY_ASSIGN(cluster, open_on_free_port(cluster));
      MEKONG_TRY(save(cluster, false));
    } else {
      MEKONG_TRY(host_.open(cluster));
    }
    if (cluster.state != "DELETING") continue;
    MEKONG_TRY(host_.remove(cluster.arn));
    meta::Batch batch;
    batch.remove(meta_family, key_of(cluster));
    MEKONG_TRY(store_.commit(std::move(batch)).get());
  }
  return ok();
}

Status Clusters::save(const ClusterRecord& cluster, bool only_new) {
  meta::Batch batch;
  if (only_new) batch.expect_absent(meta_family, key_of(cluster));
  batch.put(meta_family, key_of(cluster), codec::encode_record(cluster));
  return store_.commit(std::move(batch)).get();
}

Result<ClusterRecord> Clusters::open_on_free_port(ClusterRecord cluster) {
  MEKONG_TRY_ASSIGN(const auto clusters, all());
  std::set<int64_t> taken;
  for (const auto& other : clusters) taken.insert(other.port);
  for (int port = config_.last_port; port >= config_.first_port; --port) {
    // 9098 is what MSK's own IAM listeners use: the first cluster gets it where it can.
    const int preferred = 9098;
    const bool in_range = preferred >= config_.first_port && preferred <= config_.last_port;
    cluster.port = port;
    if (in_range && port == config_.last_port && !taken.contains(preferred)) cluster.port = preferred;
    if (taken.contains(cluster.port)) continue;
    const auto opened = host_.open(cluster);
    if (opened.ok()) return cluster;
    if (opened.error().code != "AddressInUse") return opened.error();
    taken.insert(cluster.port);
  }
  return bad_request("ports", "No port of " + std::to_string(config_.first_port) + "-" +
                                  std::to_string(config_.last_port) +
                                  " is free: see mekong serve --kafka-ports.");
}

Result<ClusterRecord> Clusters::create(const Scope& scope, const std::string& name, std::vector<Vpc> vpcs,
                                       std::map<std::string, std::string> tags) {
  std::lock_guard lock(mutex_);
  MEKONG_TRY_ASSIGN(const auto existing, list(scope, "", "", config_.clusters_max + 1));
  for (const auto& other : existing) {
    if (other.name == name) {
      return Error{"ConflictException",
                   "A cluster with the name " + name + " already exists in this account.",
                   409,
                   {{"invalidParameter", "clusterName"}}};
    }
  }
  if (existing.size() >= config_.clusters_max) {
    return Error{
        "TooManyRequestsException",
        "At most " + std::to_string(config_.clusters_max) + " serverless clusters in an account and region.",
        429};
  }
  ClusterRecord cluster;
  cluster.name = name;
  cluster.uuid = random_.uuid() + "-s1";
  cluster.account = scope.account.value;
  cluster.region = scope.region.value;
  cluster.arn =
      "arn:aws:kafka:" + cluster.region + ":" + cluster.account + ":cluster/" + name + "/" + cluster.uuid;
  cluster.state = "ACTIVE";
  cluster.created_ms = clock_.wall_ms();
  cluster.vpcs = std::move(vpcs);
  cluster.tags = std::move(tags);
  MEKONG_TRY_ASSIGN(cluster, open_on_free_port(std::move(cluster)));
  const auto saved = save(cluster, true);
  if (!saved.ok()) {
    const auto removed = host_.remove(cluster.arn);
    if (!removed.ok()) logger_.warn("msk", "listener stays open", {{"why", removed.error().message}});
    return saved.error();
  }
  return cluster;
}

Result<ClusterRecord> Clusters::get(const std::string& arn) const {
  const std::string key = key_of(arn);
  if (key.empty()) return bad_request("clusterArn", "The provided ARN is not a cluster's: " + arn);
  MEKONG_TRY_ASSIGN(const auto value, store_.get(meta_family, key));
  if (!value) return not_found();
  MEKONG_TRY_ASSIGN(auto cluster, codec::decode_record<ClusterRecord>(*value));
  if (cluster.arn != arn) return not_found();
  return cluster;
}

Result<std::vector<ClusterRecord>> Clusters::list(const Scope& scope, const std::string& prefix,
                                                  const std::string& after, size_t limit) const {
  const std::string folder = scope_prefix(scope.account.value, scope.region.value);
  meta::ScanRange range = meta::prefix_range(folder + prefix, limit);
  if (!after.empty()) range.after = folder + after;
  MEKONG_TRY_ASSIGN(const auto entries, store_.scan(meta_family, range));
  std::vector<ClusterRecord> out;
  for (const auto& entry : entries) {
    MEKONG_TRY_ASSIGN(auto cluster, codec::decode_record<ClusterRecord>(entry.value));
    out.push_back(std::move(cluster));
  }
  return out;
}

Result<ClusterRecord> Clusters::update(const std::string& arn,
                                       const std::function<Status(ClusterRecord&)>& change) {
  std::lock_guard lock(mutex_);
  MEKONG_TRY_ASSIGN(auto cluster, get(arn));
  MEKONG_TRY(change(cluster));
  MEKONG_TRY(save(cluster, false));
  return cluster;
}

Status Clusters::remove(const std::string& arn) {
  std::lock_guard lock(mutex_);
  MEKONG_TRY_ASSIGN(auto cluster, get(arn));
  // Said durably first: a crash in the middle goes on with the deletion at the next start.
  cluster.state = "DELETING";
  MEKONG_TRY(save(cluster, false));
  MEKONG_TRY(host_.remove(arn));
  meta::Batch batch;
  batch.remove(meta_family, key_of(cluster));
  return store_.commit(std::move(batch)).get();
}

Result<std::vector<Topic>> Clusters::topics(const std::string& arn) const {
  auto found = host_.topics(arn);
  if (!found.ok() && found.error().code == "NotFound") return not_found();
  return found;
}

std::string Clusters::bootstrap(const ClusterRecord& cluster) const {
  return config_.advertised_host + ":" + std::to_string(cluster.port);
}

Status release_ports(meta::Store& store) {
  MEKONG_TRY_ASSIGN(const auto rows, store.scan(meta_family, meta::prefix_range("", 100'000)));
  meta::Batch batch;
  for (const auto& row : rows) {
    MEKONG_TRY_ASSIGN(auto cluster, codec::decode_record<ClusterRecord>(row.value));
    cluster.port = 0;
    batch.put(meta_family, row.key, codec::encode_record(cluster));
  }
  return store.commit(std::move(batch)).get();
}

}  // namespace mekong::msk
