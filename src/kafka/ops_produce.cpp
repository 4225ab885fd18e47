#include "kafka/batch.h"
#include "kafka/ops.h"

namespace mekong::kafka {

namespace {

using TopicReply = proto::ProduceResponse::TopicProduceResponse;
using PartitionReply = TopicReply::PartitionProduceResponse;
using PartitionData = proto::ProduceRequest::TopicProduceData::PartitionProduceData;

constexpr int16_t kFirstBatchVersion = 3;  // before it only the old message formats

// Either refused in the reply, or on its way to the log.
struct Append {
  PartitionReply reply;
  std::optional<Future<Result<log::AppendResult>>> done;
};

void fail(PartitionReply& reply, const Error& error) {
  reply.error_code = error_code(error);
  reply.error_message = error.message;
}

Append begin(RequestContext& context, const Topic* topic, PartitionData& data,
             const std::optional<std::string>& transactional_id) {
  Append append;
  append.reply.index = data.index;
  append.reply.base_offset = -1;
  if (topic == nullptr || data.index < 0 || data.index >= topic->partitions) {
    append.reply.error_code = UNKNOWN_TOPIC_OR_PARTITION;
    return append;
  }
  BatchRules rules{.produce_version = context.version,
                   .log_append_time = topic->settings.partition.log_append_time,
                   .timestamp_difference_max_ms = topic->settings.timestamp_difference_max_ms,
                   .now_ms = context.cluster.deps.clock.wall_ms(),
                   .transactional = transactional_id.has_value(),
                   .keyed = topic->settings.partition.compact};
  auto records = data.records ? data.records->take() : std::string();
  auto checked = check_produced(records, rules);
  if (!checked.ok()) {
    fail(append.reply, checked.error());
    return append;
  }
  auto id = topic->partition(data.index);
  const auto producer = producer_of(records);
  if (producer.transactional) {
    append.done = context.cluster.transactions.append({*transactional_id, {producer.id, producer.epoch}}, id,
                                                      std::move(records));
  } else {
    append.done = context.cluster.deps.log.append(id, std::move(records));
  }
  return append;
}

void finish(const Result<log::AppendResult>& done, PartitionReply& reply) {
  if (!done.ok()) {
    fail(reply, done.error());
    return;
  }
  reply.base_offset = done->base_offset;
  reply.log_append_time_ms = done->log_append_time_ms;
  reply.log_start_offset = done->log_start_offset;
}

// The error that all partitions get alike, NONE to go on.
ErrorCode common_error(const RequestContext& context, const proto::ProduceRequest& request) {
  if (context.version < kFirstBatchVersion) return UNSUPPORTED_VERSION;
  if (request.acks < -1 || request.acks > 1) return INVALID_REQUIRED_ACKS;
  if (!request.transactional_id) return NONE;
  bool may = context.on_transaction("AlterTransactionalId", *request.transactional_id);
  return may ? NONE : TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
}

Append refused(int32_t index, ErrorCode error) {
  Append append;
  append.reply.index = index;
  append.reply.base_offset = -1;
  append.reply.error_code = error;
  return append;
}

}  // namespace

// All partitions are handed to the log first, so that they share its next sync.
Task<proto::ProduceResponse> produce(RequestContext& context, proto::ProduceRequest& request) {
  context.no_reply = request.acks == 0;
  ErrorCode common = common_error(context, request);
  std::vector<std::vector<Append>> appends;
  for (auto& data : request.topic_data) {
    auto topic = context.cluster.topics.find(data.name);
    ErrorCode error = common;
    if (error == NONE && !context.on_topic("WriteData", data.name)) error = TOPIC_AUTHORIZATION_FAILED;
    auto& row = appends.emplace_back();
    for (auto& partition : data.partition_data) {
      row.push_back(error == NONE ? begin(context, topic.get(), partition, request.transactional_id)
                                  : refused(partition.index, error));
    }
  }
  proto::ProduceResponse response;
  for (size_t i = 0; i < appends.size(); ++i) {
    TopicReply topic_reply;
    topic_reply.name = request.topic_data[i].name;
    for (auto& append : appends[i]) {
      if (append.done) {
        auto done = co_await *append.done;
        finish(done, append.reply);
      }
      if (context.no_reply && append.reply.error_code != NONE) {
        context.unheard = static_cast<ErrorCode>(append.reply.error_code);
      }
      topic_reply.partition_responses.push_back(std::move(append.reply));
    }
    response.responses.push_back(std::move(topic_reply));
  }
  co_return response;
}

}  // namespace mekong::kafka
