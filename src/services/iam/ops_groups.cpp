#include "services/iam/service.h"
#include "services/iam/shared.h"

namespace mekong::iam {
namespace {

constexpr size_t groups_per_user_max = 10;

bool is_member(const User& user, const std::string& group) {
  return std::find(user.groups.begin(), user.groups.end(), group) != user.groups.end();
}

}  // namespace

Result<wire::CreateGroupResponse> Service::create_group(api::Context& ctx,
                                                        const wire::CreateGroupRequest& request) {
  Group group;
  group.account = ctx.account.value;
  group.name = request.group_name;
  group.path = request.path.value_or("/");
  MEKONG_TRY(ctx.authorise(group.arn()));
  MEKONG_TRY_ASSIGN(auto made, directory_.create_group(std::move(group)));
  return wire::CreateGroupResponse{group_shape(*made)};
}

Result<wire::GetGroupResponse> Service::get_group(api::Context& ctx, const wire::GetGroupRequest& request) {
  MEKONG_TRY_ASSIGN(auto found, entity<Group>(ctx, request.group_name));
  std::vector<wire::User> members;
  for (const auto& user : directory_.list<User>(ctx.account)) {
    if (is_member(*user, request.group_name)) members.push_back(user_shape(*user));
  }
  wire::GetGroupResponse out{.group = group_shape(*found)};
  MEKONG_TRY(
      paginate(request, std::move(members), out.users, out, [](const wire::User& u) { return u.user_name; }));
  return out;
}

Result<wire::ListGroupsResponse> Service::list_groups(api::Context& ctx,
                                                      const wire::ListGroupsRequest& request) {
  std::vector<wire::Group> all;
  for (const auto& found : directory_.list<Group>(ctx.account)) {
    if (found->path.starts_with(request.path_prefix.value_or("/"))) all.push_back(group_shape(*found));
  }
  wire::ListGroupsResponse out;
  MEKONG_TRY(
      paginate(request, std::move(all), out.groups, out, [](const wire::Group& g) { return g.group_name; }));
  return out;
}

Result<wire::UpdateGroupResponse> Service::update_group(api::Context& ctx,
                                                        const wire::UpdateGroupRequest& request) {
  MEKONG_TRY_ASSIGN(auto found, entity<Group>(ctx, request.group_name));
  Group renamed = *found;
  renamed.name = request.new_group_name.value_or(found->name);
  renamed.path = request.new_path.value_or(found->path);
  MEKONG_TRY(ctx.authorise(renamed.arn()));
  MEKONG_TRY(
      directory_.rename_group(ctx.account, request.group_name, {request.new_group_name, request.new_path}));
  return wire::UpdateGroupResponse{};
}

Result<wire::DeleteGroupResponse> Service::delete_group(api::Context& ctx,
                                                        const wire::DeleteGroupRequest& request) {
  MEKONG_TRY(entity<Group>(ctx, request.group_name));
  MEKONG_TRY(directory_.delete_group(ctx.account, request.group_name));
  return wire::DeleteGroupResponse{};
}

Result<wire::AddUserToGroupResponse> Service::add_user_to_group(api::Context& ctx,
                                                                const wire::AddUserToGroupRequest& request) {
  MEKONG_TRY(entity<Group>(ctx, request.group_name));
  MEKONG_TRY(directory_.change<User>(ctx.account, request.user_name, [&](User& user) -> Status {
    if (is_member(user, request.group_name)) return ok();
    if (user.groups.size() >= groups_per_user_max) {
      return Error{"LimitExceeded", "Cannot exceed quota for GroupsPerUser: 10", 409};
    }
    if (!directory_.find<Group>(ctx.account, request.group_name)) {
      return Error{"NoSuchEntity", "The group with name " + request.group_name + " cannot be found.", 404};
    }
    user.groups.push_back(request.group_name);
    return ok();
  }));
  return wire::AddUserToGroupResponse{};
}

Result<wire::RemoveUserFromGroupResponse> Service::remove_user_from_group(
    api::Context& ctx, const wire::RemoveUserFromGroupRequest& request) {
  MEKONG_TRY(entity<Group>(ctx, request.group_name));
  MEKONG_TRY(directory_.change<User>(ctx.account, request.user_name, [&](User& user) -> Status {
    if (std::erase(user.groups, request.group_name) > 0) return ok();
    return Error{"NoSuchEntity", "User " + request.user_name + " is not in group " + request.group_name + ".",
                 404};
  }));
  return wire::RemoveUserFromGroupResponse{};
}

Result<wire::ListGroupsForUserResponse> Service::list_groups_for_user(
    api::Context& ctx, const wire::ListGroupsForUserRequest& request) {
  MEKONG_TRY_ASSIGN(auto user, entity<User>(ctx, request.user_name));
  std::vector<wire::Group> all;
  for (const std::string& name : user->groups) {
    if (auto group = directory_.find<Group>(ctx.account, name)) all.push_back(group_shape(*group));
  }
  wire::ListGroupsForUserResponse out;
  MEKONG_TRY(
      paginate(request, std::move(all), out.groups, out, [](const wire::Group& g) { return g.group_name; }));
  return out;
}

}  // namespace mekong::iam
