#include "kafka/topics.h"

#include <algorithm>

namespace mekong::kafka {

namespace {

constexpr size_t kTopicNameMax = 249;

std::string encode(const Topic& topic) {
  codec::KafkaWriter w;
  w.i8(1);
  w.uuid(topic.id);
  w.i32(topic.partitions);
  w.varuint(static_cast<uint32_t>(topic.configs.size()));
  for (const auto& [name, value] : topic.configs) {
    w.string(name, true);
    w.string(value, true);
  }
  return w.take();
}

Result<TopicPtr> decode(const std::string& name, const std::string& bytes) {
  codec::KafkaReader r(bytes, bytes.size() * 2);
  auto topic = std::make_shared<Topic>();
  topic->name = name;
  bool known = r.i8() == 1;
  topic->id = r.uuid();
  topic->partitions = r.i32();
  uint32_t configs = r.varuint();
  for (uint32_t i = 0; i < configs && !r.failed(); ++i) {
    auto config = r.string(true);
    topic->configs[config] = r.string(true);
  }
  if (!known || r.failed())
    return Error{"KAFKA_STORAGE_ERROR", "the stored topic '" + name + "' cannot be read"};
  MEKONG_TRY_ASSIGN(topic->settings, topic_settings(topic->configs));
  return TopicPtr(topic);
}

// https://kafka.apache.org/documentation/#topicconfigs, org.apache.kafka.common.internals.Topic.validate
Status check_name(const std::string& name) {
  auto legal = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  };
  if (name.empty() || name == "." || name == ".." || name.size() > kTopicNameMax ||
      !std::all_of(name.begin(), name.end(), legal)) {
    return Error{
        "INVALID_TOPIC_EXCEPTION",
        "Topic name '" + name + "' is invalid: 1 to 249 of a-z, A-Z, 0-9, '.', '_', '-', not '.' or '..'"};
  }
  return ok();
}

Error storage(const Error& error) {
  return {"KAFKA_STORAGE_ERROR", error.code + ": " + error.message};
}

}  // namespace

log::PartitionId Topic::partition(int32_t index) const {
  return log::PartitionId(codec::to_text(id) + "-" + std::to_string(index));
}

Topics::Topics(meta::Store& meta, log::Log& log, os::Random& random, std::string cluster_uuid)
    : meta_(meta), log_(log), random_(random), cluster_uuid_(std::move(cluster_uuid)) {}

std::string Topics::topic_key(const std::string& name) const {
  return "t/" + cluster_uuid_ + "/" + name;
}

// Names partitions that no topic names yet, or any more.
std::string Topics::debris_key(const codec::KafkaUuid& id) const {
  return "d/" + cluster_uuid_ + "/" + codec::to_text(id);
}

// Names a topic some of whose partitions may not have its settings yet.
std::string Topics::unapplied_key(const std::string& name) const {
  return "c/" + cluster_uuid_ + "/" + name;
}

Status Topics::load() {
  std::string prefix = "d/" + cluster_uuid_ + "/";
  MEKONG_TRY_ASSIGN(auto debris, meta_.scan(kFamily, meta::prefix_range(prefix, 100'000)));
  for (const auto& item : debris) MEKONG_TRY(sweep(item.key, item.value));
  prefix = "t/" + cluster_uuid_ + "/";
  MEKONG_TRY_ASSIGN(auto stored, meta_.scan(kFamily, meta::prefix_range(prefix, 100'000)));
  for (const auto& item : stored) {
    MEKONG_TRY_ASSIGN(auto topic, decode(item.key.substr(prefix.size()), item.value));
    publish(topic);
  }
  return apply_unapplied();
}

// A partition that cannot be configured now keeps nobody from starting: its topic stays unapplied.
Status Topics::apply_unapplied() {
  const std::string prefix = unapplied_key("");
  MEKONG_TRY_ASSIGN(const auto unapplied, meta_.scan(kFamily, meta::prefix_range(prefix, 100'000)));
  for (const auto& item : unapplied) {
    const auto topic = find(item.key.substr(prefix.size()));
    if (topic) (void)apply(*topic);
  }
  return ok();
}

// All that can be, also where one cannot.
Status Topics::apply(const Topic& topic) {
  Status all = ok();
  for (int32_t i = 0; i < topic.partitions; ++i) {
    auto one = log_.configure(topic.partition(i), topic.settings.partition);
    if (!one.ok() && all.ok()) all = std::move(one);
  }
  MEKONG_TRY(std::move(all));
  return meta_.commit(std::move(meta::Batch().remove(kFamily, unapplied_key(topic.name)))).get();
}

Status Topics::sweep(const std::string& key, const std::string& partitions) {
  std::string id = key.substr(key.rfind('/') + 1);
  for (int i = 0; i < std::stoi(partitions); ++i) {
    auto removed = log_.remove(log::PartitionId(id + "-" + std::to_string(i)));
    if (!removed.ok() && removed.error().code != "UNKNOWN_TOPIC_OR_PARTITION")
      return std::move(removed).error();
  }
  return meta_.commit(std::move(meta::Batch().remove(kFamily, key))).get();
}

void Topics::publish(TopicPtr topic) {
  std::lock_guard lock(mutex_);
  by_id_[topic->id] = topic;
  by_name_[topic->name] = std::move(topic);
}

TopicPtr Topics::find(const std::string& name) const {
  std::lock_guard lock(mutex_);
  auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : found->second;
}

TopicPtr Topics::find(const codec::KafkaUuid& id) const {
  std::lock_guard lock(mutex_);
  auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : found->second;
}

std::vector<TopicPtr> Topics::all() const {
  std::lock_guard lock(mutex_);
  std::vector<TopicPtr> topics;
  for (const auto& [name, topic] : by_name_) topics.push_back(topic);
  return topics;
}

Status Topics::check_new(const std::string& name, int32_t partitions) const {
  MEKONG_TRY(check_name(name));
  if (find(name)) return Error{"TOPIC_ALREADY_EXISTS", "Topic '" + name + "' already exists."};
  if (partitions < 1) return Error{"INVALID_PARTITIONS", "Number of partitions must be larger than 0."};
  int64_t all_partitions = partitions;
  for (const auto& topic : all()) all_partitions += topic->partitions;
  if (all_partitions > kPartitionsMax) {
    return Error{"INVALID_PARTITIONS",
                 "A cluster has at most " + std::to_string(kPartitionsMax) + " partitions."};
  }
  return ok();
}

Status Topics::make_partitions(const Topic& topic, int32_t from) {
  for (int32_t i = from; i < topic.partitions; ++i) {
    auto made = log_.create(topic.partition(i), topic.settings.partition);
    // Left by a growth that a crash cut short: it is empty, no client has ever seen it.
    if (!made.ok() && !log_.offsets(topic.partition(i)).ok()) return storage(made.error());
  }
  return ok();
}

Result<TopicPtr> Topics::create(const std::string& name, int32_t partitions, const ConfigMap& configs,
                                bool check_only) {
  std::lock_guard change(change_mutex_);
  MEKONG_TRY(check_new(name, partitions));
  auto topic = std::make_shared<Topic>();
  topic->name = name;
  topic->partitions = partitions;
  topic->configs = configs;
  MEKONG_TRY_ASSIGN(topic->settings, topic_settings(configs));
  topic->id = codec::kafka_uuid_of(random_.uuid()).value_or(codec::KafkaUuid{});
  if (check_only) return TopicPtr(topic);
  auto debris = debris_key(topic->id);
  auto intent = meta_.commit(std::move(meta::Batch().put(kFamily, debris, std::to_string(partitions)))).get();
  if (!intent.ok()) return storage(intent.error());
  MEKONG_TRY(make_partitions(*topic, 0));
  auto batch = std::move(meta::Batch().put(kFamily, topic_key(name), encode(*topic)).remove(kFamily, debris));
  auto done = meta_.commit(std::move(batch)).get();
  if (!done.ok()) return storage(done.error());
  publish(topic);
  return TopicPtr(topic);
}

Status Topics::remove(const std::string& name, const std::function<Status()>& forget) {
  std::lock_guard change(change_mutex_);
  auto topic = find(name);
  if (!topic) return Error{"UNKNOWN_TOPIC_OR_PARTITION", "Topic '" + name + "' does not exist."};
  auto debris = debris_key(topic->id);
  auto partitions = std::to_string(topic->partitions);
  meta::Batch batch;
  batch.remove(kFamily, topic_key(name)).remove(kFamily, unapplied_key(name));
  batch.put(kFamily, debris, partitions);
  auto done = meta_.commit(std::move(batch)).get();
  if (!done.ok()) return storage(done.error());
  {
    std::lock_guard lock(mutex_);
    by_id_.erase(topic->id);
    by_name_.erase(name);
  }
  if (forget) MEKONG_TRY(forget());
  return sweep(debris, partitions);
}

Status Topics::grow(const std::string& name, int32_t partitions, bool check_only) {
  std::lock_guard change(change_mutex_);
  auto topic = find(name);
  if (!topic) return Error{"UNKNOWN_TOPIC_OR_PARTITION", "Topic '" + name + "' does not exist."};
  if (partitions <= topic->partitions) {
    return Error{"INVALID_PARTITIONS", "Topic '" + name + "' already has " +
                                           std::to_string(topic->partitions) +
                                           " partitions; a larger number is needed."};
  }
  if (partitions > kPartitionsMax) {
    return Error{"INVALID_PARTITIONS",
                 "A cluster has at most " + std::to_string(kPartitionsMax) + " partitions."};
  }
  if (check_only) return ok();
  auto grown = std::make_shared<Topic>(*topic);
  grown->partitions = partitions;
  MEKONG_TRY(make_partitions(*grown, topic->partitions));
  auto done = meta_.commit(std::move(meta::Batch().put(kFamily, topic_key(name), encode(*grown)))).get();
  if (!done.ok()) return storage(done.error());
  publish(grown);
  return ok();
}

Status Topics::configure(const std::string& name, const ConfigEdit& edit, bool check_only) {
  std::lock_guard change(change_mutex_);
  auto topic = find(name);
  if (!topic) return Error{"UNKNOWN_TOPIC_OR_PARTITION", "Topic '" + name + "' does not exist."};
  auto changed = std::make_shared<Topic>(*topic);
  MEKONG_TRY_ASSIGN(changed->configs, edit(topic->configs));
  MEKONG_TRY_ASSIGN(changed->settings, topic_settings(changed->configs));
  if (check_only) return ok();
  meta::Batch batch;
  batch.put(kFamily, topic_key(name), encode(*changed)).put(kFamily, unapplied_key(name), "");
  auto done = meta_.commit(std::move(batch)).get();
  if (!done.ok()) return storage(done.error());
  publish(changed);
  auto applied = apply(*changed);
  return applied.ok() ? ok() : storage(applied.error());
}

Status Topics::remove_all() {
  for (const auto& topic : all()) MEKONG_TRY(remove(topic->name));
  return ok();
}

Result<std::vector<StoredTopic>> stored_topics(const meta::Store& meta) {
  std::vector<StoredTopic> found;
  auto range = meta::prefix_range("t/", 1000);
  while (true) {
    MEKONG_TRY_ASSIGN(const auto page, meta.scan(kFamily, range));
    for (const auto& item : page) {
      const std::string name = item.key.substr(item.key.find('/', 2) + 1);
      const auto topic = decode(name, item.value);
      std::vector<log::PartitionId> partitions;
      for (int32_t i = 0; topic.ok() && i < (*topic)->partitions; ++i) {
        partitions.push_back((*topic)->partition(i));
      }
      using Partitions = Result<std::vector<log::PartitionId>>;
      found.push_back(
          {item.key, name, topic.ok() ? Partitions(std::move(partitions)) : Partitions(topic.error())});
    }
    if (page.size() < range.limit) return found;
    range.after = page.back().key;
  }
}

}  // namespace mekong::kafka
