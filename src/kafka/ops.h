// The handlers, one a Kafka API: typed request in, typed reply out. They run on pool threads and may block
// briefly; those that wait for records or members are tasks.
#pragma once
#include "base/task.h"
#include "gen/kafka_protocol/add_offsets_to_txn.h"
#include "gen/kafka_protocol/add_partitions_to_txn.h"
#include "gen/kafka_protocol/alter_configs.h"
#include "gen/kafka_protocol/create_partitions.h"
#include "gen/kafka_protocol/create_topics.h"
#include "gen/kafka_protocol/delete_groups.h"
#include "gen/kafka_protocol/delete_records.h"
#include "gen/kafka_protocol/delete_topics.h"
#include "gen/kafka_protocol/describe_cluster.h"
#include "gen/kafka_protocol/describe_configs.h"
#include "gen/kafka_protocol/describe_groups.h"
#include "gen/kafka_protocol/end_txn.h"
#include "gen/kafka_protocol/fetch.h"
#include "gen/kafka_protocol/find_coordinator.h"
#include "gen/kafka_protocol/heartbeat.h"
#include "gen/kafka_protocol/incremental_alter_configs.h"
#include "gen/kafka_protocol/init_producer_id.h"
#include "gen/kafka_protocol/join_group.h"
#include "gen/kafka_protocol/leave_group.h"
#include "gen/kafka_protocol/list_groups.h"
#include "gen/kafka_protocol/list_offsets.h"
#include "gen/kafka_protocol/metadata.h"
#include "gen/kafka_protocol/offset_commit.h"
#include "gen/kafka_protocol/offset_delete.h"
#include "gen/kafka_protocol/offset_fetch.h"
#include "gen/kafka_protocol/offset_for_leader_epoch.h"
#include "gen/kafka_protocol/produce.h"
#include "gen/kafka_protocol/sync_group.h"
#include "gen/kafka_protocol/txn_offset_commit.h"
#include "kafka/request.h"

namespace mekong::kafka {

namespace proto = gen::kafka_protocol;

// ops_cluster.cpp
proto::MetadataResponse metadata(RequestContext&, const proto::MetadataRequest&);
proto::DescribeClusterResponse describe_cluster(RequestContext&, const proto::DescribeClusterRequest&);
proto::FindCoordinatorResponse find_coordinator(RequestContext&, const proto::FindCoordinatorRequest&);
proto::InitProducerIdResponse init_producer_id(RequestContext&, const proto::InitProducerIdRequest&);
// ops_topics.cpp
proto::CreateTopicsResponse create_topics(RequestContext&, const proto::CreateTopicsRequest&);
proto::DeleteTopicsResponse delete_topics(RequestContext&, const proto::DeleteTopicsRequest&);
proto::CreatePartitionsResponse create_partitions(RequestContext&, const proto::CreatePartitionsRequest&);
proto::DeleteRecordsResponse delete_records(RequestContext&, const proto::DeleteRecordsRequest&);
// ops_configs.cpp
proto::DescribeConfigsResponse describe_configs(RequestContext&, const proto::DescribeConfigsRequest&);
proto::AlterConfigsResponse alter_configs(RequestContext&, const proto::AlterConfigsRequest&);
proto::IncrementalAlterConfigsResponse incremental_alter_configs(
    RequestContext&, const proto::IncrementalAlterConfigsRequest&);
// ops_produce.cpp, ops_fetch.cpp, ops_positions.cpp
Task<proto::ProduceResponse> produce(RequestContext&, proto::ProduceRequest&);  // takes its records
Task<proto::FetchResponse> fetch(RequestContext&, const proto::FetchRequest&);
proto::ListOffsetsResponse list_offsets(RequestContext&, const proto::ListOffsetsRequest&);
proto::OffsetForLeaderEpochResponse offset_for_leader_epoch(RequestContext&,
                                                            const proto::OffsetForLeaderEpochRequest&);
// ops_groups.cpp
Task<proto::JoinGroupResponse> join_group(RequestContext&, const proto::JoinGroupRequest&);
Task<proto::SyncGroupResponse> sync_group(RequestContext&, const proto::SyncGroupRequest&);
proto::HeartbeatResponse heartbeat(RequestContext&, const proto::HeartbeatRequest&);
proto::LeaveGroupResponse leave_group(RequestContext&, const proto::LeaveGroupRequest&);
proto::DescribeGroupsResponse describe_groups(RequestContext&, const proto::DescribeGroupsRequest&);
proto::ListGroupsResponse list_groups(RequestContext&, const proto::ListGroupsRequest&);
proto::DeleteGroupsResponse delete_groups(RequestContext&, const proto::DeleteGroupsRequest&);
// ops_offsets.cpp
proto::OffsetCommitResponse offset_commit(RequestContext&, const proto::OffsetCommitRequest&);
proto::OffsetFetchResponse offset_fetch(RequestContext&, const proto::OffsetFetchRequest&);
proto::OffsetDeleteResponse offset_delete(RequestContext&, const proto::OffsetDeleteRequest&);
// ops_transactions.cpp
proto::InitProducerIdResponse init_transactional_producer(RequestContext&,
                                                          const proto::InitProducerIdRequest&);
proto::AddPartitionsToTxnResponse add_partitions_to_txn(RequestContext&,
                                                        const proto::AddPartitionsToTxnRequest&);
proto::AddOffsetsToTxnResponse add_offsets_to_txn(RequestContext&, const proto::AddOffsetsToTxnRequest&);
proto::TxnOffsetCommitResponse txn_offset_commit(RequestContext&, const proto::TxnOffsetCommitRequest&);
proto::EndTxnResponse end_txn(RequestContext&, const proto::EndTxnRequest&);

}  // namespace mekong::kafka
