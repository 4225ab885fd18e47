#include "policy/document.h"
#include "services/iam/service.h"
#include "services/iam/shared.h"

namespace mekong::iam {
namespace {

constexpr int32_t session_s_default = 3600;

Error no_policy_arn(const std::string& arn) {
  return {"NoSuchEntity", "Policy " + arn + " does not exist or is not attachable.", 404};
}

}  // namespace

Result<RolePtr> Service::role(api::Context& ctx, const std::string& name, ConditionContext extra) const {
  auto found = directory_.find_role(ctx.account, name);
  const std::string arn = found ? found->arn() : "arn:aws:iam::" + ctx.account.value + ":role/" + name;
  if (found && !found->boundary.empty()) extra["iam:PermissionsBoundary"] = {found->boundary};
  MEKONG_TRY(ctx.authorise(arn, std::move(extra)));
  if (!found) return Error{"NoSuchEntity", "The role with name " + name + " cannot be found.", 404};
  return found;
}

Result<wire::CreateRoleResponse> Service::create_role(api::Context& ctx,
                                                      const wire::CreateRoleRequest& request) {
  Role role;
  role.account = ctx.account.value;
  role.name = request.role_name;
  role.path = request.path.value_or("/");
  role.trust = request.assume_role_policy_document;
  role.description = request.description.value_or("");
  role.max_session_s = request.max_session_duration.value_or(session_s_default);
  role.boundary = request.permissions_boundary.value_or("");
  ConditionContext extra;
  if (!role.boundary.empty()) extra["iam:PermissionsBoundary"] = {role.boundary};
  MEKONG_TRY(ctx.authorise(role.arn(), std::move(extra)));
  if (request.tags) MEKONG_TRY(add_tags(role.tags, *request.tags));
  MEKONG_TRY_ASSIGN(auto made, directory_.create_role(std::move(role)));
  return wire::CreateRoleResponse{role_shape(*made)};
}

Result<wire::GetRoleResponse> Service::get_role(api::Context& ctx, const wire::GetRoleRequest& request) {
  MEKONG_TRY_ASSIGN(auto found, role(ctx, request.role_name));
  return wire::GetRoleResponse{role_shape(*found)};
}

Result<wire::ListRolesResponse> Service::list_roles(api::Context& ctx,
                                                    const wire::ListRolesRequest& request) {
  std::vector<wire::Role> all;
  for (const auto& found : directory_.roles(ctx.account)) {
    if (found->path.starts_with(request.path_prefix.value_or("/"))) all.push_back(role_shape(*found));
  }
  wire::ListRolesResponse out;
  MEKONG_TRY(
      paginate(request, std::move(all), out.roles, out, [](const wire::Role& r) { return r.role_name; }));
  return out;
}

Result<wire::DeleteRoleResponse> Service::delete_role(api::Context& ctx,
                                                      const wire::DeleteRoleRequest& request) {
  MEKONG_TRY(role(ctx, request.role_name));
  MEKONG_TRY(directory_.delete_role(ctx.account, request.role_name));
  return wire::DeleteRoleResponse{};
}

Result<wire::UpdateRoleResponse> Service::update_role(api::Context& ctx,
                                                      const wire::UpdateRoleRequest& request) {
  MEKONG_TRY(role(ctx, request.role_name));
  MEKONG_TRY(directory_.change_role(ctx.account, request.role_name, [&](Role& r) {
    r.description = request.description.value_or("");
    r.max_session_s = request.max_session_duration.value_or(session_s_default);
    return ok();
  }));
  return wire::UpdateRoleResponse{};
}

Result<wire::UpdateAssumeRolePolicyResponse> Service::update_assume_role_policy(
    api::Context& ctx, const wire::UpdateAssumeRolePolicyRequest& request) {
  MEKONG_TRY(role(ctx, request.role_name));
  MEKONG_TRY(policy::parse_document(request.policy_document, policy::DocumentKind::trust));
  MEKONG_TRY(directory_.change_role(ctx.account, request.role_name, [&](Role& r) {
    r.trust = request.policy_document;
    return ok();
  }));
  return wire::UpdateAssumeRolePolicyResponse{};
}

Result<wire::PutRolePolicyResponse> Service::put_role_policy(api::Context& ctx,
                                                             const wire::PutRolePolicyRequest& request) {
  MEKONG_TRY(role(ctx, request.role_name));
  MEKONG_TRY(directory_.change_role(ctx.account, request.role_name, [&](Role& r) {
    return put_inline(r, request.policy_name, request.policy_document);
  }));
  return wire::PutRolePolicyResponse{};
}

Result<wire::GetRolePolicyResponse> Service::get_role_policy(api::Context& ctx,
                                                             const wire::GetRolePolicyRequest& request) {
  MEKONG_TRY_ASSIGN(auto found, role(ctx, request.role_name));
  MEKONG_TRY_ASSIGN(auto document, find_inline(*found, request.policy_name));
  return wire::GetRolePolicyResponse{request.role_name, request.policy_name, document_shape(document)};
}

Result<wire::DeleteRolePolicyResponse> Service::delete_role_policy(
    api::Context& ctx, const wire::DeleteRolePolicyRequest& request) {
  MEKONG_TRY(role(ctx, request.role_name));
  MEKONG_TRY(directory_.change_role(ctx.account, request.role_name,
                                    [&](Role& r) { return delete_inline(r, request.policy_name); }));
  return wire::DeleteRolePolicyResponse{};
}

Result<wire::ListRolePoliciesResponse> Service::list_role_policies(
    api::Context& ctx, const wire::ListRolePoliciesRequest& request) {
  MEKONG_TRY_ASSIGN(auto found, role(ctx, request.role_name));
  std::vector<std::string> names;
  for (const auto& entry : found->inline_policies) names.push_back(entry.first);
  wire::ListRolePoliciesResponse out;
  MEKONG_TRY(
      paginate(request, std::move(names), out.policy_names, out, [](const std::string& n) { return n; }));
  return out;
}

Result<wire::AttachRolePolicyResponse> Service::attach_role_policy(
    api::Context& ctx, const wire::AttachRolePolicyRequest& request) {
  MEKONG_TRY(role(ctx, request.role_name, {{"iam:PolicyARN", {request.policy_arn}}}));
  MEKONG_TRY(directory_.change_role(ctx.account, request.role_name, [&](Role& r) -> Status {
    if (!directory_.policy_visible(ctx.account, request.policy_arn)) return no_policy_arn(request.policy_arn);
    return attach(r, request.policy_arn);
  }));
  return wire::AttachRolePolicyResponse{};
}

Result<wire::DetachRolePolicyResponse> Service::detach_role_policy(
    api::Context& ctx, const wire::DetachRolePolicyRequest& request) {
  MEKONG_TRY(role(ctx, request.role_name, {{"iam:PolicyARN", {request.policy_arn}}}));
  MEKONG_TRY(directory_.change_role(ctx.account, request.role_name,
                                    [&](Role& r) { return detach(r, request.policy_arn); }));
  return wire::DetachRolePolicyResponse{};
}

Result<wire::ListAttachedRolePoliciesResponse> Service::list_attached_role_policies(
    api::Context& ctx, const wire::ListAttachedRolePoliciesRequest& request) {
  if (request.path_prefix && *request.path_prefix != "/") {
    return Error{"NotImplemented", "ListAttachedRolePolicies: PathPrefix is not built", 501};
  }
  MEKONG_TRY_ASSIGN(auto found, role(ctx, request.role_name));
  wire::ListAttachedRolePoliciesResponse out;
  MEKONG_TRY(paginate(request, attached_shapes(*found), out.attached_policies.emplace(), out,
                      [](const wire::AttachedPolicy& p) { return *p.policy_name; }));
  return out;
}

Result<wire::TagRoleResponse> Service::tag_role(api::Context& ctx, const wire::TagRoleRequest& request) {
  MEKONG_TRY(role(ctx, request.role_name));
  MEKONG_TRY(directory_.change_role(ctx.account, request.role_name,
                                    [&](Role& r) { return add_tags(r.tags, request.tags); }));
  return wire::TagRoleResponse{};
}

Result<wire::UntagRoleResponse> Service::untag_role(api::Context& ctx,
                                                    const wire::UntagRoleRequest& request) {
  MEKONG_TRY(role(ctx, request.role_name));
  MEKONG_TRY(directory_.change_role(ctx.account, request.role_name, [&](Role& r) {
    for (const std::string& key : request.tag_keys) r.tags.erase(key);
    return ok();
  }));
  return wire::UntagRoleResponse{};
}

Result<wire::ListRoleTagsResponse> Service::list_role_tags(api::Context& ctx,
                                                           const wire::ListRoleTagsRequest& request) {
  MEKONG_TRY_ASSIGN(auto found, role(ctx, request.role_name));
  wire::ListRoleTagsResponse out;
  MEKONG_TRY(
      paginate(request, tag_shapes(found->tags), out.tags, out, [](const wire::Tag& t) { return t.key; }));
  return out;
}

}  // namespace mekong::iam
