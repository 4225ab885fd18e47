// Managed policies, boundaries and tags of roles, users and groups.
#include "services/iam/service.h"
#include "services/iam/shared.h"

namespace mekong::iam {
namespace {

constexpr size_t attached_policies_max = 10;

// "/aws-service-role/" of "arn:aws:iam::aws:policy/aws-service-role/X".
std::string_view path_of(std::string_view policy_arn) {
  const size_t begin = policy_arn.find('/'), end = policy_arn.rfind('/');
  return begin == std::string_view::npos ? "/" : policy_arn.substr(begin, end - begin + 1);
}

template <class Response, class Request>
Result<Response> list_attached(const Identity& identity, const Request& request) {
  std::vector<wire::AttachedPolicy> all = attached_shapes(identity);
  std::erase_if(all, [&](const wire::AttachedPolicy& policy) {
    return !path_of(*policy.policy_arn).starts_with(request.path_prefix.value_or("/"));
  });
  Response out;
  MEKONG_TRY(paginate(request, std::move(all), out.attached_policies.emplace(), out,
                      [](const wire::AttachedPolicy& p) { return *p.policy_arn; }));
  return out;
}

template <class Response, class Request>
Result<Response> list_tags(const Identity& identity, const Request& request) {
  Response out;
  MEKONG_TRY(
      paginate(request, tag_shapes(identity.tags), out.tags, out, [](const wire::Tag& t) { return t.key; }));
  return out;
}

}  // namespace

template <class T>
Status Service::attach_policy(api::Context& ctx, const std::string& name, const std::string& arn) {
  return change<T>(ctx, name,
                   [&](T& identity) -> Status {
                     if (!directory_.policy_visible(ctx.account, arn)) {
                       return Error{"NoSuchEntity", "Policy " + arn + " does not exist or is not attachable.",
                                    404};
                     }
                     auto& attached = identity.attached;
                     if (std::find(attached.begin(), attached.end(), arn) != attached.end()) return ok();
                     if (attached.size() >= attached_policies_max) {
                       return Error{"LimitExceeded",
                                    std::string("Cannot exceed quota for PoliciesPer") +
                                        static_cast<char>(T::kind[0] - 'a' + 'A') + (T::kind + 1) + ": 10",
                                    409};
                     }
                     attached.push_back(arn);
                     return ok();
                   },
                   {{"iam:PolicyARN", {arn}}});
}

template <class T>
Status Service::detach_policy(api::Context& ctx, const std::string& name, const std::string& arn) {
  return change<T>(ctx, name,
                   [&](T& identity) -> Status {
                     if (std::erase(identity.attached, arn) > 0) return ok();
                     return Error{"NoSuchEntity", "Policy " + arn + " was not found.", 404};
                   },
                   {{"iam:PolicyARN", {arn}}});
}

template <class T>
Status Service::put_boundary(api::Context& ctx, const std::string& name, const std::string& arn) {
  return change<T>(ctx, name,
                   [&](T& identity) -> Status {
                     MEKONG_TRY(directory_.check_boundary(ctx.account, arn));
                     identity.boundary = arn;
                     return ok();
                   },
                   {{"iam:PermissionsBoundary", {arn}}});
}

Result<wire::AttachRolePolicyResponse> Service::attach_role_policy(
    api::Context& ctx, const wire::AttachRolePolicyRequest& request) {
  MEKONG_TRY(attach_policy<Role>(ctx, request.role_name, request.policy_arn));
  return wire::AttachRolePolicyResponse{};
}

Result<wire::DetachRolePolicyResponse> Service::detach_role_policy(
    api::Context& ctx, const wire::DetachRolePolicyRequest& request) {
  MEKONG_TRY(detach_policy<Role>(ctx, request.role_name, request.policy_arn));
  return wire::DetachRolePolicyResponse{};
}

Result<wire::ListAttachedRolePoliciesResponse> Service::list_attached_role_policies(
    api::Context& ctx, const wire::ListAttachedRolePoliciesRequest& request) {
  MEKONG_TRY_ASSIGN(auto found, entity<Role>(ctx, request.role_name));
  return list_attached<wire::ListAttachedRolePoliciesResponse>(*found, request);
}

Result<wire::AttachUserPolicyResponse> Service::attach_user_policy(
    api::Context& ctx, const wire::AttachUserPolicyRequest& request) {
  MEKONG_TRY(attach_policy<User>(ctx, request.user_name, request.policy_arn));
  return wire::AttachUserPolicyResponse{};
}

Result<wire::DetachUserPolicyResponse> Service::detach_user_policy(
    api::Context& ctx, const wire::DetachUserPolicyRequest& request) {
  MEKONG_TRY(detach_policy<User>(ctx, request.user_name, request.policy_arn));
  return wire::DetachUserPolicyResponse{};
}

Result<wire::ListAttachedUserPoliciesResponse> Service::list_attached_user_policies(
    api::Context& ctx, const wire::ListAttachedUserPoliciesRequest& request) {
  MEKONG_TRY_ASSIGN(auto found, entity<User>(ctx, request.user_name));
  return list_attached<wire::ListAttachedUserPoliciesResponse>(*found, request);
}

Result<wire::AttachGroupPolicyResponse> Service::attach_group_policy(
    api::Context& ctx, const wire::AttachGroupPolicyRequest& request) {
  MEKONG_TRY(attach_policy<Group>(ctx, request.group_name, request.policy_arn));
  return wire::AttachGroupPolicyResponse{};
}

Result<wire::DetachGroupPolicyResponse> Service::detach_group_policy(
    api::Context& ctx, const wire::DetachGroupPolicyRequest& request) {
  MEKONG_TRY(detach_policy<Group>(ctx, request.group_name, request.policy_arn));
  return wire::DetachGroupPolicyResponse{};
}

Result<wire::ListAttachedGroupPoliciesResponse> Service::list_attached_group_policies(
    api::Context& ctx, const wire::ListAttachedGroupPoliciesRequest& request) {
  MEKONG_TRY_ASSIGN(auto found, entity<Group>(ctx, request.group_name));
  return list_attached<wire::ListAttachedGroupPoliciesResponse>(*found, request);
}

Result<wire::PutRolePermissionsBoundaryResponse> Service::put_role_permissions_boundary(
    api::Context& ctx, const wire::PutRolePermissionsBoundaryRequest& request) {
  MEKONG_TRY(put_boundary<Role>(ctx, request.role_name, request.permissions_boundary));
  return wire::PutRolePermissionsBoundaryResponse{};
}

Result<wire::DeleteRolePermissionsBoundaryResponse> Service::delete_role_permissions_boundary(
    api::Context& ctx, const wire::DeleteRolePermissionsBoundaryRequest& request) {
  MEKONG_TRY(change<Role>(ctx, request.role_name, [](Role& role) {
    role.boundary.clear();
    return ok();
  }));
  return wire::DeleteRolePermissionsBoundaryResponse{};
}

Result<wire::TagRoleResponse> Service::tag_role(api::Context& ctx, const wire::TagRoleRequest& request) {
  MEKONG_TRY(change<Role>(
      ctx, request.role_name, [&](Role& role) { return add_tags(role.tags, request.tags); },
      api::request_tags(tags_of(request.tags))));
  return wire::TagRoleResponse{};
}

Result<wire::UntagRoleResponse> Service::untag_role(api::Context& ctx,
                                                    const wire::UntagRoleRequest& request) {
  MEKONG_TRY(change<Role>(
      ctx, request.role_name, [&](Role& role) { return remove_tags(role.tags, request.tag_keys); },
      api::tag_keys(request.tag_keys)));
  return wire::UntagRoleResponse{};
}

Result<wire::ListRoleTagsResponse> Service::list_role_tags(api::Context& ctx,
                                                           const wire::ListRoleTagsRequest& request) {
  MEKONG_TRY_ASSIGN(auto found, entity<Role>(ctx, request.role_name));
  return list_tags<wire::ListRoleTagsResponse>(*found, request);
}

Result<wire::PutUserPermissionsBoundaryResponse> Service::put_user_permissions_boundary(
    api::Context& ctx, const wire::PutUserPermissionsBoundaryRequest& request) {
  MEKONG_TRY(put_boundary<User>(ctx, request.user_name, request.permissions_boundary));
  return wire::PutUserPermissionsBoundaryResponse{};
}

Result<wire::DeleteUserPermissionsBoundaryResponse> Service::delete_user_permissions_boundary(
    api::Context& ctx, const wire::DeleteUserPermissionsBoundaryRequest& request) {
  MEKONG_TRY(change<User>(ctx, request.user_name, [](User& user) {
    user.boundary.clear();
    return ok();
  }));
  return wire::DeleteUserPermissionsBoundaryResponse{};
}

Result<wire::TagUserResponse> Service::tag_user(api::Context& ctx, const wire::TagUserRequest& request) {
  MEKONG_TRY(change<User>(
      ctx, request.user_name, [&](User& user) { return add_tags(user.tags, request.tags); },
      api::request_tags(tags_of(request.tags))));
  return wire::TagUserResponse{};
}

Result<wire::UntagUserResponse> Service::untag_user(api::Context& ctx,
                                                    const wire::UntagUserRequest& request) {
  MEKONG_TRY(change<User>(
      ctx, request.user_name, [&](User& user) { return remove_tags(user.tags, request.tag_keys); },
      api::tag_keys(request.tag_keys)));
  return wire::UntagUserResponse{};
}

Result<wire::ListUserTagsResponse> Service::list_user_tags(api::Context& ctx,
                                                           const wire::ListUserTagsRequest& request) {
  MEKONG_TRY_ASSIGN(auto found, entity<User>(ctx, request.user_name));
  return list_tags<wire::ListUserTagsResponse>(*found, request);
}

}  // namespace mekong::iam
