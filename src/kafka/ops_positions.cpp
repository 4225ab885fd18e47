#include "kafka/ops.h"

namespace mekong::kafka {

namespace {

constexpr int64_t kLatest = -1;
constexpr int64_t kEarliest = -2;
constexpr int64_t kMaxTimestamp = -3;   // KIP-734
constexpr int64_t kEarliestLocal = -4;  // KIP-405: all is local here

using Asked = proto::ListOffsetsRequest::ListOffsetsTopic::ListOffsetsPartition;
using Found = proto::ListOffsetsResponse::ListOffsetsTopicResponse::ListOffsetsPartitionResponse;

// The first record with the largest timestamp. "Is there one at or after t" only turns false once, so the
// largest t with an answer is found by doubling and halving.
Result<log::TimestampOffset> max_timestamp(log::Log& log, const log::PartitionId& id) {
  MEKONG_TRY_ASSIGN(auto best, log.offset_for(id, 0));
  int64_t step = 1;
  while (best.offset >= 0 && step > 0) {
    if (best.timestamp_ms > INT64_MAX - step) {
      step /= 2;
      continue;
    }
    MEKONG_TRY_ASSIGN(auto later, log.offset_for(id, best.timestamp_ms + step));
    if (later.offset < 0) {
      step /= 2;
    } else {
      // offset_for finds the first at or after: a later record may still be larger.
      best = later;
      step = step < (INT64_MAX >> 2) ? step * 2 : step;
    }
  }
  return best;
}

// `committed`: for a reader that stops at the last stable offset.
Result<log::TimestampOffset> position(log::Log& log, const log::PartitionId& id, int64_t timestamp,
                                      bool committed) {
  MEKONG_TRY_ASSIGN(auto offsets, log.offsets(id));
  if (timestamp >= 0 || timestamp == kMaxTimestamp) {
    MEKONG_TRY_ASSIGN(auto found, timestamp >= 0 ? log.offset_for(id, timestamp) : max_timestamp(log, id));
    return committed && found.offset >= offsets.last_stable ? log::TimestampOffset{} : found;
  }
  if (timestamp == kLatest) {
    return log::TimestampOffset{committed ? offsets.last_stable : offsets.high_watermark, -1};
  }
  if (timestamp == kEarliest || timestamp == kEarliestLocal)
    return log::TimestampOffset{offsets.log_start, -1};
  return Error{"UNSUPPORTED_VERSION", "NotImplemented: ListOffsets timestamp " + std::to_string(timestamp)};
}

Found find_offset(RequestContext& context, const Topic* topic, const Asked& asked, bool committed) {
  Found found{.partition_index = asked.partition_index};
  if (topic == nullptr || asked.partition_index < 0 || asked.partition_index >= topic->partitions) {
    found.error_code = UNKNOWN_TOPIC_OR_PARTITION;
    return found;
  }
  if (asked.current_leader_epoch > kLeaderEpoch) {
    found.error_code = UNKNOWN_LEADER_EPOCH;
    return found;
  }
  auto result =
      position(context.cluster.deps.log, topic->partition(asked.partition_index), asked.timestamp, committed);
  if (!result.ok()) {
    found.error_code = error_code(result.error());
    return found;
  }
  found.offset = result->offset;
  found.timestamp = result->timestamp_ms;
  if (result->offset >= 0) found.leader_epoch = kLeaderEpoch;
  return found;
}

}  // namespace

proto::ListOffsetsResponse list_offsets(RequestContext& context, const proto::ListOffsetsRequest& request) {
  proto::ListOffsetsResponse response;
  for (const auto& asked : request.topics) {
    auto& reply = response.topics.emplace_back();
    reply.name = asked.name;
    bool may = context.on_topic("DescribeTopic", asked.name);
    auto topic = context.cluster.topics.find(asked.name);
    for (const auto& partition : asked.partitions) {
      if (may) {
        reply.partitions.push_back(
            find_offset(context, topic.get(), partition, request.isolation_level == 1));
      } else {
        reply.partitions.push_back(
            {.partition_index = partition.partition_index, .error_code = TOPIC_AUTHORIZATION_FAILED});
      }
    }
  }
  return response;
}

// There is one leader epoch, 0, and it ends at the high watermark.
proto::OffsetForLeaderEpochResponse offset_for_leader_epoch(
    RequestContext& context, const proto::OffsetForLeaderEpochRequest& request) {
  proto::OffsetForLeaderEpochResponse response;
  for (const auto& asked : request.topics) {
    auto& reply = response.topics.emplace_back();
    reply.topic = asked.topic;
    bool may = context.on_topic("DescribeTopic", asked.topic);
    auto topic = context.cluster.topics.find(asked.topic);
    for (const auto& partition : asked.partitions) {
      auto& end = reply.partitions.emplace_back();
      end.partition = partition.partition;
      bool exists = topic && partition.partition >= 0 && partition.partition < topic->partitions;
      if (!may) {
        end.error_code = TOPIC_AUTHORIZATION_FAILED;
      } else if (!exists) {
        end.error_code = UNKNOWN_TOPIC_OR_PARTITION;
      } else if (partition.current_leader_epoch > kLeaderEpoch) {
        end.error_code = UNKNOWN_LEADER_EPOCH;
      } else if (partition.leader_epoch == kLeaderEpoch) {
        auto offsets = context.cluster.deps.log.offsets(topic->partition(partition.partition));
        end.error_code = offsets.ok() ? NONE : error_code(offsets.error());
        end.leader_epoch = kLeaderEpoch;
        if (offsets.ok()) end.end_offset = offsets->high_watermark;
      }
    }
  }
  return response;
}

}  // namespace mekong::kafka
