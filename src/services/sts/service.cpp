#include "services/sts/service.h"

#include "policy/document.h"

namespace mekong::sts {
namespace {

constexpr int32_t session_s_default = 3600;
constexpr int32_t chained_session_s_max = 3600;
constexpr int32_t own_session_s_default = 12 * 3600;
constexpr size_t session_policies_bytes_max = 2048;

wire::Credentials credentials_shape(const iam::SessionCredentials& made) {
  return {made.access_key_id, made.secret_access_key, made.session_token, {made.expires_ms}};
}

Status refuse_unbuilt(const wire::AssumeRoleRequest& request) {
  auto unbuilt = [](const char* name) {
    return Error{"NotImplemented", "AssumeRole: " + std::string(name) + " is not built", 501};
  };
  if (request.transitive_tag_keys && !request.transitive_tag_keys->empty())
    return unbuilt("TransitiveTagKeys");
  if (request.serial_number || request.token_code) return unbuilt("SerialNumber and TokenCode");
  if (request.source_identity) return unbuilt("SourceIdentity");
  if (request.provided_contexts && !request.provided_contexts->empty()) return unbuilt("ProvidedContexts");
  if (request.minimum_session_token_size) return unbuilt("MinimumSessionTokenSize");
  return ok();
}

ConditionContext assume_context(const wire::AssumeRoleRequest& request) {
  ConditionContext context{{"sts:RoleSessionName", {request.role_session_name}}};
  if (request.external_id) context["sts:ExternalId"] = {*request.external_id};
  if (!request.tags) return context;
  for (const wire::Tag& tag : *request.tags) {
    context["aws:RequestTag/" + tag.key] = {tag.value};
    context["aws:TagKeys"].push_back(tag.key);
  }
  return context;
}

// May the caller do `action` on the role: by its trust policy, and by the caller's own where that is needed
// too.
Status authorise_on_role(const api::Context& ctx, std::string_view action, const std::string& arn,
                         const iam::Role* role, const ConditionContext& extra) {
  AuthorisationRequest question{
      .principal = *ctx.principal, .action = action, .resource = arn, .context = extra};
  question.context["aws:SourceIp"] = {ctx.source_ip};
  question.context["aws:SecureTransport"] = {ctx.secure ? "true" : "false"};
  if (role != nullptr) {
    question.resource_policy = role->trust;
    question.resource_policy_required = true;
    question.resource_account = AccountId(role->account);
  }
  if (role != nullptr && ctx.authoriser->decide(question).allowed) {
    return ok();
  }
  // Without a word on why: AWS does not tell a stranger whether the role exists.
  return Error{"AccessDenied",
               "User: " + ctx.principal->arn + " is not authorized to perform: " + std::string(action) +
                   " on resource: " + arn,
               403};
}

}  // namespace

Result<wire::GetCallerIdentityResponse> Service::get_caller_identity(api::Context& ctx,
                                                                     const wire::GetCallerIdentityRequest&) {
  const Principal& caller = *ctx.principal;
  return wire::GetCallerIdentityResponse{caller.user_id, caller.account.value, caller.arn};
}

Result<std::vector<std::string>> Service::session_policies(const iam::Role& role,
                                                           const wire::AssumeRoleRequest& request) const {
  std::vector<std::string> out;
  if (request.policy) {
    MEKONG_TRY(policy::parse_document(*request.policy, policy::DocumentKind::identity));
    if (request.policy->size() > session_policies_bytes_max) {
      return Error{"PackedPolicyTooLarge", "Policy is longer than 2048 characters.", 400};
    }
    out.push_back(*request.policy);
  }
  if (!request.policy_arns) return out;
  for (const auto& descriptor : *request.policy_arns) {
    const std::string arn = descriptor.arn.value_or("");
    auto found = directory_.policy_visible(AccountId(role.account), arn) ? directory_.policy_in_force(arn)
                                                                         : std::nullopt;
    if (!found) return Error{"InvalidParameterValue", "PolicyArns: " + arn + " does not exist.", 400};
    out.push_back(found->document);
  }
  return out;
}

Result<wire::AssumeRoleResponse> Service::assume_role(api::Context& ctx,
                                                      const wire::AssumeRoleRequest& request) {
  MEKONG_TRY(refuse_unbuilt(request));
  auto role = directory_.find_role_by_arn(request.role_arn);
  const ConditionContext context = assume_context(request);
  MEKONG_TRY(authorise_on_role(ctx, "sts:AssumeRole", request.role_arn, role.get(), context));
  const bool tagged = request.tags && !request.tags->empty();
  if (tagged) MEKONG_TRY(authorise_on_role(ctx, "sts:TagSession", request.role_arn, role.get(), context));
  ctx.authorised = true;
  const bool chained = ctx.principal->kind == PrincipalKind::role_session;
  const int32_t duration_s = request.duration_seconds.value_or(session_s_default);
  if (duration_s > (chained ? chained_session_s_max : role->max_session_s)) {
    return Error{
        "ValidationError",
        chained ? "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role "
                  "chaining"
                : "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
        400};
  }
  iam::SessionRequest session{.role = role,
                              .account = AccountId(role->account),
                              .session_name = request.role_session_name,
                              .duration_s = duration_s};
  MEKONG_TRY_ASSIGN(session.policies, session_policies(*role, request));
  if (tagged) {
    for (const wire::Tag& tag : *request.tags) session.tags[tag.key] = tag.value;
  }
  const auto made = sessions_.issue(session);
  wire::AssumeRoleResponse out{.credentials = credentials_shape(made),
                               .assumed_role_user = {{made.principal->user_id, made.principal->arn}}};
  return out;
}

Result<wire::GetSessionTokenResponse> Service::get_session_token(
    api::Context& ctx, const wire::GetSessionTokenRequest& request) {
  if (request.serial_number || request.token_code) {
    return Error{"NotImplemented", "GetSessionToken: SerialNumber and TokenCode are not built", 501};
  }
  if (request.minimum_session_token_size) {
    return Error{"NotImplemented", "GetSessionToken: MinimumSessionTokenSize is not built", 501};
  }
  const Principal& caller = *ctx.principal;
  const bool long_lived =
      caller.expires_ms == 0 && (caller.kind == PrincipalKind::user || caller.kind == PrincipalKind::root);
  if (!long_lived) return Error{"AccessDenied", "Cannot call GetSessionToken with session credentials", 403};
  iam::SessionRequest session{.account = caller.account,
                              .duration_s = request.duration_seconds.value_or(own_session_s_default)};
  if (auto parsed = iam::parse_iam_arn(caller.arn, "user")) {
    session.user = directory_.find_user(parsed->account, parsed->name);
    if (!session.user) return Error{"InvalidClientTokenId", "The user is gone.", 403};
  } else {
    session.duration_s = std::min<int64_t>(session.duration_s, session_s_default);
  }
  return wire::GetSessionTokenResponse{.credentials = credentials_shape(sessions_.issue(session))};
}

Result<wire::GetAccessKeyInfoResponse> Service::get_access_key_info(
    api::Context&, const wire::GetAccessKeyInfoRequest& request) {
  auto key = directory_.find_key(request.access_key_id);
  if (!key) {
    // A session's account stands in its token alone.
    if (request.access_key_id.starts_with("ASIA")) {
      return Error{"NotImplemented", "GetAccessKeyInfo of temporary keys is not built", 501};
    }
    return Error{"ValidationError", "No such access key: " + request.access_key_id, 400};
  }
  return wire::GetAccessKeyInfoResponse{key->account};
}

}  // namespace mekong::sts
