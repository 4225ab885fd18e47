#include "kafka/ops.h"

namespace mekong::kafka {

namespace {

constexpr size_t kMetadataMax = 4096;  // offset.metadata.max.bytes

using CommitTopic = proto::OffsetCommitRequest::OffsetCommitRequestTopic;
using GroupReply = proto::OffsetFetchResponse::OffsetFetchResponseGroup;
using GroupAsked = proto::OffsetFetchRequest::OffsetFetchRequestGroup;
using TopicReply = GroupReply::OffsetFetchResponseTopics;

struct Wanted {
  const std::string& group;
  bool stable = false;
};

ErrorCode check_group_commit(RequestContext& context, const proto::OffsetCommitRequest& request) {
  if (!context.on_group("AlterGroup", request.group_id)) return GROUP_AUTHORIZATION_FAILED;
  return context.cluster.groups.check_commit({request.group_id, request.member_id, request.group_instance_id,
                                              request.generation_id_or_member_epoch});
}

ErrorCode check_topic(RequestContext& context, const std::string& name, const TopicPtr& topic) {
  if (!context.on_topic("ReadData", name)) return TOPIC_AUTHORIZATION_FAILED;
  return topic ? NONE : UNKNOWN_TOPIC_OR_PARTITION;
}

// A group is known by its members, or by its offsets.
ErrorCode check_known(RequestContext& context, const std::string& group, bool has_members) {
  if (has_members) return NONE;
  const auto offsets = context.cluster.offsets.all(group);
  if (!offsets.ok()) return error_code(offsets.error());
  return offsets->empty() ? GROUP_ID_NOT_FOUND : NONE;
}

// KIP-447: who asks for stable offsets waits for the transactions that have some.
bool is_pending(RequestContext& context, const std::string& group, const std::string& topic,
                int32_t partition) {
  const auto id = context.cluster.offsets.topic_id(topic);
  return context.cluster.transactions.pending(group, id, partition);
}

void fetch_named(RequestContext& context, const Wanted& wanted, const std::string& topic, int32_t partition,
                 TopicReply& out) {
  auto& reply = out.partitions.emplace_back();
  reply.partition_index = partition;
  reply.committed_offset = -1;
  const std::string& group = wanted.group;
  if (wanted.stable && is_pending(context, group, topic, partition)) {
    reply.error_code = UNSTABLE_OFFSET_COMMIT;
    return;
  }
  auto found = context.cluster.offsets.get(group, topic, partition);
  if (!found.ok()) {
    reply.error_code = error_code(found.error());
  } else if (*found) {
    reply.committed_offset = (*found)->offset;
    reply.committed_leader_epoch = (*found)->leader_epoch;
    reply.metadata = (*found)->metadata;
  }
}

void fetch_all(RequestContext& context, bool stable, GroupReply& out) {
  auto offsets = context.cluster.offsets.all(out.group_id);
  if (!offsets.ok()) {
    out.error_code = error_code(offsets.error());
    return;
  }
  std::string hidden;
  for (auto& offset : *offsets) {
    bool next_topic = out.topics.empty() || out.topics.back().name != offset.topic;
    if (offset.topic == hidden) continue;
    if (next_topic && !context.on_topic("DescribeTopic", offset.topic)) {
      hidden = offset.topic;
      continue;
    }
    if (next_topic) out.topics.emplace_back().name = offset.topic;
    if (stable && is_pending(context, out.group_id, offset.topic, offset.partition)) {
      out.topics.back().partitions.push_back({.partition_index = offset.partition,
                                              .committed_offset = -1,
                                              .error_code = UNSTABLE_OFFSET_COMMIT});
      continue;
    }
    out.topics.back().partitions.push_back(
        {offset.partition, offset.offset, offset.leader_epoch, std::move(offset.metadata), NONE});
  }
}

GroupReply fetch_group(RequestContext& context, const GroupAsked& asked, bool stable) {
  GroupReply reply;
  reply.group_id = asked.group_id;
  if (!context.on_group("DescribeGroup", asked.group_id)) {
    reply.error_code = GROUP_AUTHORIZATION_FAILED;
    return reply;
  }
  if (!asked.topics) {
    fetch_all(context, stable, reply);
    return reply;
  }
  for (const auto& topic : *asked.topics) {
    auto& topic_reply = reply.topics.emplace_back();
    topic_reply.name = topic.name;
    bool may = context.on_topic("DescribeTopic", topic.name);
    for (int32_t partition : topic.partition_indexes) {
      if (may) {
        fetch_named(context, {asked.group_id, stable}, topic.name, partition, topic_reply);
      } else {
        topic_reply.partitions.push_back(
            {.partition_index = partition, .committed_offset = -1, .error_code = TOPIC_AUTHORIZATION_FAILED});
      }
    }
  }
  return reply;
}

// Versions before 8 ask for one group; it is answered by the same code.
proto::OffsetFetchResponse fetch_single(RequestContext& context, const proto::OffsetFetchRequest& request) {
  GroupAsked asked{.group_id = request.group_id};
  if (!request.topics) asked.topics.reset();
  for (const auto& topic :
       request.topics.value_or(std::vector<proto::OffsetFetchRequest::OffsetFetchRequestTopic>())) {
    asked.topics->push_back({topic.name, topic.partition_indexes});
  }
  auto group = fetch_group(context, asked, request.require_stable);
  proto::OffsetFetchResponse response;
  response.error_code = group.error_code;
  for (auto& topic : group.topics) {
    auto& reply = response.topics.emplace_back();
    reply.name = topic.name;
    for (auto& p : topic.partitions) {
      reply.partitions.push_back(
          {p.partition_index, p.committed_offset, p.committed_leader_epoch, p.metadata, p.error_code});
    }
  }
  // Version 1 has no error of the whole answer: its partitions carry it.
  if (context.version >= 2 || group.error_code == NONE) return response;
  for (const auto& topic : *asked.topics) {
    auto& reply = response.topics.emplace_back();
    reply.name = topic.name;
    for (int32_t partition : topic.partition_indexes) {
      reply.partitions.push_back(
          {.partition_index = partition, .committed_offset = -1, .error_code = group.error_code});
    }
  }
  return response;
}

}  // namespace

proto::OffsetCommitResponse offset_commit(RequestContext& context,
                                          const proto::OffsetCommitRequest& request) {
  ErrorCode group_error = check_group_commit(context, request);
  proto::OffsetCommitResponse response;
  std::vector<CommittedOffset> accepted;
  for (const auto& asked : request.topics) {
    auto& reply = response.topics.emplace_back();
    reply.name = asked.name;
    auto topic = context.cluster.topics.find(asked.name);
    ErrorCode topic_error = group_error != NONE ? group_error : check_topic(context, asked.name, topic);
    for (const auto& partition : asked.partitions) {
      auto metadata = partition.committed_metadata.value_or(std::string());
      ErrorCode error = topic_error;
      bool exists = topic && partition.partition_index >= 0 && partition.partition_index < topic->partitions;
      if (error == NONE && !exists) error = UNKNOWN_TOPIC_OR_PARTITION;
      if (error == NONE && metadata.size() > kMetadataMax) error = OFFSET_METADATA_TOO_LARGE;
      reply.partitions.push_back({partition.partition_index, error});
      if (error != NONE) continue;
      accepted.push_back({asked.name, partition.partition_index, partition.committed_offset,
                          partition.committed_leader_epoch, std::move(metadata), topic->id});
    }
  }
  auto stored = context.cluster.offsets.commit(request.group_id, accepted);
  if (stored.ok()) return response;
  for (auto& topic : response.topics) {
    for (auto& partition : topic.partitions) {
      if (partition.error_code == NONE) partition.error_code = error_code(stored.error());
    }
  }
  return response;
}

proto::OffsetFetchResponse offset_fetch(RequestContext& context, const proto::OffsetFetchRequest& request) {
  if (context.version < 8) return fetch_single(context, request);
  proto::OffsetFetchResponse response;
  for (const auto& group : request.groups) {
    response.groups.push_back(fetch_group(context, group, request.require_stable));
  }
  return response;
}

proto::OffsetDeleteResponse offset_delete(RequestContext& context,
                                          const proto::OffsetDeleteRequest& request) {
  proto::OffsetDeleteResponse response;
  if (!context.on_group("DeleteGroup", request.group_id)) {
    response.error_code = GROUP_AUTHORIZATION_FAILED;
    return response;
  }
  auto view = context.cluster.groups.describe(request.group_id);
  if (view && !view->members.empty()) {
    // Kafka deletes offsets of topics that no member reads; who reads what is the members' own matter here.
    response.error_code = NON_EMPTY_GROUP;
    return response;
  }
  if (const auto error = check_known(context, request.group_id, view.has_value()); error != NONE) {
    response.error_code = error;
    return response;
  }
  std::vector<CommittedOffset> which;
  for (const auto& asked : request.topics) {
    auto& reply = response.topics.emplace_back();
    reply.name = asked.name;
    const auto topic = context.cluster.topics.find(asked.name);
    const ErrorCode topic_error = check_topic(context, asked.name, topic);
    for (const auto& partition : asked.partitions) {
      const int32_t index = partition.partition_index;
      ErrorCode error = topic_error;
      if (error == NONE && (index < 0 || index >= topic->partitions)) error = UNKNOWN_TOPIC_OR_PARTITION;
      reply.partitions.push_back({index, error});
      if (error == NONE) which.push_back({.topic = asked.name, .partition = index});
    }
  }
  auto removed = context.cluster.offsets.remove(request.group_id, which);
  if (!removed.ok()) response.error_code = error_code(removed.error());
  return response;
}

}  // namespace mekong::kafka
