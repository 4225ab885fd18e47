// Every Kafka API against the policy engine: refused without a policy, on another resource, under a condition
// that fails, by an explicit deny and where any one of its actions is missing; let through by its actions
// alone. An API is in the table by being in models/kafka_protocol.txt, or the test says that it is missing.
#include <gtest/gtest.h>

#include <set>

#include "gen/kafka_protocol/apis.h"
#include "iam/iam.h"
#include "kafka/test_support.h"
#include "log/memory_log.h"

namespace mekong::kafka {
namespace {

constexpr const char* kTopic = "t";
constexpr const char* kGroup = "g";
constexpr const char* kTransaction = "x";

using Actions = std::vector<std::string>;

// One way to call an API: what it needs, and the error of what was asked for.
struct Row {
  std::string name;
  Actions needed;
  std::function<int16_t(RequestContext&)> call;
  Actions instead = {};  // actions that do as well
};

bool is_refusal(int16_t error) {
  return error == TOPIC_AUTHORIZATION_FAILED || error == GROUP_AUTHORIZATION_FAILED ||
         error == CLUSTER_AUTHORIZATION_FAILED || error == TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
}

std::string quoted(const Actions& actions) {
  std::string out;
  for (const auto& action : actions) out += (out.empty() ? "\"" : ",\"") + ("kafka-cluster:" + action) + "\"";
  return "[" + out + "]";
}

std::string document(const std::string& statements) {
  return R"({"Version":"2012-10-17","Statement":[)" + statements + "]}";
}

std::string allow(const std::string& what, const std::string& resource = "*",
                  const std::string& condition = "{}") {
  return R"({"Effect":"Allow",)" + what + R"(,"Resource":")" + resource + R"(","Condition":)" + condition +
         "}";
}

Row group_row(std::string name, std::function<int16_t(RequestContext&)> call) {
  return {std::move(name), {"AlterGroup"}, std::move(call)};
}

std::vector<Row> data_rows() {
  return {
      {"Produce",
       {"WriteData"},
       [](RequestContext& c) {
         proto::ProduceRequest request{.acks = -1, .timeout_ms = 1000};
         request.topic_data = {{kTopic, {{0, std::string("x")}}}};
         return sync_wait(produce(c, request)).responses.at(0).partition_responses.at(0).error_code;
       }},
      {"Fetch",
       {"ReadData"},
       [](RequestContext& c) {
         proto::FetchRequest request;
         request.topics = {{.topic = kTopic, .topic_id = c.cluster.topics.find(kTopic)->id}};
         request.topics[0].partitions = {{.partition = 0, .partition_max_bytes = 1000}};
         c.version = 12;
         return sync_wait(fetch(c, request)).responses.at(0).partitions.at(0).error_code;
       }},
      {"ListOffsets",
       {"DescribeTopic"},
       [](RequestContext& c) {
         proto::ListOffsetsRequest request;
         request.topics = {{kTopic, {{.partition_index = 0, .timestamp = -1}}}};
         return list_offsets(c, request).topics.at(0).partitions.at(0).error_code;
       }},
      {"OffsetForLeaderEpoch",
       {"DescribeTopic"},
       [](RequestContext& c) {
         proto::OffsetForLeaderEpochRequest request;
         request.topics = {{kTopic, {{.partition = 0}}}};
         return offset_for_leader_epoch(c, request).topics.at(0).partitions.at(0).error_code;
       }},
      {"InitProducerId",
       {"WriteDataIdempotently"},
       [](RequestContext& c) {
         proto::InitProducerIdRequest request;
         request.transactional_id.reset();
         return init_producer_id(c, request).error_code;
       },
       {"WriteData"}},
  };
}

std::vector<Row> topic_rows() {
  return {
      {"Metadata",
       {"DescribeTopic"},
       [](RequestContext& c) {
         proto::MetadataRequest request;
         request.topics->push_back({.name = kTopic});
         return metadata(c, request).topics.at(0).error_code;
       }},
      {"CreateTopics",
       {"CreateTopic"},
       [](RequestContext& c) {
         proto::CreateTopicsRequest request;
         request.topics = {{.name = kTopic, .num_partitions = 1, .replication_factor = -1}};
         return create_topics(c, request).topics.at(0).error_code;
       }},
      {"DeleteTopics",
       {"DeleteTopic"},
       [](RequestContext& c) {
         proto::DeleteTopicsRequest request;
         request.topics = {{.name = kTopic}};
         return delete_topics(c, request).responses.at(0).error_code;
       }},
      {"CreatePartitions",
       {"AlterTopic"},
       [](RequestContext& c) {
         proto::CreatePartitionsRequest request;
         request.topics.push_back({.name = kTopic, .count = 2});
         request.topics[0].assignments.reset();
         return create_partitions(c, request).results.at(0).error_code;
       }},
      {"DeleteRecords",
       {"DeleteTopic"},
       [](RequestContext& c) {
         proto::DeleteRecordsRequest request;
         request.topics = {{kTopic, {{0, 0}}}};
         return delete_records(c, request).topics.at(0).partitions.at(0).error_code;
       }},
  };
}

std::vector<Row> configuration_rows() {
  return {
      {"DescribeConfigs",
       {"DescribeTopicDynamicConfiguration"},
       [](RequestContext& c) {
         proto::DescribeConfigsRequest request;
         request.resources = {{.resource_type = 2, .resource_name = kTopic}};
         return describe_configs(c, request).results.at(0).error_code;
       }},
      {"DescribeConfigs",
       {"DescribeClusterDynamicConfiguration"},
       [](RequestContext& c) {
         proto::DescribeConfigsRequest request;
         request.resources = {{.resource_type = 4, .resource_name = "1"}};
         return describe_configs(c, request).results.at(0).error_code;
       }},
      {"AlterConfigs",
       {"AlterTopicDynamicConfiguration"},
       [](RequestContext& c) {
         proto::AlterConfigsRequest request;
         request.resources = {{2, kTopic, {{"retention.ms", "1000"}}}};
         return alter_configs(c, request).responses.at(0).error_code;
       }},
      {"IncrementalAlterConfigs",
       {"AlterTopicDynamicConfiguration"},
       [](RequestContext& c) {
         proto::IncrementalAlterConfigsRequest request;
         request.resources = {{2, kTopic, {{"retention.ms", 0, "1000"}}}};
         return incremental_alter_configs(c, request).responses.at(0).error_code;
       }},
      {"DescribeCluster",
       {"DescribeCluster"},
       [](RequestContext& c) { return describe_cluster(c, {.endpoint_type = 1}).error_code; }},
  };
}

std::vector<Row> group_rows() {
  return {
      group_row(
          "JoinGroup",
          [](RequestContext& c) {
            return sync_wait(join_group(c, {.group_id = kGroup, .session_timeout_ms = 6000})).error_code;
          }),
      group_row("SyncGroup",
                [](RequestContext& c) {
                  return sync_wait(sync_group(c, {.group_id = kGroup, .member_id = "m"})).error_code;
                }),
      group_row(
          "Heartbeat",
          [](RequestContext& c) { return heartbeat(c, {.group_id = kGroup, .member_id = "m"}).error_code; }),
      group_row("LeaveGroup",
                [](RequestContext& c) {
                  proto::LeaveGroupRequest request{.group_id = kGroup};
                  request.members.emplace_back().member_id = "m";
                  return leave_group(c, request).error_code;
                }),
      {"FindCoordinator",
       {"DescribeGroup"},
       [](RequestContext& c) {
         proto::FindCoordinatorRequest request;
         request.coordinator_keys = {kGroup};
         return find_coordinator(c, request).coordinators.at(0).error_code;
       }},
      {"FindCoordinator",
       {"DescribeTransactionalId"},
       [](RequestContext& c) {
         proto::FindCoordinatorRequest request{.key_type = 1};
         request.coordinator_keys = {kTransaction};
         return find_coordinator(c, request).coordinators.at(0).error_code;
       }},
      {"DescribeGroups",
       {"DescribeGroup"},
       [](RequestContext& c) { return describe_groups(c, {.groups = {kGroup}}).groups.at(0).error_code; }},
      // Its refusal is that the group is not in the list.
      {"ListGroups",
       {"DescribeGroup"},
       [](RequestContext& c) -> int16_t {
         return list_groups(c, {}).groups.empty() ? GROUP_AUTHORIZATION_FAILED : NONE;
       },
       {"DescribeCluster"}},
      {"DeleteGroups",
       {"DeleteGroup"},
       [](RequestContext& c) {
         return delete_groups(c, {.groups_names = {kGroup}}).results.at(0).error_code;
       }},
  };
}

std::vector<Row> offset_rows() {
  return {
      {"OffsetCommit",
       {"AlterGroup", "ReadData"},
       [](RequestContext& c) {
         proto::OffsetCommitRequest request{.group_id = kGroup};
         request.topics = {{kTopic, {{.partition_index = 0, .committed_offset = 7}}}};
         return offset_commit(c, request).topics.at(0).partitions.at(0).error_code;
       }},
      {"OffsetFetch",
       {"DescribeGroup", "DescribeTopic"},
       [](RequestContext& c) {
         proto::OffsetFetchRequest request;
         request.groups.emplace_back().group_id = kGroup;
         request.groups[0].topics->push_back({kTopic, {0}});
         const auto group = offset_fetch(c, request).groups.at(0);
         return group.error_code != NONE ? group.error_code : group.topics.at(0).partitions.at(0).error_code;
       }},
      {"OffsetDelete",
       {"DeleteGroup", "ReadData"},
       [](RequestContext& c) {
         proto::OffsetDeleteRequest request{.group_id = kGroup};
         request.topics = {{kTopic, {{0}}}};
         const auto reply = offset_delete(c, request);
         return reply.error_code != NONE ? reply.error_code : reply.topics.at(0).partitions.at(0).error_code;
       }},
  };
}

std::vector<Row> transaction_rows() {
  return {
      {"InitProducerId",
       {"AlterTransactionalId"},
       [](RequestContext& c) {
         proto::InitProducerIdRequest request{.transactional_id = kTransaction,
                                              .transaction_timeout_ms = 60'000};
         return init_producer_id(c, request).error_code;
       }},
      {"AddPartitionsToTxn",
       {"AlterTransactionalId", "WriteData"},
       [](RequestContext& c) {
         proto::AddPartitionsToTxnRequest request{.v3_and_below_transactional_id = kTransaction};
         request.v3_and_below_topics = {{kTopic, {0}}};
         return add_partitions_to_txn(c, request)
             .results_by_topic_v3_and_below.at(0)
             .results_by_partition.at(0)
             .partition_error_code;
       }},
      {"AddOffsetsToTxn",
       {"AlterTransactionalId", "AlterGroup"},
       [](RequestContext& c) {
         return add_offsets_to_txn(c, {.transactional_id = kTransaction, .group_id = kGroup}).error_code;
       }},
      {"TxnOffsetCommit",
       {"AlterTransactionalId", "AlterGroup", "ReadData"},
       [](RequestContext& c) {
         proto::TxnOffsetCommitRequest request{.transactional_id = kTransaction, .group_id = kGroup};
         request.topics = {{kTopic, {{.partition_index = 0, .committed_offset = 7}}}};
         return txn_offset_commit(c, request).topics.at(0).partitions.at(0).error_code;
       }},
      {"EndTxn",
       {"AlterTransactionalId"},
       [](RequestContext& c) { return end_txn(c, {.transactional_id = kTransaction}).error_code; }},
  };
}

std::vector<Row> all_rows() {
  std::vector<Row> all;
  for (auto rows :
       {data_rows(), topic_rows(), configuration_rows(), group_rows(), offset_rows(), transaction_rows()})
    all.insert(all.end(), rows.begin(), rows.end());
  return all;
}

// A cluster that listens nowhere, with one topic and a group that has committed, and one user.
struct World {
  World() {
    auto opened = iam::Iam::open(*meta, iam::no_resource_policies, clock, random, {});
    EXPECT_TRUE(opened.ok());
    iam = std::move(*opened);
    account = AccountId(iam->directory().accounts().front().id);
    iam::User user;
    user.account = account.value;
    user.name = "u";
    EXPECT_TRUE(iam->directory().create_user(user).ok());
    principal.kind = PrincipalKind::user;
    principal.account = account;
    principal.arn = "arn:aws:iam::" + account.value + ":user/u";
    principal.user_id = iam->directory().find_user(account, "u")->id;
    BrokerDeps deps{*network, pool, clock, random, *meta, log, iam->authoriser(), login, null_logger(), {}};
    cluster = std::make_shared<Cluster>(
        deps, ClusterSpec{.arn = "arn:aws:kafka:us-east-1:" + account.value + ":cluster/demo/1-s1",
                          .name = "demo",
                          .uuid = "1-s1",
                          .account = account,
                          .region = Region("us-east-1")});
    EXPECT_TRUE(cluster->topics.create(kTopic, 1, {}, false).ok());
    EXPECT_TRUE(cluster->offsets.commit(kGroup, {{kTopic, 0, 3, -1, ""}}).ok());
  }

  int16_t call(const Row& row, const std::string& policy) {
    const Status set = iam->directory().change<iam::User>(account, "u", [&](iam::User& user) {
      user.inline_policies.clear();
      if (!policy.empty()) user.inline_policies["p"] = policy;
      return ok();
    });
    EXPECT_TRUE(set.ok());
    int16_t version = 0;
    for (const auto& api : proto::kApis) {
      if (row.name == api.name) version = api.max_version;
    }
    RequestContext context{.cluster = *cluster,
                           .principal = principal,
                           .version = version,
                           .client_id = "c",
                           .client_host = "127.0.0.1",
                           .encrypted = true};
    return row.call(context);
  }

  // What refused calls must leave alone.
  std::string state() {
    std::string out;
    for (const auto& topic : cluster->topics.all()) {
      out += topic->name + ":" + std::to_string(topic->partitions) + ":" +
             std::to_string(topic->settings.partition.retention_ms) + ":" +
             std::to_string(log.offsets(topic->partition(0))->high_watermark) + " ";
    }
    const auto offsets = cluster->offsets.all(kGroup);
    for (const auto& offset : *offsets) out += offset.topic + "=" + std::to_string(offset.offset) + " ";
    return out + std::to_string(cluster->groups.list().size());
  }

  std::unique_ptr<meta::Store> meta = meta::make_memory_store();
  log::MemoryLog log;
  os::ManualClock clock{1'700'000'000'000};
  os::SeededRandom random{1};
  std::unique_ptr<os::Network> network = os::make_network(1);
  ThreadPool pool{"handlers", 2};
  NoLogin login;
  std::unique_ptr<iam::Iam> iam;
  AccountId account;
  Principal principal;
  std::shared_ptr<Cluster> cluster;
};

TEST(KafkaEnforcement, EveryApiIsInTheTable) {
  std::set<std::string> rows;
  for (const auto& row : all_rows()) rows.insert(row.name);
  for (const auto& api : proto::kApis) {
    const std::string name(api.name);
    const bool before_login = name == "SaslHandshake" || name == "ApiVersions" || name == "SaslAuthenticate";
    EXPECT_TRUE(before_login || rows.contains(name)) << name;
  }
}

TEST(KafkaEnforcement, EveryApiIsRefusedWithoutPermission) {
  World world;
  const std::string before = world.state();
  const std::string all = R"("Action":"kafka-cluster:*")";
  int cells = 0;
  for (const auto& row : all_rows()) {
    Actions denied = row.needed;
    denied.insert(denied.end(), row.instead.begin(), row.instead.end());
    std::vector<std::pair<std::string, std::string>> lacking = {
        {"no policy", ""},
        {"wrong resource",
         document(allow(all, "arn:aws:kafka:us-east-1:" + world.account.value + ":*/other/*"))},
        {"wrong condition", document(allow(all, "*", R"({"IpAddress":{"aws:SourceIp":"192.0.2.0/24"}})"))},
        {"explicit deny",
         document(allow(all) + R"(,{"Effect":"Deny","Resource":"*","Action":)" + quoted(denied) + "}")}};
    for (const auto& action : row.needed) {
      Actions missing = row.instead;
      missing.push_back(action);
      lacking.emplace_back("without " + action, document(allow("\"NotAction\":" + quoted(missing))));
    }
    for (const auto& [what, policy] : lacking) {
      const int16_t error = world.call(row, policy);
      EXPECT_TRUE(is_refusal(error)) << row.name << ", " << what << ": " << error;
      ++cells;
    }
  }
  EXPECT_EQ(world.state(), before);
  std::printf("%d cells are refused\n", cells);
}

TEST(KafkaEnforcement, EveryApiIsLetThroughByItsActionsAlone) {
  for (const auto& row : all_rows()) {
    World world;
    const int16_t error = world.call(row, document(allow("\"Action\":" + quoted(row.needed))));
    EXPECT_FALSE(is_refusal(error)) << row.name << ": " << error;
    for (const auto& other : row.instead) {
      const int16_t also = world.call(row, document(allow("\"Action\":" + quoted({other}))));
      EXPECT_FALSE(is_refusal(also)) << row.name << " by " << other << ": " << also;
    }
  }
}

}  // namespace
}  // namespace mekong::kafka
