// The topics of one cluster: names, ids, partitions, settings. Durable in meta's family "kafka"; their
// records lie in the log as partitions "<topic uuid>-<index>". Any pool thread; changes may block on a
// commit.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/result.h"
#include "codec/kafka_wire.h"
#include "kafka/topic_config.h"
#include "log/log.h"
#include "meta/store.h"
#include "os/random.h"

namespace mekong::kafka {

inline constexpr std::string_view kFamily = "kafka";
inline constexpr int32_t kPartitionsMax = 2400;  // a serverless cluster's quota, all topics together

struct Topic {
  std::string name;
  codec::KafkaUuid id;
  int32_t partitions = 0;
  ConfigMap configs;
  TopicSettings settings;  // of configs

  log::PartitionId partition(int32_t index) const;
};
using TopicPtr = std::shared_ptr<const Topic>;

// Errors: INVALID_TOPIC_EXCEPTION, TOPIC_ALREADY_EXISTS, UNKNOWN_TOPIC_OR_PARTITION, INVALID_PARTITIONS,
// INVALID_CONFIG, KAFKA_STORAGE_ERROR.
class Topics {
 public:
  Topics(meta::Store& meta, log::Log& log, os::Random& random, std::string cluster_uuid);
  // Reads what is stored, and ends what a crash left half made, half deleted or half configured.
  Status load();

  TopicPtr find(const std::string& name) const;  // null: no such topic
  TopicPtr find(const codec::KafkaUuid& id) const;
  std::vector<TopicPtr> all() const;  // by name

  // `check_only`: all checks, no change; the topic returned is what would be made.
  Result<TopicPtr> create(const std::string& name, int32_t partitions, const ConfigMap& configs,
                          bool check_only);
  // `forget`: takes away what else is kept of it, before another topic can have the name.
  Status remove(const std::string& name, const std::function<Status()>& forget = {});
  Status grow(const std::string& name, int32_t partitions, bool check_only);
  // `edit`: makes the new configs of the present ones. No other change comes between.
  using ConfigEdit = std::function<Result<ConfigMap>(const ConfigMap& present)>;
  Status configure(const std::string& name, const ConfigEdit& edit, bool check_only);
  Status remove_all();

 private:
  std::string topic_key(const std::string& name) const;
  std::string debris_key(const codec::KafkaUuid& id) const;
  std::string unapplied_key(const std::string& name) const;
  Status check_new(const std::string& name, int32_t partitions) const;
  Status make_partitions(const Topic& topic, int32_t from);
  Status apply(const Topic& topic);
  Status apply_unapplied();
  Status sweep(const std::string& key, const std::string& partitions);
  void publish(TopicPtr topic);

  meta::Store& meta_;
  log::Log& log_;
  os::Random& random_;
  const std::string cluster_uuid_;
  std::mutex change_mutex_;  // one change at a time
  mutable std::mutex mutex_;
  std::map<std::string, TopicPtr> by_name_;
  std::map<codec::KafkaUuid, TopicPtr> by_id_;
};

// What is stored of all clusters' topics, for an examination. Error: KAFKA_STORAGE_ERROR names the topic.
struct StoredTopic {
  std::string key, name;
  Result<std::vector<log::PartitionId>> partitions;
};
Result<std::vector<StoredTopic>> stored_topics(const meta::Store& meta);

}  // namespace mekong::kafka
