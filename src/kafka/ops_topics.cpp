#include "kafka/ops.h"

namespace mekong::kafka {

namespace {

using CreatableTopic = proto::CreateTopicsRequest::CreatableTopic;
using CreatedTopic = proto::CreateTopicsResponse::CreatableTopicResult;

constexpr int16_t kReplicationMax = 3;  // what MSK Serverless keeps; a client may name it
constexpr int8_t kDynamicTopicConfig = 1;
constexpr int8_t kDefaultConfig = 5;

Result<int32_t> partitions_of(const RequestContext& context, const CreatableTopic& asked) {
  if (!asked.assignments.empty()) {
    return Error{"INVALID_REPLICA_ASSIGNMENT", "NotImplemented: replica assignments chosen by the client"};
  }
  bool replicas_ok = asked.replication_factor == -1 ||
                     (asked.replication_factor >= 1 && asked.replication_factor <= kReplicationMax);
  if (!replicas_ok) {
    return Error{"INVALID_REPLICATION_FACTOR", "Replication factor must be -1 (the default) or 1 to 3."};
  }
  return asked.num_partitions == -1 ? context.cluster.spec().default_partitions : asked.num_partitions;
}

Result<TopicPtr> create_one(RequestContext& context, const CreatableTopic& asked, bool check_only) {
  MEKONG_TRY_ASSIGN(auto partitions, partitions_of(context, asked));
  ConfigMap configs;
  for (const auto& config : asked.configs) {
    if (!config.value) return Error{"INVALID_CONFIG", "Topic config '" + config.name + "': null value"};
    configs[config.name] = *config.value;
  }
  return context.cluster.topics.create(asked.name, partitions, configs, check_only);
}

void describe_created(const RequestContext& context, const Topic& topic, CreatedTopic& out) {
  out.topic_id = topic.id;
  if (!context.on_topic("DescribeTopicDynamicConfiguration", topic.name)) {
    out.topic_config_error_code = TOPIC_AUTHORIZATION_FAILED;
    out.configs.reset();
    return;
  }
  out.num_partitions = topic.partitions;
  out.replication_factor = 1;
  for (const auto& entry : describe_topic_config(topic.configs)) {
    auto source = entry.is_default ? kDefaultConfig : kDynamicTopicConfig;
    out.configs->push_back({entry.name, entry.value, entry.read_only, source, false});
  }
}

using DeletedTopic = proto::DeleteTopicsResponse::DeletableTopicResult;

void delete_one(RequestContext& context, DeletedTopic& result, bool by_id) {
  result.error_message.reset();
  if (by_id) {
    auto topic = context.cluster.topics.find(result.topic_id);
    if (!topic || !context.on_topic("DescribeTopic", topic->name)) {
      result.error_code = UNKNOWN_TOPIC_ID;
      return;
    }
    result.name = topic->name;
  }
  if (!context.on_topic("DeleteTopic", *result.name)) {
    result.error_code = TOPIC_AUTHORIZATION_FAILED;
    return;
  }
  auto& cluster = context.cluster;
  auto removed = cluster.topics.remove(*result.name, [&] { return cluster.offsets.remove_lost(); });
  if (removed.ok()) return;
  result.error_code = error_code(removed.error());
  result.error_message = removed.error().message;
}

}  // namespace

proto::CreateTopicsResponse create_topics(RequestContext& context,
                                          const proto::CreateTopicsRequest& request) {
  proto::CreateTopicsResponse response;
  for (const auto& asked : request.topics) {
    auto& result = response.topics.emplace_back();
    result.name = asked.name;
    result.error_message.reset();
    if (!context.on_topic("CreateTopic", asked.name)) {
      result.error_code = TOPIC_AUTHORIZATION_FAILED;
      result.error_message = "Authorization failed.";
      continue;
    }
    auto created = create_one(context, asked, request.validate_only);
    if (created.ok()) {
      describe_created(context, **created, result);
    } else {
      result.error_code = error_code(created.error());
      result.error_message = created.error().message;
    }
  }
  return response;
}

proto::DeleteTopicsResponse delete_topics(RequestContext& context,
                                          const proto::DeleteTopicsRequest& request) {
  proto::DeleteTopicsResponse response;
  for (const auto& name : request.topic_names) {
    auto& result = response.responses.emplace_back();
    result.name = name;
    delete_one(context, result, false);
  }
  for (const auto& asked : request.topics) {
    auto& result = response.responses.emplace_back();
    result.name = asked.name;
    result.topic_id = asked.topic_id;
    delete_one(context, result, !asked.name);
  }
  return response;
}

proto::CreatePartitionsResponse create_partitions(RequestContext& context,
                                                  const proto::CreatePartitionsRequest& request) {
  proto::CreatePartitionsResponse response;
  for (const auto& asked : request.topics) {
    auto& result = response.results.emplace_back();
    result.name = asked.name;
    if (!context.on_topic("AlterTopic", asked.name)) {
      result.error_code = TOPIC_AUTHORIZATION_FAILED;
    } else if (asked.assignments && !asked.assignments->empty()) {
      result.error_code = INVALID_REPLICA_ASSIGNMENT;
      result.error_message = "NotImplemented: replica assignments chosen by the client";
    } else {
      auto grown = context.cluster.topics.grow(asked.name, asked.count, request.validate_only);
      if (grown.ok()) continue;
      result.error_code = error_code(grown.error());
      result.error_message = grown.error().message;
    }
  }
  return response;
}

proto::DeleteRecordsResponse delete_records(RequestContext& context,
                                            const proto::DeleteRecordsRequest& request) {
  proto::DeleteRecordsResponse response;
  for (const auto& asked : request.topics) {
    auto& topic_result = response.topics.emplace_back();
    topic_result.name = asked.name;
    bool may = context.on_topic("DeleteTopic", asked.name);
    auto topic = context.cluster.topics.find(asked.name);
    for (const auto& partition : asked.partitions) {
      auto& result = topic_result.partitions.emplace_back();
      result.partition_index = partition.partition_index;
      result.low_watermark = -1;
      if (!may) {
        result.error_code = TOPIC_AUTHORIZATION_FAILED;
        continue;
      }
      if (!topic || partition.partition_index < 0 || partition.partition_index >= topic->partitions) {
        result.error_code = UNKNOWN_TOPIC_OR_PARTITION;
        continue;
      }
      auto id = topic->partition(partition.partition_index);
      auto offsets = context.cluster.deps.log.offsets(id);
      int64_t before = partition.offset == -1 && offsets.ok() ? offsets->high_watermark : partition.offset;
      auto done = context.cluster.deps.log.delete_before(id, before);
      auto after = context.cluster.deps.log.offsets(id);
      if (!done.ok()) result.error_code = error_code(done.error());
      if (done.ok() && after.ok()) result.low_watermark = after->log_start;
    }
  }
  return response;
}

}  // namespace mekong::kafka
