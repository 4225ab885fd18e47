#include <algorithm>

#include "kafka/ops.h"

namespace mekong::kafka {

namespace {

using MetadataTopic = proto::MetadataResponse::MetadataResponseTopic;

constexpr int8_t kGroupKey = 0;
constexpr int8_t kTransactionKey = 1;
constexpr int8_t kBrokerEndpoints = 1;

MetadataTopic missing(const std::optional<std::string>& name, const codec::KafkaUuid& id, int16_t error) {
  MetadataTopic topic;
  topic.error_code = error;
  topic.name = name;
  topic.topic_id = id;
  return topic;
}

MetadataTopic present(const RequestContext& context, const Topic& topic, bool with_operations) {
  MetadataTopic described;
  described.name = topic.name;
  described.topic_id = topic.id;
  for (int32_t i = 0; i < topic.partitions; ++i) {
    auto& partition = described.partitions.emplace_back();
    partition.partition_index = i;
    partition.leader_id = kBrokerId;
    partition.leader_epoch = kLeaderEpoch;
    partition.replica_nodes = {kBrokerId};
    partition.isr_nodes = {kBrokerId};
  }
  if (with_operations) described.topic_authorized_operations = topic_operations(context, topic.name);
  return described;
}

// A named topic. Whoever may not describe it learns nothing, not even that it is missing.
MetadataTopic describe_named(RequestContext& context, const std::string& name,
                             const proto::MetadataRequest& request) {
  if (!context.on_topic("DescribeTopic", name)) return missing(name, {}, TOPIC_AUTHORIZATION_FAILED);
  auto topic = context.cluster.topics.find(name);
  if (topic) return present(context, *topic, request.include_topic_authorized_operations);
  const auto& spec = context.cluster.spec();
  if (!spec.auto_create_topics || !request.allow_auto_topic_creation) {
    return missing(name, {}, UNKNOWN_TOPIC_OR_PARTITION);
  }
  if (!context.on_topic("CreateTopic", name)) return missing(name, {}, TOPIC_AUTHORIZATION_FAILED);
  auto created = context.cluster.topics.create(name, spec.default_partitions, {}, false);
  if (!created.ok()) return missing(name, {}, error_code(created.error()));
  return present(context, **created, request.include_topic_authorized_operations);
}

MetadataTopic describe_by_id(RequestContext& context, const codec::KafkaUuid& id, bool with_operations) {
  auto topic = context.cluster.topics.find(id);
  if (!topic || !context.on_topic("DescribeTopic", topic->name))
    return missing(std::nullopt, id, UNKNOWN_TOPIC_ID);
  return present(context, *topic, with_operations);
}

// KIP-679: whoever may write to any topic may write idempotently.
bool may_write_idempotently(const RequestContext& context) {
  if (context.on_cluster("WriteDataIdempotently")) return true;
  auto topics = context.cluster.topics.all();
  bool one = std::any_of(topics.begin(), topics.end(),
                         [&](const TopicPtr& topic) { return context.on_topic("WriteData", topic->name); });
  return one || context.on_topic("WriteData", "*");
}

using Found = proto::FindCoordinatorResponse::Coordinator;

Found find_one(const RequestContext& context, const std::string& key, int8_t key_type) {
  Found found{.key = key, .node_id = -1, .port = -1};
  found.error_message.reset();
  const bool transaction = key_type == kTransactionKey;
  if (!transaction && key_type != kGroupKey) {
    found.error_code = INVALID_REQUEST;
    found.error_message = "unknown coordinator type " + std::to_string(key_type);
  } else if (key.empty()) {
    found.error_code = transaction ? INVALID_REQUEST : INVALID_GROUP_ID;
  } else if (transaction && !context.on_transaction("DescribeTransactionalId", key)) {
    found.error_code = TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
  } else if (!transaction && !context.on_group("DescribeGroup", key)) {
    found.error_code = GROUP_AUTHORIZATION_FAILED;
  } else {
    found.node_id = kBrokerId;
    found.host = context.cluster.spec().advertised_host;
    found.port = context.cluster.port();
  }
  return found;
}

}  // namespace

proto::MetadataResponse metadata(RequestContext& context, const proto::MetadataRequest& request) {
  const auto& spec = context.cluster.spec();
  proto::MetadataResponse response;
  response.brokers.push_back({kBrokerId, spec.advertised_host, context.cluster.port(), std::nullopt});
  response.cluster_id = spec.uuid;
  response.controller_id = kBrokerId;
  bool all = !request.topics || (context.version == 0 && request.topics->empty());
  bool with_operations = request.include_topic_authorized_operations;
  if (all) {
    for (const auto& topic : context.cluster.topics.all()) {
      if (!context.on_topic("DescribeTopic", topic->name)) continue;
      response.topics.push_back(present(context, *topic, with_operations));
    }
  } else {
    for (const auto& asked : *request.topics) {
      response.topics.push_back(asked.name ? describe_named(context, *asked.name, request)
                                           : describe_by_id(context, asked.topic_id, with_operations));
    }
  }
  if (request.include_cluster_authorized_operations) {
    response.cluster_authorized_operations = cluster_operations(context);
  }
  return response;
}

proto::DescribeClusterResponse describe_cluster(RequestContext& context,
                                                const proto::DescribeClusterRequest& request) {
  const auto& spec = context.cluster.spec();
  proto::DescribeClusterResponse response;
  response.cluster_id = spec.uuid;
  response.endpoint_type = request.endpoint_type;
  if (request.endpoint_type != kBrokerEndpoints) {
    response.error_code = UNSUPPORTED_VERSION;
    response.error_message = "NotImplemented: controller endpoints";
    return response;
  }
  if (!context.on_cluster("DescribeCluster")) {
    response.error_code = CLUSTER_AUTHORIZATION_FAILED;
    return response;
  }
  response.controller_id = kBrokerId;
  response.brokers.push_back({kBrokerId, spec.advertised_host, context.cluster.port(), std::nullopt});
  if (request.include_cluster_authorized_operations) {
    response.cluster_authorized_operations = cluster_operations(context);
  }
  return response;
}

proto::FindCoordinatorResponse find_coordinator(RequestContext& context,
                                                const proto::FindCoordinatorRequest& request) {
  proto::FindCoordinatorResponse response;
  response.error_message.reset();
  if (context.version >= 4) {
    for (const auto& key : request.coordinator_keys) {
      response.coordinators.push_back(find_one(context, key, request.key_type));
    }
    return response;
  }
  auto found = find_one(context, request.key, request.key_type);
  response.error_code = found.error_code;
  response.error_message = found.error_message;
  response.node_id = found.node_id;
  response.host = found.host;
  response.port = found.port;
  return response;
}

proto::InitProducerIdResponse init_producer_id(RequestContext& context,
                                               const proto::InitProducerIdRequest& request) {
  proto::InitProducerIdResponse response;
  if (request.transactional_id) return init_transactional_producer(context, request);
  if (!may_write_idempotently(context)) {
    response.error_code = CLUSTER_AUTHORIZATION_FAILED;
    return response;
  }
  auto id = context.cluster.producer_ids.next();
  if (!id.ok()) {
    response.error_code = error_code(id.error());
    return response;
  }
  response.producer_id = *id;
  return response;
}

}  // namespace mekong::kafka
