// The Kafka face: a single broker (id 1) with one SASL listener a cluster. Every session is authenticated by
// IAM (AWS_MSK_IAM or OAUTHBEARER), every request authorised with the kafka-cluster actions.
// docs/compat/kafka.md says which APIs and how they differ.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/authoriser.h"
#include "base/executor.h"
#include "base/ids.h"
#include "base/logging.h"
#include "base/owed.h"
#include "base/result.h"
#include "iam/authenticator.h"
#include "kafka/topics.h"
#include "log/log.h"
#include "meta/store.h"
#include "os/clock.h"
#include "os/net.h"
#include "os/random.h"

namespace mekong::kafka {

struct ClusterSpec {
  std::string arn;   // arn:aws:kafka:<region>:<account>:cluster/<name>/<uuid>
  std::string name;  // with uuid, what topic and group ARNs are made of
  std::string uuid;
  AccountId account;
  Region region;
  std::string bind_host = "127.0.0.1";        // numeric
  std::string advertised_host = "localhost";  // in metadata; clients connect there and sign it
  uint16_t port = 0;                          // 0: any; fixed by the caller so that it outlives a restart
  std::vector<std::string> listener_names;  // all host names a client may have signed, the advertised one too
  bool tls = true;                          // false: SASL_PLAINTEXT, still authenticated
  bool auto_create_topics = false;
  int32_t default_partitions = 1;
  int64_t session_max_ms =
      12LL * 3600 * 1000;  // connections.max.reauth.ms: logins with lasting keys end, too
};

// All must outlive the Broker.
struct BrokerDeps {
  os::Network& network;
  Executor& pool;  // handlers run here and may block briefly
  const os::Clock& clock;
  os::Random& random;
  meta::Store& meta;  // with the family "kafka"
  log::Log& log;
  const Authoriser& authoriser;
  const iam::KafkaLogin& login;
  Logger& logger;
  std::shared_ptr<os::TlsServer> tls;  // null: only clusters without TLS can be opened
};

class Cluster;

class Broker {
 public:
  explicit Broker(BrokerDeps deps);
  ~Broker();  // closes all clusters; waits until no request runs
  Broker(const Broker&) = delete;
  Broker& operator=(const Broker&) = delete;

  // Loads the cluster's topics and listens. Returns the port. Errors: "AddressInUse" and the like from
  // os::Network; "AlreadyOpen"; "InvalidArgument". Blocks: pool threads.
  Result<uint16_t> open_cluster(const ClusterSpec& spec);
  // Ends the listener and all its connections; with `delete_data` topics, records and offsets go, too.
  // Errors: "NotFound". Blocks until no request of the cluster runs: pool threads, never inside a request.
  Status close_cluster(const std::string& arn, bool delete_data);
  // The cluster's topics, by name. Error: "NotFound".
  Result<std::vector<TopicPtr>> topics(const std::string& arn);
  // Records that groups with members have not committed yet, in the partitions that they commit. Pool
  // threads.
  Result<std::vector<Owed>> owed();

 private:
  BrokerDeps deps_;
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Cluster>> clusters_;  // by ARN
};

}  // namespace mekong::kafka
