#include <algorithm>

#include "kafka/ops.h"

namespace mekong::kafka {

namespace {

using TopicReply = proto::FetchResponse::FetchableTopicResponse;
using PartitionReply = TopicReply::PartitionData;
using FetchTopic = proto::FetchRequest::FetchTopic;
using FetchPartition = FetchTopic::FetchPartition;
using Positions = std::vector<std::pair<log::PartitionId, int64_t>>;

constexpr int16_t kFirstTopicIdVersion = 13;
constexpr int32_t kFetchBytesMax = 55 << 20;  // MSK Serverless: largest fetch
constexpr int64_t kWaitMaxMs = 30'000;        // a longer wait is answered empty, the client asks again

// One look at all partitions asked for.
struct Pass {
  proto::FetchResponse response;
  Positions positions;  // ends of what was read, to wait beyond
  size_t bytes = 0;
  bool failed = false;  // an error is told at once, not after the wait
  bool full = false;    // more lies there than the answer takes: to wait would add nothing
};

log::Isolation isolation_of(const proto::FetchRequest& request) {
  return request.isolation_level == 1 ? log::Isolation::read_committed : log::Isolation::read_uncommitted;
}

struct Resolved {
  TopicPtr topic;
  ErrorCode error = NONE;
};

Resolved resolve(const RequestContext& context, const FetchTopic& asked) {
  bool by_id = context.version >= kFirstTopicIdVersion;
  auto topic = by_id ? context.cluster.topics.find(asked.topic_id) : context.cluster.topics.find(asked.topic);
  if (by_id && !topic) return {nullptr, UNKNOWN_TOPIC_ID};
  const auto& name = topic ? topic->name : asked.topic;
  if (!context.on_topic("ReadData", name)) return {nullptr, TOPIC_AUTHORIZATION_FAILED};
  if (!topic) return {nullptr, UNKNOWN_TOPIC_OR_PARTITION};
  return {topic, NONE};
}

ErrorCode check_partition(const Topic& topic, const FetchPartition& asked) {
  if (asked.partition < 0 || asked.partition >= topic.partitions) return UNKNOWN_TOPIC_OR_PARTITION;
  if (asked.current_leader_epoch > kLeaderEpoch) return UNKNOWN_LEADER_EPOCH;
  return NONE;
}

PartitionReply empty_reply(int32_t partition, ErrorCode error) {
  PartitionReply reply;
  reply.partition_index = partition;
  reply.error_code = error;
  reply.high_watermark = -1;
  reply.aborted_transactions.reset();
  return reply;
}

PartitionReply read_partition(RequestContext& context, const Topic& topic, const FetchPartition& asked,
                              size_t bytes_left, log::Isolation isolation, Pass& pass) {
  if (auto error = check_partition(topic, asked); error != NONE) return empty_reply(asked.partition, error);
  auto id = topic.partition(asked.partition);
  auto reply = empty_reply(asked.partition, NONE);
  size_t wanted = std::min<size_t>(static_cast<size_t>(std::max(asked.partition_max_bytes, 0)), bytes_left);
  // When nothing fits any more the partition is still answered with its watermarks.
  if (wanted == 0 && pass.bytes > 0) {
    auto offsets = context.cluster.deps.log.offsets(id);
    if (!offsets.ok()) return empty_reply(asked.partition, error_code(offsets.error()));
    reply.high_watermark = offsets->high_watermark;
    reply.last_stable_offset = offsets->last_stable;
    reply.log_start_offset = offsets->log_start;
    return reply;
  }
  auto read = context.cluster.deps.log.read(id, asked.fetch_offset, std::max<size_t>(wanted, 1), isolation,
                                            log::ReadAs::held);
  if (!read.ok()) return empty_reply(asked.partition, error_code(read.error()));
  reply.high_watermark = read->high_watermark;
  reply.last_stable_offset = read->last_stable_offset;
  reply.log_start_offset = read->log_start_offset;
  const size_t bytes = read->held ? read->held_bytes : read->batches.size();
  // A batch larger than what is left is sent alone only (KIP-74).
  const bool fits = pass.bytes == 0 || bytes <= wanted;
  pass.full = pass.full || read->more || !fits;
  if (!fits) return reply;
  pass.bytes += bytes;
  // The last stable offset moves with a marker, and so with the high watermark.
  pass.positions.emplace_back(id, read->high_watermark);
  if (read->held) {
    reply.records = codec::KafkaRecords::of_another(read->held->bytes().substr(0, read->held_bytes));
    context.held.push_back(std::move(read->held));
  } else {
    reply.records = std::move(read->batches);
  }
  if (isolation == log::Isolation::read_committed) reply.aborted_transactions.emplace();
  for (const auto& one : read->aborted) {
    reply.aborted_transactions->push_back({one.producer_id, one.first_offset});
  }
  return reply;
}

Pass look(RequestContext& context, const proto::FetchRequest& request) {
  Pass pass;
  context.held.clear();
  auto limit = static_cast<size_t>(std::clamp(request.max_bytes, 0, kFetchBytesMax));
  const auto isolation = isolation_of(request);
  for (const auto& asked : request.topics) {
    auto& topic_reply = pass.response.responses.emplace_back();
    topic_reply.topic = asked.topic;
    topic_reply.topic_id = asked.topic_id;
    auto resolved = resolve(context, asked);
    for (const auto& partition : asked.partitions) {
      size_t left = limit > pass.bytes ? limit - pass.bytes : 0;
      auto reply = resolved.topic ? read_partition(context, *resolved.topic, partition, left, isolation, pass)
                                  : empty_reply(partition.partition, resolved.error);
      pass.failed = pass.failed || reply.error_code != NONE;
      topic_reply.partitions.push_back(std::move(reply));
    }
  }
  return pass;
}

}  // namespace

// Fetch sessions (KIP-227) are declined with session id 0, as the protocol allows: each request names all.
Task<proto::FetchResponse> fetch(RequestContext& context, const proto::FetchRequest& request) {
  if (request.session_id != 0) {
    proto::FetchResponse response;
    response.error_code = FETCH_SESSION_ID_NOT_FOUND;
    co_return response;
  }
  auto& cluster = context.cluster;
  auto min_bytes = static_cast<size_t>(std::max(request.min_bytes, 0));
  int64_t deadline = cluster.groups.now_ms() + std::clamp<int64_t>(request.max_wait_ms, 0, kWaitMaxMs);
  while (true) {
    Pass pass = look(context, request);
    int64_t left_ms = deadline - cluster.groups.now_ms();
    if (pass.failed || pass.full || pass.bytes >= min_bytes || left_ms <= 0)
      co_return std::move(pass.response);
    if (pass.positions.empty()) {
      auto slept = cluster.deps.network.sleep(left_ms);
      co_await slept;
      co_return std::move(pass.response);
    }
    bool open = co_await cluster.wait_for_records(std::move(pass.positions), left_ms);
    if (!open) co_return std::move(pass.response);
  }
}

}  // namespace mekong::kafka
