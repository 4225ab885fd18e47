#include "services/iam/service.h"
#include "services/iam/shared.h"

namespace mekong::iam {
namespace {

// Without UserName a user asks about itself.
std::string name_or_caller(const api::Context& ctx, const std::optional<std::string>& name) {
  if (name) return *name;
  auto parsed = parse_iam_arn(ctx.principal->arn, User::type);
  return parsed ? parsed->name : "";
}

}  // namespace

Result<wire::CreateUserResponse> Service::create_user(api::Context& ctx,
                                                      const wire::CreateUserRequest& request) {
  User user;
  user.account = ctx.account.value;
  user.name = request.user_name;
  user.path = request.path.value_or("/");
  user.boundary = request.permissions_boundary.value_or("");
  ConditionContext extra = api::request_tags(tags_of(request.tags));
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
    if (auto account = directory_.find_account(ctx.account)) root.create_date = {account->created_ms};
    return wire::GetUserResponse{root};
  }
  MEKONG_TRY_ASSIGN(const std::string name, key_owner(ctx, request.user_name));
  MEKONG_TRY_ASSIGN(auto found, entity<User>(ctx, name));
  return wire::GetUserResponse{user_shape(*found)};
}

Result<wire::ListUsersResponse> Service::list_users(api::Context& ctx,
                                                    const wire::ListUsersRequest& request) {
  std::vector<wire::User> all;
  for (const auto& found : directory_.list<User>(ctx.account)) {
    if (!found->path.starts_with(request.path_prefix.value_or("/"))) continue;
    all.push_back(user_shape(*found));
    all.back().tags.reset();
    all.back().permissions_boundary.reset();
  }
  wire::ListUsersResponse out;
  MEKONG_TRY(
      paginate(request, std::move(all), out.users, out, [](const wire::User& u) { return u.user_name; }));
  return out;
}

Result<wire::UpdateUserResponse> Service::update_user(api::Context& ctx,
                                                      const wire::UpdateUserRequest& request) {
  MEKONG_TRY_ASSIGN(auto found, entity<User>(ctx, request.user_name));
  User renamed = *found;
  renamed.name = request.new_user_name.value_or(found->name);
  renamed.path = request.new_path.value_or(found->path);
  MEKONG_TRY(ctx.authorise(renamed.arn()));  // AWS asks for both ends of the move
  MEKONG_TRY(
      directory_.rename_user(ctx.account, request.user_name, {request.new_user_name, request.new_path}));
  return wire::UpdateUserResponse{};
}

Result<wire::DeleteUserResponse> Service::delete_user(api::Context& ctx,
                                                      const wire::DeleteUserRequest& request) {
  MEKONG_TRY(entity<User>(ctx, request.user_name));
  MEKONG_TRY(directory_.delete_user(ctx.account, request.user_name));
  return wire::DeleteUserResponse{};
}

Result<std::string> Service::key_owner(api::Context& ctx, const std::optional<std::string>& given) const {
  const std::string name = name_or_caller(ctx, given);
  if (!name.empty()) {
    MEKONG_TRY(entity<User>(ctx, name));
    return name;
  }
  MEKONG_TRY(ctx.authorise(ctx.principal->arn));
  if (ctx.principal->kind == PrincipalKind::root) return name;
  return Error{"ValidationError", "Must specify userName when calling with non-User credentials", 400};
}

Result<wire::CreateAccessKeyResponse> Service::create_access_key(
    api::Context& ctx, const wire::CreateAccessKeyRequest& request) {
  MEKONG_TRY_ASSIGN(const std::string name, key_owner(ctx, request.user_name));
  MEKONG_TRY_ASSIGN(auto key, directory_.create_key(ctx.account, name));
  return wire::CreateAccessKeyResponse{{.user_name = name,
                                        .access_key_id = key->id,
                                        .status = "Active",
                                        .secret_access_key = key->secret,
                                        .create_date = api::Timestamp{key->created_ms}}};
}

Result<wire::ListAccessKeysResponse> Service::list_access_keys(api::Context& ctx,
                                                               const wire::ListAccessKeysRequest& request) {
  MEKONG_TRY_ASSIGN(const std::string name, key_owner(ctx, request.user_name));
  std::vector<wire::AccessKeyMetadata> all;
  for (const auto& key : directory_.keys(ctx.account, name)) {
    all.push_back({name, key->id, key->active ? "Active" : "Inactive", api::Timestamp{key->created_ms}});
  }
  wire::ListAccessKeysResponse out;
  MEKONG_TRY(paginate(request, std::move(all), out.access_key_metadata, out,
                      [](const wire::AccessKeyMetadata& k) { return *k.access_key_id; }));
  return out;
}

Result<wire::UpdateAccessKeyResponse> Service::update_access_key(
    api::Context& ctx, const wire::UpdateAccessKeyRequest& request) {
  MEKONG_TRY_ASSIGN(const std::string name, key_owner(ctx, request.user_name));
  if (request.status != "Active" && request.status != "Inactive") {
    return Error{"ValidationError", "Status must be Active or Inactive.", 400};
  }
  MEKONG_TRY(directory_.set_key_active(ctx.account, name, request.access_key_id, request.status == "Active"));
  return wire::UpdateAccessKeyResponse{};
}

Result<wire::DeleteAccessKeyResponse> Service::delete_access_key(
    api::Context& ctx, const wire::DeleteAccessKeyRequest& request) {
  MEKONG_TRY_ASSIGN(const std::string name, key_owner(ctx, request.user_name));
  MEKONG_TRY(directory_.delete_key(ctx.account, name, request.access_key_id));
  return wire::DeleteAccessKeyResponse{};
}

Result<wire::GetAccessKeyLastUsedResponse> Service::get_access_key_last_used(
    api::Context& ctx, const wire::GetAccessKeyLastUsedRequest& request) {
  auto key = directory_.find_key(request.access_key_id);
  const bool mine = key && key->account == ctx.account.value;
  auto owner = mine ? directory_.find_user(ctx.account, key->user) : nullptr;
  MEKONG_TRY(ctx.authorise(owner ? owner->arn() : "arn:aws:iam::" + ctx.account.value + ":user/*"));
  if (!mine) {
    return Error{"AccessDenied", "The access key " + request.access_key_id + " is not of this account.", 403};
  }
  wire::AccessKeyLastUsed last{.service_name = "N/A", .region = "N/A"};
  if (auto used = usage_.find(key->id)) last = {api::Timestamp{used->at_ms}, used->service, used->region};
  wire::GetAccessKeyLastUsedResponse out{.access_key_last_used = last};
  if (!key->user.empty()) out.user_name = key->user;
  return out;
}

}  // namespace mekong::iam
