#include <algorithm>
#include <map>

#include "kafka/ops.h"

namespace mekong::kafka {

namespace {

JoinRequest join_request(const RequestContext& context, const proto::JoinGroupRequest& request) {
  JoinRequest join{.group_id = request.group_id,
                   .member_id = request.member_id,
                   .instance_id = request.group_instance_id,
                   .client_id = context.client_id,
                   .client_host = context.client_host,
                   .protocol_type = request.protocol_type,
                   .session_timeout_ms = request.session_timeout_ms};
  // Version 0 has one timeout for both.
  join.rebalance_timeout_ms =
      context.version == 0 ? request.session_timeout_ms : request.rebalance_timeout_ms;
  join.needs_member_id = context.version >= 4;
  join.can_skip_assignment = context.version >= 9;
  for (const auto& protocol : request.protocols) join.protocols.push_back({protocol.name, protocol.metadata});
  return join;
}

using DescribedGroup = proto::DescribeGroupsResponse::DescribedGroup;

void describe_group(RequestContext& context, DescribedGroup& out) {
  auto view = context.cluster.groups.describe(out.group_id);
  if (!view) {
    auto offsets = context.cluster.offsets.all(out.group_id);
    if (!offsets.ok()) out.error_code = error_code(offsets.error());
    out.group_state = offsets.ok() && !offsets->empty() ? "Empty" : "Dead";
    return;
  }
  out.group_state = name_of(view->state);
  out.protocol_type = view->protocol_type;
  out.protocol_data = view->state == GroupState::stable ? view->protocol : "";
  for (const auto& member : view->members) {
    bool stable = view->state == GroupState::stable;
    out.members.push_back({member.member_id, member.instance_id, member.client_id, "/" + member.client_host,
                           stable ? member.metadata : "", stable ? member.assignment : ""});
  }
}

// Groups with members, and those of which only offsets are left.
Result<std::map<std::string, GroupView>> all_groups(RequestContext& context) {
  std::map<std::string, GroupView> groups;
  MEKONG_TRY_ASSIGN(auto stored, context.cluster.offsets.groups());
  for (const auto& id : stored) groups[id] = {.group_id = id, .protocol_type = "consumer"};
  for (const auto& view : context.cluster.groups.list()) groups[view.group_id] = view;
  return groups;
}

ErrorCode delete_group(RequestContext& context, const std::string& group) {
  if (group.empty()) return INVALID_GROUP_ID;
  if (!context.on_group("DeleteGroup", group)) return GROUP_AUTHORIZATION_FAILED;
  bool known = context.cluster.groups.describe(group).has_value();
  if (auto error = context.cluster.groups.remove(group); error != NONE) return error;
  auto removed = context.cluster.offsets.remove_group(group);
  if (!removed.ok()) return error_code(removed.error());
  return known || *removed ? NONE : GROUP_ID_NOT_FOUND;
}

}  // namespace

Task<proto::JoinGroupResponse> join_group(RequestContext& context, const proto::JoinGroupRequest& request) {
  proto::JoinGroupResponse response;
  response.member_id = request.member_id;
  if (!context.on_group("AlterGroup", request.group_id)) {
    response.error_code = GROUP_AUTHORIZATION_FAILED;
    co_return response;
  }
  auto joined = context.cluster.groups.join(join_request(context, request));
  auto reply = co_await joined;
  response.error_code = reply.error;
  response.generation_id = reply.generation;
  response.protocol_type = reply.protocol_type;
  response.protocol_name = reply.protocol;
  response.leader = reply.leader;
  response.member_id = reply.member_id;
  response.skip_assignment = reply.skip_assignment;
  for (auto& member : reply.members) {
    response.members.push_back({member.member_id, member.instance_id, std::move(member.metadata)});
  }
  co_return response;
}

Task<proto::SyncGroupResponse> sync_group(RequestContext& context, const proto::SyncGroupRequest& request) {
  proto::SyncGroupResponse response;
  if (!context.on_group("AlterGroup", request.group_id)) {
    response.error_code = GROUP_AUTHORIZATION_FAILED;
    co_return response;
  }
  SyncRequest sync{
      .member = {request.group_id, request.member_id, request.group_instance_id, request.generation_id},
      .protocol_type = request.protocol_type,
      .protocol = request.protocol_name};
  for (const auto& assigned : request.assignments) sync.assignments[assigned.member_id] = assigned.assignment;
  auto synced = context.cluster.groups.sync(sync);
  auto reply = co_await synced;
  response.error_code = reply.error;
  response.protocol_type = reply.protocol_type;
  response.protocol_name = reply.protocol;
  response.assignment = reply.assignment;
  co_return response;
}

proto::HeartbeatResponse heartbeat(RequestContext& context, const proto::HeartbeatRequest& request) {
  proto::HeartbeatResponse response;
  response.error_code =
      context.on_group("AlterGroup", request.group_id)
          ? context.cluster.groups.heartbeat(
                {request.group_id, request.member_id, request.group_instance_id, request.generation_id})
          : GROUP_AUTHORIZATION_FAILED;
  return response;
}

proto::LeaveGroupResponse leave_group(RequestContext& context, const proto::LeaveGroupRequest& request) {
  proto::LeaveGroupResponse response;
  if (!context.on_group("AlterGroup", request.group_id)) {
    response.error_code = GROUP_AUTHORIZATION_FAILED;
    return response;
  }
  auto& groups = context.cluster.groups;
  if (context.version < 3) {
    response.error_code = groups.leave(request.group_id, request.member_id, std::nullopt);
    return response;
  }
  for (const auto& member : request.members) {
    auto error = groups.leave(request.group_id, member.member_id, member.group_instance_id);
    response.members.push_back({member.member_id, member.group_instance_id, error});
  }
  return response;
}

proto::DescribeGroupsResponse describe_groups(RequestContext& context,
                                              const proto::DescribeGroupsRequest& request) {
  proto::DescribeGroupsResponse response;
  for (const auto& id : request.groups) {
    auto& group = response.groups.emplace_back();
    group.group_id = id;
    if (!context.on_group("DescribeGroup", id)) {
      group.error_code = GROUP_AUTHORIZATION_FAILED;
      continue;
    }
    describe_group(context, group);
    if (request.include_authorized_operations) group.authorized_operations = group_operations(context, id);
  }
  return response;
}

proto::ListGroupsResponse list_groups(RequestContext& context, const proto::ListGroupsRequest& request) {
  proto::ListGroupsResponse response;
  auto groups = all_groups(context);
  if (!groups.ok()) {
    response.error_code = error_code(groups.error());
    return response;
  }
  bool sees_all = context.on_cluster("DescribeCluster");
  const auto& states = request.states_filter;
  for (const auto& [id, view] : *groups) {
    std::string state(name_of(view.state));
    if (!states.empty() && std::find(states.begin(), states.end(), state) == states.end()) continue;
    if (sees_all || context.on_group("DescribeGroup", id)) {
      response.groups.push_back({id, view.protocol_type, state});
    }
  }
  return response;
}

proto::DeleteGroupsResponse delete_groups(RequestContext& context,
                                          const proto::DeleteGroupsRequest& request) {
  proto::DeleteGroupsResponse response;
  for (const auto& id : request.groups_names) response.results.push_back({id, delete_group(context, id)});
  return response;
}

}  // namespace mekong::kafka
