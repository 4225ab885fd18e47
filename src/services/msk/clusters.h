// MSK Serverless clusters: their records in meta (family "msk"), their ports, and the listeners behind them.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/logging.h"
#include "base/result.h"
#include "meta/store.h"
#include "os/clock.h"
#include "os/random.h"

namespace mekong::msk {

inline constexpr std::string_view meta_family = "msk";

struct Vpc {
  std::vector<std::string> subnet_ids, security_group_ids;
  template <class F>
  void each_field(F&& f) {
    f("SubnetIds", subnet_ids), f("SecurityGroupIds", security_group_ids);
  }
};

struct ClusterRecord {
  std::string arn, name, uuid, account, region, state;
  int64_t created_ms = 0;
  int64_t port = 0;  // its own for as long as it exists; 0: of a fork, given at its first start
  std::vector<Vpc> vpcs;
  std::map<std::string, std::string> tags;
  template <class F>
  void each_field(F&& f) {
    f("Arn", arn), f("Name", name), f("Uuid", uuid), f("Account", account), f("Region", region),
        f("State", state);
    f("CreatedMs", created_ms), f("Port", port), f("Vpcs", vpcs), f("Tags", tags);
  }
};

struct Topic {
  std::string name;
  int32_t partitions = 0;
  int32_t broker_id = 0;  // the one replica of each partition
};

// The broker as MSK needs it: implemented by kafka, adapted in app. Calls block: pool threads.
class BrokerHost {
 public:
  virtual ~BrokerHost() = default;
  // Listens on the cluster's port. Errors: "AddressInUse" and the like.
  virtual Status open(const ClusterRecord& cluster) = 0;
  // Ends the listener and removes topics, records and offsets.
  virtual Status remove(const std::string& arn) = 0;
  // In the order of names.
  virtual Result<std::vector<Topic>> topics(const std::string& arn) = 0;
};

struct ClustersConfig {
  uint16_t first_port = 9092, last_port = 9199;
  std::string advertised_host = "localhost";
  size_t clusters_max = 3;  // by account and region: MSK Serverless' quota
};

// Thread safe; calls may block for a commit.
class Clusters {
 public:
  Clusters(meta::Store& store, const os::Clock& clock, os::Random& random, BrokerHost& host, Logger& logger,
           ClustersConfig config);
  // Once, at start: opens every cluster again and ends a deletion that a crash interrupted.
  Status reopen();

  // ACTIVE when it returns: there is nothing to wait for here. Errors: ConflictException (name),
  // BadRequestException (quota, no port left).
  Result<ClusterRecord> create(const Scope& scope, const std::string& name, std::vector<Vpc> vpcs,
                               std::map<std::string, std::string> tags);
  Result<ClusterRecord> get(const std::string& arn) const;  // NotFoundException
  // In the order of names, after `after`.
  Result<std::vector<ClusterRecord>> list(const Scope& scope, const std::string& prefix,
                                          const std::string& after, size_t limit) const;
  // Changes what may change (its tags), in one step with what was read. Errors: get()'s and those of
  // `change`.
  Result<ClusterRecord> update(const std::string& arn, const std::function<Status(ClusterRecord&)>& change);
  Status remove(const std::string& arn);
  // In the order of names. Error: NotFoundException, of a cluster that is being deleted.
  Result<std::vector<Topic>> topics(const std::string& arn) const;
  std::string bootstrap(const ClusterRecord& cluster) const;

 private:
  Result<uint16_t> free_port() const;
  Result<std::vector<ClusterRecord>> all() const;
  Status save(const ClusterRecord& cluster, bool only_new);
  Result<ClusterRecord> open_on_free_port(ClusterRecord cluster);

  meta::Store& store_;
  const os::Clock& clock_;
  os::Random& random_;
  BrokerHost& host_;
  Logger& logger_;
  ClustersConfig config_;
  mutable std::mutex mutex_;  // one change at a time: ports and quotas are decided from the whole
};

// Of a copy of a server's state: the other server listens on the clusters' ports.
Status release_ports(meta::Store& store);

}  // namespace mekong::msk
