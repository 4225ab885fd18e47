#include "services/msk/service.h"

#include <algorithm>
#include <charconv>

#include "api/tags.h"
#include "base/arn.h"

namespace mekong::msk {
namespace {

Error bad_request(const std::string& parameter, const std::string& message) {
  return Error{"BadRequestException", message, 400, {{"invalidParameter", parameter}}};
}

Error other_account(const std::string& arn) {
  return {"ForbiddenException", "The cluster belongs to another account: " + arn, 403};
}

Status check_tags(const api::Tags& tags) {
  switch (api::check_tags(tags)) {
    case api::TagFault::reserved:
      return bad_request("tags", "Tag keys must not begin with aws:.");
    case api::TagFault::key:
      return bad_request("tags", "A tag key is not valid: 1 to 128 characters.");
    case api::TagFault::value:
      return bad_request("tags", "A tag value is not valid: at most 256 characters.");
    case api::TagFault::none:
      break;
  }
  if (tags.size() <= api::tags_max) return ok();
  return bad_request("tags", "A resource has at most " + std::to_string(api::tags_max) + " tags.");
}

// What MSK asks of a serverless cluster: IAM, at least one VPC of two subnets.
Result<std::vector<Vpc>> check_serverless(const wire::ServerlessRequest& request) {
  const auto& authentication = request.client_authentication;
  const bool iam = authentication && authentication->sasl && authentication->sasl->iam &&
                   authentication->sasl->iam->enabled.value_or(false);
  if (!iam)
    return bad_request("clientAuthentication", "Serverless clusters require IAM client authentication.");
  if (request.vpc_configs.empty() || request.vpc_configs.size() > 5) {
    return bad_request("vpcConfigs", "A serverless cluster has one to five VPC configurations.");
  }
  std::vector<Vpc> vpcs;
  for (const auto& vpc : request.vpc_configs) {
    if (vpc.subnet_ids.size() < 2) return bad_request("subnetIds", "Specify at least two subnets.");
    vpcs.push_back({vpc.subnet_ids, vpc.security_group_ids.value_or(std::vector<std::string>())});
  }
  return vpcs;
}

// A topic's ARN is its cluster's with another kind, and its name at the end.
std::string topic_arn(std::string arn, const std::string& topic) {
  constexpr std::string_view kind = ":cluster/";
  if (const auto at = arn.find(kind); at != std::string::npos) arn.replace(at, kind.size(), ":topic/");
  return arn + "/" + topic;
}

wire::Cluster describe(const ClusterRecord& record) {
  wire::Cluster out;
  out.cluster_type = "SERVERLESS";
  out.cluster_arn = record.arn;
  out.cluster_name = record.name;
  out.creation_time = api::Timestamp{record.created_ms};
  out.current_version = "K" + record.uuid.substr(0, 12);
  out.state = record.state;
  out.tags = record.tags;
  wire::Serverless serverless;
  for (const auto& vpc : record.vpcs)
    serverless.vpc_configs.push_back({vpc.subnet_ids, vpc.security_group_ids});
  serverless.client_authentication =
      wire::ServerlessClientAuthentication{wire::ServerlessSasl{wire::Iam{true}}};
  out.serverless = std::move(serverless);
  return out;
}

}  // namespace

Result<ClusterRecord> Service::permitted(api::Context& ctx, const std::string& arn,
                                         ConditionContext extra) const {
  auto cluster = clusters_.get(arn);
  if (cluster.ok()) extra.merge(api::resource_tags(cluster->tags));
  MEKONG_TRY(ctx.authorise(arn, std::move(extra)));
  // There are no cluster policies, so nobody from another account gets in, whatever its own policies say.
  const auto parsed = Arn::parse(arn);
  if (parsed && parsed->account != ctx.account.value) return other_account(arn);
  return cluster;
}

Result<wire::CreateClusterV2Response> Service::create_cluster_v2(
    api::Context& ctx, const wire::CreateClusterV2Request& request) {
  const auto tags = request.tags.value_or(api::Tags());
  MEKONG_TRY(ctx.authorise("*", api::request_tags(tags)));
  MEKONG_TRY(check_tags(tags));
  if (request.provisioned)
    return Error{"NotImplementedException", "CreateClusterV2: provisioned clusters", 501};
  if (!request.serverless) return bad_request("serverless", "Specify either provisioned or serverless.");
  MEKONG_TRY_ASSIGN(auto vpcs, check_serverless(*request.serverless));
  MEKONG_TRY_ASSIGN(const auto cluster,
                    clusters_.create(ctx.scope(), request.cluster_name, std::move(vpcs), tags));
  return wire::CreateClusterV2Response{cluster.arn, cluster.name, cluster.state, "SERVERLESS"};
}

Result<wire::DescribeClusterV2Response> Service::describe_cluster_v2(
    api::Context& ctx, const wire::DescribeClusterV2Request& request) {
  MEKONG_TRY_ASSIGN(const auto cluster, permitted(ctx, request.cluster_arn));
  return wire::DescribeClusterV2Response{describe(cluster)};
}

Result<wire::GetBootstrapBrokersResponse> Service::get_bootstrap_brokers(
    api::Context& ctx, const wire::GetBootstrapBrokersRequest& request) {
  MEKONG_TRY_ASSIGN(const auto cluster, clusters_.get(request.cluster_arn));
  // The permission names no cluster: the account that owns it is all that is asked.
  if (cluster.account != ctx.account.value) return other_account(request.cluster_arn);
  wire::GetBootstrapBrokersResponse out;
  out.bootstrap_broker_string_sasl_iam = clusters_.bootstrap(cluster);
  return out;
}

Result<wire::DeleteClusterResponse> Service::delete_cluster(api::Context& ctx,
                                                            const wire::DeleteClusterRequest& request) {
  MEKONG_TRY_ASSIGN(const auto cluster, permitted(ctx, request.cluster_arn));
  if (request.current_version && describe(cluster).current_version != request.current_version) {
    return bad_request("currentVersion", "This is not the cluster's current version.");
  }
  MEKONG_TRY(clusters_.remove(request.cluster_arn));
  return wire::DeleteClusterResponse{request.cluster_arn, "DELETING"};
}

Result<wire::ListClustersV2Response> Service::list_clusters_v2(api::Context& ctx,
                                                               const wire::ListClustersV2Request& request) {
  wire::ListClustersV2Response out;
  out.cluster_info_list.emplace();
  if (request.cluster_type_filter && *request.cluster_type_filter != "SERVERLESS") return out;
  const auto limit = static_cast<size_t>(request.max_results.value_or(100));
  MEKONG_TRY_ASSIGN(const auto clusters, clusters_.list(ctx.scope(), request.cluster_name_filter.value_or(""),
                                                        request.next_token.value_or(""), limit));
  for (const auto& cluster : clusters) out.cluster_info_list->push_back(describe(cluster));
  if (clusters.size() == limit) out.next_token = clusters.back().name;
  return out;
}

Result<wire::ListTopicsResponse> Service::list_topics(api::Context& ctx,
                                                      const wire::ListTopicsRequest& request) {
  MEKONG_TRY_ASSIGN(const auto cluster, permitted(ctx, request.cluster_arn));
  MEKONG_TRY(ctx.authorise_action("kafka-cluster:Connect", cluster.arn));
  MEKONG_TRY_ASSIGN(const auto topics, clusters_.topics(cluster.arn));
  const auto arns = topic_arn(cluster.arn, "");
  const auto prefix = request.topic_name_filter.value_or(""), after = request.next_token.value_or("");
  const auto limit = static_cast<size_t>(request.max_results.value_or(100));
  wire::ListTopicsResponse out;
  out.topics.emplace();
  for (const auto& topic : topics) {
    if (topic.name <= after || !topic.name.starts_with(prefix)) continue;
    // As a Kafka client's list: without what the caller may not describe.
    if (!ctx.authorise_action("kafka-cluster:DescribeTopic", arns + topic.name).ok()) continue;
    if (out.topics->size() == limit) {
      out.next_token = out.topics->back().topic_name;
      break;
    }
    out.topics->push_back({arns + topic.name, topic.name, 1, topic.partitions, 0});
  }
  return out;
}

Result<wire::DescribeTopicPartitionsResponse> Service::describe_topic_partitions(
    api::Context& ctx, const wire::DescribeTopicPartitionsRequest& request) {
  const auto arn = topic_arn(request.cluster_arn, request.topic_name);
  MEKONG_TRY(ctx.authorise(arn));
  MEKONG_TRY_ASSIGN(const auto cluster, clusters_.get(request.cluster_arn));
  if (cluster.account != ctx.account.value) return other_account(request.cluster_arn);
  MEKONG_TRY(ctx.authorise_action("kafka-cluster:Connect", cluster.arn));
  MEKONG_TRY(ctx.authorise_action("kafka-cluster:DescribeTopic", arn));
  MEKONG_TRY(ctx.authorise_action("kafka-cluster:DescribeTopicDynamicConfiguration", arn));
  MEKONG_TRY_ASSIGN(const auto topics, clusters_.topics(cluster.arn));
  const auto topic = std::ranges::find(topics, request.topic_name, &Topic::name);
  if (topic == topics.end()) return Error{"NotFoundException", "There is no topic of this name.", 404};
  const auto token = request.next_token.value_or("0");
  int32_t next = -1;
  const auto [end, fault] = std::from_chars(token.data(), token.data() + token.size(), next);
  if (fault != std::errc() || end != token.data() + token.size() || next < 0) {
    return bad_request("nextToken", "The token is not one that was handed out.");
  }
  const auto limit = static_cast<size_t>(request.max_results.value_or(100));
  wire::DescribeTopicPartitionsResponse out;
  out.partitions.emplace();
  for (; next < topic->partitions && out.partitions->size() < limit; ++next) {
    out.partitions->push_back({next, topic->broker_id, {{topic->broker_id}}, {{topic->broker_id}}});
  }
  if (next < topic->partitions) out.next_token = std::to_string(next);
  return out;
}

Result<wire::TagResourceResponse> Service::tag_resource(api::Context& ctx,
                                                        const wire::TagResourceRequest& request) {
  MEKONG_TRY(permitted(ctx, request.resource_arn, api::request_tags(request.tags)));
  MEKONG_TRY(check_tags(request.tags));
  MEKONG_TRY(clusters_.update(request.resource_arn, [&](ClusterRecord& cluster) {
    for (const auto& [key, value] : request.tags) cluster.tags[key] = value;
    return check_tags(cluster.tags);
  }));
  return wire::TagResourceResponse{};
}

Result<wire::UntagResourceResponse> Service::untag_resource(api::Context& ctx,
                                                            const wire::UntagResourceRequest& request) {
  MEKONG_TRY(permitted(ctx, request.resource_arn, api::tag_keys(request.tag_keys)));
  MEKONG_TRY(clusters_.update(request.resource_arn, [&](ClusterRecord& cluster) {
    for (const auto& key : request.tag_keys) cluster.tags.erase(key);
    return ok();
  }));
  return wire::UntagResourceResponse{};
}

Result<wire::ListTagsForResourceResponse> Service::list_tags_for_resource(
    api::Context& ctx, const wire::ListTagsForResourceRequest& request) {
  MEKONG_TRY_ASSIGN(auto cluster, permitted(ctx, request.resource_arn));
  wire::ListTagsForResourceResponse out;
  out.tags = std::move(cluster.tags);
  return out;
}

}  // namespace mekong::msk
