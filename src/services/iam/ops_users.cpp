#include "services/iam/service.h"
#include "services/iam/shared.h"

namespace mekong::iam {
namespace {

// Without UserName a user asks about itself.
std::string name_or_caller(const api::Context& ctx, const std::optional<std::string>& name) {
  if (name) return *name;
  auto parsed = parse_iam_arn(ctx.principal->arn, "user");
  return parsed ? parsed->name : "";
}

}  // namespace

Result<UserPtr> Service::user(api::Context& ctx, const std::string& name, ConditionContext extra) const {
  auto found = directory_.find_user(ctx.account, name);
  const std::string arn = found ? found->arn() : "arn:aws:iam::" + ctx.account.value + ":user/" + name;
  if (found && !found->boundary.empty()) extra["iam:PermissionsBoundary"] = {found->boundary};
  MEKONG_TRY(ctx.authorise(arn, std::move(extra)));
  if (!found) return Error{"NoSuchEntity", "The user with name " + name + " cannot be found.", 404};
  return found;
}

Result<wire::CreateUserResponse> Service::create_user(api::Context& ctx,
                                                      const wire::CreateUserRequest& request) {
  User user;
  user.account = ctx.account.value;
  user.name = request.user_name;
  user.path = request.path.value_or("/");
  user.boundary = request.permissions_boundary.value_or("");
  ConditionContext extra;
  if (!user.boundary.empty()) extra["iam:PermissionsBoundary"] = {user.boundary};
  MEKONG_TRY(ctx.authorise(user.arn(), std::move(extra)));
  if (request.tags) MEKONG_TRY(add_tags(user.tags, *request.tags));
  MEKONG_TRY_ASSIGN(auto made, directory_.create_user(std::move(user)));
  return wire::CreateUserResponse{user_shape(*made)};
}

Result<wire::GetUserResponse> Service::get_user(api::Context& ctx, const wire::GetUserRequest& request) {
  if (!request.user_name && ctx.principal->kind == PrincipalKind::root) {
    MEKONG_TRY(ctx.authorise(ctx.principal->arn));
    wire::User root{.user_id = ctx.account.value, .arn = ctx.principal->arn};
    root.path = "/";
    root.user_name = "root";
    for (const auto& account : directory_.accounts()) {
      if (account.id == ctx.account.value) root.create_date = {account.created_ms};
    }
    return wire::GetUserResponse{root};
  }
  MEKONG_TRY_ASSIGN(auto found, user(ctx, name_or_caller(ctx, request.user_name)));
  return wire::GetUserResponse{user_shape(*found)};
}

Result<wire::ListUsersResponse> Service::list_users(api::Context& ctx,
                                                    const wire::ListUsersRequest& request) {
  std::vector<wire::User> all;
  for (const auto& found : directory_.users(ctx.account)) {
    if (found->path.starts_with(request.path_prefix.value_or("/"))) all.push_back(user_shape(*found));
  }
  wire::ListUsersResponse out;
  MEKONG_TRY(
      paginate(request, std::move(all), out.users, out, [](const wire::User& u) { return u.user_name; }));
  return out;
}

Result<wire::DeleteUserResponse> Service::delete_user(api::Context& ctx,
                                                      const wire::DeleteUserRequest& request) {
  MEKONG_TRY(user(ctx, request.user_name));
  MEKONG_TRY(directory_.delete_user(ctx.account, request.user_name));
  return wire::DeleteUserResponse{};
}

Result<wire::PutUserPolicyResponse> Service::put_user_policy(api::Context& ctx,
                                                             const wire::PutUserPolicyRequest& request) {
  MEKONG_TRY(user(ctx, request.user_name));
  MEKONG_TRY(directory_.change_user(ctx.account, request.user_name, [&](User& u) {
    return put_inline(u, request.policy_name, request.policy_document);
  }));
  return wire::PutUserPolicyResponse{};
}

Result<wire::GetUserPolicyResponse> Service::get_user_policy(api::Context& ctx,
                                                             const wire::GetUserPolicyRequest& request) {
  MEKONG_TRY_ASSIGN(auto found, user(ctx, request.user_name));
  MEKONG_TRY_ASSIGN(auto document, find_inline(*found, request.policy_name));
  return wire::GetUserPolicyResponse{request.user_name, request.policy_name, document_shape(document)};
}

Result<wire::DeleteUserPolicyResponse> Service::delete_user_policy(
    api::Context& ctx, const wire::DeleteUserPolicyRequest& request) {
  MEKONG_TRY(user(ctx, request.user_name));
  MEKONG_TRY(directory_.change_user(ctx.account, request.user_name,
                                    [&](User& u) { return delete_inline(u, request.policy_name); }));
  return wire::DeleteUserPolicyResponse{};
}

Result<wire::ListUserPoliciesResponse> Service::list_user_policies(
    api::Context& ctx, const wire::ListUserPoliciesRequest& request) {
  MEKONG_TRY_ASSIGN(auto found, user(ctx, request.user_name));
  std::vector<std::string> names;
  for (const auto& entry : found->inline_policies) names.push_back(entry.first);
  wire::ListUserPoliciesResponse out;
  MEKONG_TRY(
      paginate(request, std::move(names), out.policy_names, out, [](const std::string& n) { return n; }));
  return out;
}

Result<wire::AttachUserPolicyResponse> Service::attach_user_policy(
    api::Context& ctx, const wire::AttachUserPolicyRequest& request) {
  MEKONG_TRY(user(ctx, request.user_name, {{"iam:PolicyARN", {request.policy_arn}}}));
  MEKONG_TRY(directory_.change_user(ctx.account, request.user_name, [&](User& u) -> Status {
    if (directory_.policy_visible(ctx.account, request.policy_arn)) return attach(u, request.policy_arn);
    return Error{"NoSuchEntity", "Policy " + request.policy_arn + " does not exist or is not attachable.",
                 404};
  }));
  return wire::AttachUserPolicyResponse{};
}

Result<wire::DetachUserPolicyResponse> Service::detach_user_policy(
    api::Context& ctx, const wire::DetachUserPolicyRequest& request) {
  MEKONG_TRY(user(ctx, request.user_name, {{"iam:PolicyARN", {request.policy_arn}}}));
  MEKONG_TRY(directory_.change_user(ctx.account, request.user_name,
                                    [&](User& u) { return detach(u, request.policy_arn); }));
  return wire::DetachUserPolicyResponse{};
}

Result<wire::ListAttachedUserPoliciesResponse> Service::list_attached_user_policies(
    api::Context& ctx, const wire::ListAttachedUserPoliciesRequest& request) {
  if (request.path_prefix && *request.path_prefix != "/") {
    return Error{"NotImplemented", "ListAttachedUserPolicies: PathPrefix is not built", 501};
  }
  MEKONG_TRY_ASSIGN(auto found, user(ctx, request.user_name));
  wire::ListAttachedUserPoliciesResponse out;
  MEKONG_TRY(paginate(request, attached_shapes(*found), out.attached_policies.emplace(), out,
                      [](const wire::AttachedPolicy& p) { return *p.policy_name; }));
  return out;
}

Result<wire::CreateAccessKeyResponse> Service::create_access_key(
    api::Context& ctx, const wire::CreateAccessKeyRequest& request) {
  const std::string name = name_or_caller(ctx, request.user_name);
  MEKONG_TRY(name.empty() ? ctx.authorise(ctx.principal->arn) : authorised_user(ctx, name));
  MEKONG_TRY_ASSIGN(auto key, directory_.create_key(ctx.account, name));
  return wire::CreateAccessKeyResponse{{.user_name = name,
                                        .access_key_id = key->id,
                                        .status = "Active",
                                        .secret_access_key = key->secret,
                                        .create_date = api::Timestamp{key->created_ms}}};
}

Result<wire::ListAccessKeysResponse> Service::list_access_keys(api::Context& ctx,
                                                               const wire::ListAccessKeysRequest& request) {
  const std::string name = name_or_caller(ctx, request.user_name);
  MEKONG_TRY(name.empty() ? ctx.authorise(ctx.principal->arn) : authorised_user(ctx, name));
  std::vector<wire::AccessKeyMetadata> all;
  for (const auto& key : directory_.keys(ctx.account, name)) {
    all.push_back({name, key->id, key->active ? "Active" : "Inactive", api::Timestamp{key->created_ms}});
  }
  wire::ListAccessKeysResponse out;
  MEKONG_TRY(paginate(request, std::move(all), out.access_key_metadata, out,
                      [](const wire::AccessKeyMetadata& k) { return *k.access_key_id; }));
  return out;
}

Result<wire::DeleteAccessKeyResponse> Service::delete_access_key(
    api::Context& ctx, const wire::DeleteAccessKeyRequest& request) {
  const std::string name = name_or_caller(ctx, request.user_name);
  MEKONG_TRY(name.empty() ? ctx.authorise(ctx.principal->arn) : authorised_user(ctx, name));
  MEKONG_TRY(directory_.delete_key(ctx.account, name, request.access_key_id));
  return wire::DeleteAccessKeyResponse{};
}

Status Service::authorised_user(api::Context& ctx, const std::string& name) const {
  MEKONG_TRY(user(ctx, name));
  return ok();
}

}  // namespace mekong::iam
