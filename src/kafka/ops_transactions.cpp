#include "kafka/ops.h"

namespace mekong::kafka {

namespace {

constexpr size_t kMetadataMax = 4096;  // offset.metadata.max.bytes

// Clients of these versions know PRODUCER_FENCED; older ones know it as INVALID_PRODUCER_EPOCH.
ErrorCode transaction_error(const Status& done, int16_t version, int16_t first_with_fenced) {
  if (done.ok()) return NONE;
  ErrorCode error = error_code(done.error());
  return error == PRODUCER_FENCED && version < first_with_fenced ? INVALID_PRODUCER_EPOCH : error;
}

using PartitionsAsked = proto::AddPartitionsToTxnRequest::AddPartitionsToTxnTopic;

ErrorCode check_partition(const RequestContext& context, const std::string& name, int32_t index) {
  if (!context.on_topic("WriteData", name)) return TOPIC_AUTHORIZATION_FAILED;
  auto topic = context.cluster.topics.find(name);
  return topic && index >= 0 && index < topic->partitions ? NONE : UNKNOWN_TOPIC_OR_PARTITION;
}

ErrorCode check_group_commit(RequestContext& context, const proto::TxnOffsetCommitRequest& request) {
  if (!context.on_transaction("AlterTransactionalId", request.transactional_id)) {
    return TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
  }
  if (!context.on_group("AlterGroup", request.group_id)) return GROUP_AUTHORIZATION_FAILED;
  // Before version 3, and from producers that do not say it, who commits is not known: KIP-447.
  if (context.version < 3 || (request.member_id.empty() && request.generation_id < 0)) return NONE;
  return context.cluster.groups.check_commit(
      {request.group_id, request.member_id, request.group_instance_id, request.generation_id}, true);
}

}  // namespace

proto::InitProducerIdResponse init_transactional_producer(RequestContext& context,
                                                          const proto::InitProducerIdRequest& request) {
  proto::InitProducerIdResponse response;
  response.producer_id = -1;
  response.producer_epoch = -1;
  const std::string& id = *request.transactional_id;
  if (id.empty()) {
    response.error_code = INVALID_REQUEST;
    return response;
  }
  if (!context.on_transaction("AlterTransactionalId", id)) {
    response.error_code = TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
    return response;
  }
  std::optional<ProducerIdentity> known;
  if (request.producer_id >= 0) known = {request.producer_id, request.producer_epoch};
  auto begun = context.cluster.transactions.begin_producer(id, request.transaction_timeout_ms, known);
  if (!begun.ok()) {
    response.error_code = transaction_error(begun.error(), context.version, 4);
    return response;
  }
  response.producer_id = begun->id;
  response.producer_epoch = begun->epoch;
  return response;
}

// All or none of the partitions.
proto::AddPartitionsToTxnResponse add_partitions_to_txn(RequestContext& context,
                                                        const proto::AddPartitionsToTxnRequest& request) {
  const std::string& id = request.v3_and_below_transactional_id;
  const bool may = context.on_transaction("AlterTransactionalId", id);
  bool all_good = may;
  std::vector<log::PartitionId> partitions;
  proto::AddPartitionsToTxnResponse response;
  for (const auto& topic : request.v3_and_below_topics) {
    auto& reply = response.results_by_topic_v3_and_below.emplace_back();
    reply.name = topic.name;
    for (int32_t index : topic.partitions) {
      const ErrorCode error =
          may ? check_partition(context, topic.name, index) : TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
      reply.results_by_partition.push_back({index, error});
      all_good = all_good && error == NONE;
      if (error == NONE) partitions.push_back(context.cluster.topics.find(topic.name)->partition(index));
    }
  }
  ErrorCode common = OPERATION_NOT_ATTEMPTED;
  if (all_good) {
    const Transactions::Caller caller{
        id, {request.v3_and_below_producer_id, request.v3_and_below_producer_epoch}};
    common = transaction_error(context.cluster.transactions.add_partitions(caller, partitions),
                               context.version, 2);
  }
  for (auto& topic : response.results_by_topic_v3_and_below) {
    for (auto& partition : topic.results_by_partition) {
      if (partition.partition_error_code == NONE) partition.partition_error_code = common;
    }
  }
  return response;
}

proto::AddOffsetsToTxnResponse add_offsets_to_txn(RequestContext& context,
                                                  const proto::AddOffsetsToTxnRequest& request) {
  proto::AddOffsetsToTxnResponse response;
  if (!context.on_transaction("AlterTransactionalId", request.transactional_id)) {
    response.error_code = TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
  } else if (!context.on_group("AlterGroup", request.group_id)) {
    response.error_code = GROUP_AUTHORIZATION_FAILED;
  } else {
    const Transactions::Caller caller{request.transactional_id,
                                      {request.producer_id, request.producer_epoch}};
    response.error_code = transaction_error(context.cluster.transactions.add_group(caller, request.group_id),
                                            context.version, 2);
  }
  return response;
}

proto::TxnOffsetCommitResponse txn_offset_commit(RequestContext& context,
                                                 const proto::TxnOffsetCommitRequest& request) {
  const ErrorCode group_error = check_group_commit(context, request);
  proto::TxnOffsetCommitResponse response;
  std::vector<CommittedOffset> accepted;
  for (const auto& asked : request.topics) {
    auto& reply = response.topics.emplace_back();
    reply.name = asked.name;
    auto topic = context.cluster.topics.find(asked.name);
    const bool may = context.on_topic("ReadData", asked.name);
    for (const auto& partition : asked.partitions) {
      auto metadata = partition.committed_metadata.value_or(std::string());
      const bool exists =
          topic && partition.partition_index >= 0 && partition.partition_index < topic->partitions;
      ErrorCode error = group_error;
      if (error == NONE && !may) error = TOPIC_AUTHORIZATION_FAILED;
      if (error == NONE && !exists) error = UNKNOWN_TOPIC_OR_PARTITION;
      if (error == NONE && metadata.size() > kMetadataMax) error = OFFSET_METADATA_TOO_LARGE;
      reply.partitions.push_back({partition.partition_index, error});
      if (error != NONE) continue;
      accepted.push_back({asked.name, partition.partition_index, partition.committed_offset,
                          partition.committed_leader_epoch, std::move(metadata), topic->id});
    }
  }
  if (accepted.empty()) return response;
  const Transactions::Caller caller{request.transactional_id, {request.producer_id, request.producer_epoch}};
  const auto done = context.cluster.transactions.add_offsets(caller, request.group_id, accepted);
  // Its schema never came to know PRODUCER_FENCED.
  const ErrorCode common = transaction_error(done, context.version, INT16_MAX);
  for (auto& topic : response.topics) {
    for (auto& partition : topic.partitions) {
      if (partition.error_code == NONE) partition.error_code = common;
    }
  }
  return response;
}

proto::EndTxnResponse end_txn(RequestContext& context, const proto::EndTxnRequest& request) {
  proto::EndTxnResponse response;
  if (!context.on_transaction("AlterTransactionalId", request.transactional_id)) {
    response.error_code = TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
    return response;
  }
  const Transactions::Caller caller{request.transactional_id, {request.producer_id, request.producer_epoch}};
  response.error_code =
      transaction_error(context.cluster.transactions.end(caller, request.committed), context.version, 2);
  return response;
}

}  // namespace mekong::kafka
