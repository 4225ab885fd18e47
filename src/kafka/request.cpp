#include "kafka/request.h"

#include <fmt/format.h>

#include <initializer_list>
#include <iterator>

namespace mekong::kafka {

namespace {

// org.apache.kafka.common.acl.AclOperation
enum Operation { READ = 3, WRITE = 4, CREATE = 5, DELETE = 6, ALTER = 7, DESCRIBE = 8 };
enum MoreOperations { CLUSTER_ACTION = 9, DESCRIBE_CONFIGS = 10, ALTER_CONFIGS = 11, IDEMPOTENT_WRITE = 12 };

struct Mapped {
  int operation;
  std::string_view action;
};

template <class Ask>
int32_t operations(std::initializer_list<Mapped> table, Ask ask) {
  int32_t bits = 0;
  for (const auto& row : table) {
    if (ask(row.action)) bits |= 1 << row.operation;
  }
  return bits;
}

}  // namespace

bool ConnectionKeys::supply(std::string_view key, ConditionValues& values) const {
  const bool address = key == "aws:sourceip";
  if (!address && key != "aws:securetransport") return false;
  values.emplace_back(address ? client_host_ : encrypted_ ? "true" : "false");
  return true;
}

void ConnectionKeys::each_key(const std::function<void(std::string_view key)>& visit) const {
  visit("aws:sourceip");
  visit("aws:securetransport");
}

// Asked for each topic of each Produce: nothing here is on the heap.
bool allowed(const Cluster& cluster, const Principal& principal, const ConditionSource& connection,
             std::string_view action, std::string_view type, std::string_view name) {
  const auto& spec = cluster.spec();
  fmt::memory_buffer resource, full_action;
  fmt::format_to(std::back_inserter(resource), "arn:aws:kafka:{}:{}:{}/{}/{}", spec.region.value,
                 spec.account.value, type, spec.name, spec.uuid);
  if (type != "cluster") fmt::format_to(std::back_inserter(resource), "/{}", name);
  fmt::format_to(std::back_inserter(full_action), "kafka-cluster:{}", action);
  const AuthorisationRequest request{.principal = principal,
                                     .action = {full_action.data(), full_action.size()},
                                     .resource = {resource.data(), resource.size()},
                                     .known = &connection,
                                     .resource_account = spec.account};
  return cluster.deps.authoriser.decide(request).allowed;
}

bool RequestContext::on_cluster(std::string_view action) const {
  return allowed(cluster, principal, ConnectionKeys(client_host, encrypted), action, "cluster", {});
}

bool RequestContext::on_topic(std::string_view action, std::string_view topic) const {
  return allowed(cluster, principal, ConnectionKeys(client_host, encrypted), action, "topic", topic);
}

bool RequestContext::on_group(std::string_view action, std::string_view group) const {
  return allowed(cluster, principal, ConnectionKeys(client_host, encrypted), action, "group", group);
}

bool RequestContext::on_transaction(std::string_view action, std::string_view id) const {
  return allowed(cluster, principal, ConnectionKeys(client_host, encrypted), action, "transactional-id", id);
}

int32_t topic_operations(const RequestContext& context, std::string_view topic) {
  return operations({{READ, "ReadData"},
                     {WRITE, "WriteData"},
                     {CREATE, "CreateTopic"},
                     {DELETE, "DeleteTopic"},
                     {ALTER, "AlterTopic"},
                     {DESCRIBE, "DescribeTopic"},
                     {DESCRIBE_CONFIGS, "DescribeTopicDynamicConfiguration"},
                     {ALTER_CONFIGS, "AlterTopicDynamicConfiguration"}},
                    [&](std::string_view action) { return context.on_topic(action, topic); });
}

int32_t group_operations(const RequestContext& context, std::string_view group) {
  return operations({{READ, "AlterGroup"}, {DELETE, "DeleteGroup"}, {DESCRIBE, "DescribeGroup"}},
                    [&](std::string_view action) { return context.on_group(action, group); });
}

int32_t cluster_operations(const RequestContext& context) {
  return operations({{ALTER, "AlterCluster"},
                     {DESCRIBE, "DescribeCluster"},
                     {DESCRIBE_CONFIGS, "DescribeClusterDynamicConfiguration"},
                     {ALTER_CONFIGS, "AlterClusterDynamicConfiguration"},
                     {IDEMPOTENT_WRITE, "WriteDataIdempotently"}},
                    [&](std::string_view action) { return context.on_cluster(action); });
}

}  // namespace mekong::kafka
