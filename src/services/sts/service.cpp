#include "services/sts/service.h"

#include <algorithm>
#include <set>

#include "api/tags.h"
#include "codec/compress.h"
#include "codec/text.h"
#include "policy/document.h"

namespace mekong::sts {
namespace {

constexpr int32_t session_s_default = 3600;
constexpr int32_t chained_session_s_max = 3600;
constexpr int32_t root_session_s_max = 3600;
constexpr int32_t own_session_s_default = 12 * 3600;
constexpr size_t session_policies_bytes_max = 2048;
constexpr size_t managed_session_policies_max = 10;
constexpr size_t packed_bytes_max = 2048;  // AWS does not tell its own

wire::Credentials credentials_shape(const iam::SessionCredentials& made) {
  return {made.access_key_id, made.secret_access_key, made.session_token, {made.expires_ms}};
}

Error validation_error(std::string message) {
  return {"ValidationError", std::move(message), 400};
}

Status refuse(std::string_view operation, std::string_view parameter, bool given) {
  if (!given) return ok();
  return Error{"NotImplemented", std::string(operation) + ": " + std::string(parameter) + " is not built",
               501};
}

std::string transitive_key_of(const Principal& caller, const std::string& key) {
  for (const std::string& inherited : caller.transitive_tags) {
    if (codec::equal_no_case(inherited, key)) return inherited;
  }
  return {};
}

api::Tags tags_of(const std::optional<std::vector<wire::Tag>>& tags) {
  api::Tags out;
  for (const wire::Tag& tag : tags.value_or(std::vector<wire::Tag>{})) out[tag.key] = tag.value;
  return out;
}

// Session tags as asked for, on top of those that the caller's own session hands down.
Status set_tags(iam::SessionRequest& session, const Principal& caller,
                const std::optional<std::vector<wire::Tag>>& tags,
                const std::vector<std::string>& transitive) {
  std::set<std::string> seen;
  for (const wire::Tag& tag : tags.value_or(std::vector<wire::Tag>{})) {
    const std::string key = codec::lower_case(tag.key);
    if (key.starts_with("aws:")) return validation_error("Tag keys must not begin with aws:.");
    if (!seen.insert(key).second) {
      return Error{"InvalidParameterValue",
                   "Duplicate tag keys found. Please note that Tag keys are case insensitive.", 400};
    }
    if (!transitive_key_of(caller, tag.key).empty()) {
      return Error{
          "InvalidParameterValue",
          "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag "
          "key from the calling session.",
          400};
    }
    session.tags[tag.key] = tag.value;
  }
  for (const std::string& key : transitive) {
    if (!seen.contains(codec::lower_case(key))) {
      return Error{"InvalidParameterValue",
                   "The specified transitive tag key must be included in the requested tags.", 400};
    }
    session.transitive_tags.push_back(key);
  }
  for (const std::string& key : caller.transitive_tags) {
    auto inherited = caller.tags.find(key);
    if (inherited == caller.tags.end()) continue;
    session.tags[key] = inherited->second;
    session.transitive_tags.push_back(key);
  }
  return ok();
}

// How much of their room a session's policies and tags take, packed, in percent; none where there are none.
Result<std::optional<int32_t>> packed_size(const iam::SessionRequest& session) {
  std::string plain;
  for (const std::string& policy : session.policies) plain += policy + '\n';
  for (const auto& [key, value] : session.tags) plain.append(key).append("=").append(value).append("\n");
  if (plain.empty()) return std::optional<int32_t>();
  MEKONG_TRY_ASSIGN(const std::string packed, codec::compress(codec::Compression::zstd, plain));
  const size_t percent = (packed.size() * 100 + packed_bytes_max - 1) / packed_bytes_max;
  if (percent <= 100) return std::optional(static_cast<int32_t>(percent));
  return Error{
      "PackedPolicyTooLarge",
      "Packed policy consumes " + std::to_string(percent) + "% of allotted space, please use smaller policy.",
      400};
}

// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html#condition-keys-sts
ConditionContext assume_context(const wire::AssumeRoleRequest& request) {
  ConditionContext context{{"sts:RoleSessionName", {request.role_session_name}}};
  if (request.external_id) context["sts:ExternalId"] = {*request.external_id};
  if (request.source_identity) context["sts:SourceIdentity"] = {*request.source_identity};
  if (request.transitive_tag_keys && !request.transitive_tag_keys->empty()) {
    context["sts:TransitiveTagKeys"] = *request.transitive_tag_keys;
  }
  context.merge(api::request_tags(tags_of(request.tags)));
  return context;
}

// May the caller do `action` on the role: by its trust policy, and by the caller's own where that is needed
// too.
Status authorise_on_role(api::Context& ctx, std::string_view action, const std::string& arn,
                         const iam::Role* role, const ConditionContext& extra) {
  AuthorisationRequest question{
      .principal = *ctx.principal, .action = action, .resource = arn, .context = extra, .known = ctx.known};
  question.context.insert(ctx.conditions.begin(), ctx.conditions.end());
  question.request_id = ctx.request_id;
  if (role != nullptr) {
    question.resource_policy = role->trust;
    question.resource_policy_required = true;
    question.resource_account = AccountId(role->account);
    question.context.merge(api::resource_tags(role->tags));
    for (const auto& [key, value] : role->tags) question.context["iam:ResourceTag/" + key] = {value};
    Decision decision = ctx.authoriser->decide(question);
    if (decision.allowed) return ok();
    ctx.denial_message = std::move(decision.encoded_message);
  }
  // Without a word on why: AWS does not tell a stranger whether the role exists.
  return Error{"AccessDenied",
               "User: " + ctx.principal->arn + " is not authorized to perform: " + std::string(action) +
                   " on resource: " + arn,
               403};
}

// Who is behind a chain of sessions stays the same along it.
Result<std::string> source_identity(const Principal& caller, const std::optional<std::string>& asked) {
  if (!asked) return caller.source_identity;
  if (caller.source_identity.empty() || caller.source_identity == *asked) return *asked;
  return Error{"AccessDenied", "The source identity of the calling session cannot be changed.", 403};
}

Status check_duration(int32_t duration_s, const Principal& caller, const iam::Role& role) {
  const bool chained = caller.kind == PrincipalKind::role_session;
  if (duration_s <= (chained ? chained_session_s_max : role.max_session_s)) return ok();
  return validation_error(
      chained ? "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role "
                "chaining"
              : "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.");
}

}  // namespace

Result<wire::GetCallerIdentityResponse> Service::get_caller_identity(api::Context& ctx,
                                                                     const wire::GetCallerIdentityRequest&) {
  const Principal& caller = *ctx.principal;
  return wire::GetCallerIdentityResponse{caller.user_id, caller.account.value, caller.arn};
}

Result<std::vector<std::string>> Service::session_policies(
    const AccountId& account, const std::optional<std::string>& policy,
    const std::optional<std::vector<wire::PolicyDescriptorType>>& arns) const {
  std::vector<std::string> out;
  if (policy) {
    MEKONG_TRY(policy::parse_document(*policy, policy::DocumentKind::identity));
    if (policy->size() > session_policies_bytes_max) {
      return Error{"PackedPolicyTooLarge", "Policy is longer than 2048 characters.", 400};
    }
    out.push_back(*policy);
  }
  if (!arns) return out;
  if (arns->size() > managed_session_policies_max) {
    return validation_error(
        "1 validation error detected: Value at 'policyArns' failed to satisfy constraint: Member must have "
        "length less than or equal to 10");
  }
  for (const auto& descriptor : *arns) {
    const std::string arn = descriptor.arn.value_or("");
    if (!directory_.policy_visible(account, arn) || !directory_.policy_in_force(arn)) {
      return Error{"InvalidParameterValue", "PolicyArns: " + arn + " does not exist.", 400};
    }
    out.push_back(arn);
  }
  return out;
}

Result<wire::AssumeRoleResponse> Service::assume_role(api::Context& ctx,
                                                      const wire::AssumeRoleRequest& request) {
  MEKONG_TRY(refuse("AssumeRole", "SerialNumber and TokenCode", request.serial_number || request.token_code));
  MEKONG_TRY(refuse("AssumeRole", "ProvidedContexts",
                    request.provided_contexts && !request.provided_contexts->empty()));
  MEKONG_TRY(refuse("AssumeRole", "MinimumSessionTokenSize", request.minimum_session_token_size.has_value()));
  const Principal& caller = *ctx.principal;
  auto role = directory_.find_role_by_arn(request.role_arn);
  const ConditionContext context = assume_context(request);
  std::vector<std::string_view> actions = {"sts:AssumeRole"};
  if (request.tags && !request.tags->empty()) actions.push_back("sts:TagSession");
  if (request.source_identity) actions.push_back("sts:SetSourceIdentity");
  for (std::string_view action : actions) {
    MEKONG_TRY(authorise_on_role(ctx, action, request.role_arn, role.get(), context));
  }
  ctx.authorised = true;
  const int32_t duration_s = request.duration_seconds.value_or(session_s_default);
  MEKONG_TRY(check_duration(duration_s, caller, *role));
  iam::SessionRequest session{.role = role,
                              .account = AccountId(role->account),
                              .session_name = request.role_session_name,
                              .duration_s = duration_s};
  MEKONG_TRY_ASSIGN(session.policies, session_policies(session.account, request.policy, request.policy_arns));
  MEKONG_TRY_ASSIGN(session.source_identity, source_identity(caller, request.source_identity));
  MEKONG_TRY(set_tags(session, caller, request.tags,
                      request.transitive_tag_keys.value_or(std::vector<std::string>{})));
  MEKONG_TRY_ASSIGN(const auto packed, packed_size(session));
  const auto made = sessions_.issue(session);
  wire::AssumeRoleResponse out{.credentials = credentials_shape(made),
                               .assumed_role_user = {{made.principal->user_id, made.principal->arn}},
                               .packed_policy_size = packed};
  if (!session.source_identity.empty()) out.source_identity = session.source_identity;
  return out;
}

Result<wire::AssumeRoleWithWebIdentityResponse> Service::assume_role_with_web_identity(
    api::Context& ctx, const wire::AssumeRoleWithWebIdentityRequest& request) {
  MEKONG_TRY(refuse("AssumeRoleWithWebIdentity", "ProviderId", request.provider_id.has_value()));
  MEKONG_TRY(refuse("AssumeRoleWithWebIdentity", "MinimumSessionTokenSize",
                    request.minimum_session_token_size.has_value()));
  const Error denied{"AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity", 403};
  auto role = directory_.find_role_by_arn(request.role_arn);
  if (!role) return denied;
  const AccountId account(role->account);
  MEKONG_TRY_ASSIGN(const auto identity, identities_.verify(account, request.web_identity_token));
  auto caller = std::make_shared<Principal>();
  caller->kind = PrincipalKind::web_identity;
  caller->arn = identity.provider->url + ":" + identity.subject;
  caller->federated_provider = identity.provider->arn;
  ctx.principal = caller;
  ConditionContext context = identity.keys;
  context["sts:RoleSessionName"] = {request.role_session_name};
  if (!identity.source_identity.empty()) context["sts:SourceIdentity"] = {identity.source_identity};
  for (const auto& [key, value] : identity.tags) {
    context["aws:RequestTag/" + key] = {value};
    context["aws:TagKeys"].push_back(key);
  }
  std::vector<std::string_view> actions = {"sts:AssumeRoleWithWebIdentity"};
  if (!identity.tags.empty()) actions.push_back("sts:TagSession");
  if (!identity.source_identity.empty()) actions.push_back("sts:SetSourceIdentity");
  for (std::string_view action : actions) {
    if (!authorise_on_role(ctx, action, request.role_arn, role.get(), context).ok()) return denied;
  }
  ctx.authorised = true;
  const int32_t duration_s = request.duration_seconds.value_or(session_s_default);
  MEKONG_TRY(check_duration(duration_s, *caller, *role));
  iam::SessionRequest session{.role = role,
                              .account = account,
                              .session_name = request.role_session_name,
                              .tags = identity.tags,
                              .transitive_tags = identity.transitive_tags,
                              .source_identity = identity.source_identity,
                              .federated_provider = identity.provider->arn,
                              .duration_s = duration_s};
  MEKONG_TRY_ASSIGN(session.policies, session_policies(account, request.policy, request.policy_arns));
  MEKONG_TRY_ASSIGN(const auto packed, packed_size(session));
  const auto made = sessions_.issue(session);
  wire::AssumeRoleWithWebIdentityResponse out{
      .credentials = credentials_shape(made),
      .subject_from_web_identity_token = identity.subject,
      .assumed_role_user = {{made.principal->user_id, made.principal->arn}},
      .packed_policy_size = packed};
  out.provider = identity.provider->arn;
  out.audience = identity.audience;
  if (!identity.source_identity.empty()) out.source_identity = identity.source_identity;
  return out;
}

Result<iam::SessionRequest> Service::own_session(const api::Context& ctx, std::optional<int32_t> duration_s,
                                                 std::string_view operation) const {
  const Principal& caller = *ctx.principal;
  const bool root = caller.kind == PrincipalKind::root;
  if (caller.expires_ms != 0 || (caller.kind != PrincipalKind::user && !root)) {
    return Error{"AccessDenied", "Cannot call " + std::string(operation) + " with session credentials", 403};
  }
  iam::SessionRequest session{.account = caller.account,
                              .duration_s = duration_s.value_or(own_session_s_default)};
  if (root) {
    session.duration_s = std::min<int64_t>(session.duration_s, root_session_s_max);
    return session;
  }
  auto parsed = iam::parse_iam_arn(caller.arn, "user");
  session.user = parsed ? directory_.find_user(parsed->account, parsed->name) : nullptr;
  if (!session.user) return Error{"InvalidClientTokenId", "The user is gone.", 403};
  return session;
}

Result<wire::GetSessionTokenResponse> Service::get_session_token(
    api::Context& ctx, const wire::GetSessionTokenRequest& request) {
  MEKONG_TRY(
      refuse("GetSessionToken", "SerialNumber and TokenCode", request.serial_number || request.token_code));
  MEKONG_TRY(
      refuse("GetSessionToken", "MinimumSessionTokenSize", request.minimum_session_token_size.has_value()));
  MEKONG_TRY_ASSIGN(const auto session, own_session(ctx, request.duration_seconds, "GetSessionToken"));
  return wire::GetSessionTokenResponse{.credentials = credentials_shape(sessions_.issue(session))};
}

Result<wire::GetFederationTokenResponse> Service::get_federation_token(
    api::Context& ctx, const wire::GetFederationTokenRequest& request) {
  MEKONG_TRY(refuse("GetFederationToken", "MinimumSessionTokenSize",
                    request.minimum_session_token_size.has_value()));
  const std::string arn = "arn:aws:sts::" + ctx.account.value + ":federated-user/" + request.name;
  const ConditionContext tagged = api::request_tags(tags_of(request.tags));
  MEKONG_TRY(ctx.authorise(arn, tagged));
  if (!tagged.empty()) MEKONG_TRY(ctx.authorise_action("sts:TagSession", arn, tagged));
  MEKONG_TRY_ASSIGN(auto session, own_session(ctx, request.duration_seconds, "GetFederationToken"));
  session.federated_name = request.name;
  MEKONG_TRY_ASSIGN(session.policies, session_policies(session.account, request.policy, request.policy_arns));
  MEKONG_TRY(set_tags(session, *ctx.principal, request.tags, {}));
  MEKONG_TRY_ASSIGN(const auto packed, packed_size(session));
  const auto made = sessions_.issue(session);
  return wire::GetFederationTokenResponse{.credentials = credentials_shape(made),
                                          .federated_user = {{made.principal->user_id, made.principal->arn}},
                                          .packed_policy_size = packed};
}

Result<wire::GetAccessKeyInfoResponse> Service::get_access_key_info(
    api::Context&, const wire::GetAccessKeyInfoRequest& request) {
  if (auto key = directory_.find_key(request.access_key_id)) {
    return wire::GetAccessKeyInfoResponse{key->account};
  }
  if (auto account = sessions_.account_of(request.access_key_id)) {
    return wire::GetAccessKeyInfoResponse{account->value};
  }
  return validation_error("No such access key: " + request.access_key_id);
}

Result<wire::DecodeAuthorizationMessageResponse> Service::decode_authorization_message(
    api::Context& ctx, const wire::DecodeAuthorizationMessageRequest& request) {
  MEKONG_TRY_ASSIGN(auto message, decisions_.decode(ctx.account, request.encoded_message));
  return wire::DecodeAuthorizationMessageResponse{std::move(message)};
}

}  // namespace mekong::sts
