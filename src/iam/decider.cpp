#include "iam/decider.h"

#include "codec/time.h"

namespace mekong::iam {
namespace {

constexpr std::string_view allow_everything =
    R"({"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}})";

Error gone() {
  return {"AccessDenied", "the caller's role or user no longer exists"};
}

const char* principal_type(PrincipalKind kind) {
  switch (kind) {
    case PrincipalKind::root:
      return "Account";
    case PrincipalKind::user:
      return "User";
    case PrincipalKind::role_session:
      return "AssumedRole";
    case PrincipalKind::federated_user:
      return "FederatedUser";
    case PrincipalKind::service:
      return "Service";
    case PrincipalKind::web_identity:
      return "FederatedUser";
    case PrincipalKind::anonymous:
      return "Anonymous";
  }
  return "Anonymous";
}

const char* outcome_name(policy::Outcome outcome) {
  if (outcome == policy::Outcome::allowed) return "allowed";
  return outcome == policy::Outcome::explicit_deny ? "explicitly denied" : "implicitly denied";
}

const char* source_name(policy::Source source) {
  constexpr const char* names[] = {"none", "identity", "boundary", "session", "resource"};
  return names[static_cast<size_t>(source)];
}

// What sessions of GetSessionToken and GetFederationToken may not do, whatever their policies say:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_sts-comparison.html
bool out_of_reach(const Principal& principal, std::string_view action) {
  const bool federated = principal.kind == PrincipalKind::federated_user;
  const bool own = principal.issued_ms != 0 &&
                   (principal.kind == PrincipalKind::user || principal.kind == PrincipalKind::root);
  if (!federated && !own) return false;
  return action.starts_with("iam:") ||
         (action.starts_with("sts:") && (federated || action != "sts:AssumeRole"));
}

std::vector<std::string> if_any(std::string value) {
  return value.empty() ? std::vector<std::string>{} : std::vector{std::move(value)};
}

// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
void set_principal_keys(policy::Context& context, const Principal& principal) {
  const bool service = principal.kind == PrincipalKind::service;
  context.set("aws:PrincipalType", {principal_type(principal.kind)});
  context.set("aws:PrincipalArn", if_any(principal.role_arn.empty() ? principal.arn : principal.role_arn));
  context.set("aws:PrincipalAccount", if_any(principal.account.value));
  context.set("aws:userid", if_any(principal.user_id));
  const bool user = principal.kind == PrincipalKind::user;
  context.set("aws:username", user ? if_any(principal.arn.substr(principal.arn.rfind('/') + 1)) : if_any(""));
  context.set("aws:PrincipalIsAWSService", {service ? "true" : "false"});
  context.set("aws:PrincipalServiceName", if_any(service ? principal.arn : ""));
  context.set("aws:SourceIdentity", if_any(principal.source_identity));
  context.set("aws:FederatedProvider", if_any(principal.federated_provider));
  const bool temporary = principal.issued_ms != 0;
  context.set("aws:TokenIssueTime", if_any(temporary ? codec::format_iso8601(principal.issued_ms) : ""));
  // Long-lived keys have no such key at all, as in AWS.
  context.set("aws:MultiFactorAuthPresent", if_any(temporary ? "false" : ""));
  for (const auto& [key, value] : principal.tags) context.set("aws:PrincipalTag/" + key, {value});
}

}  // namespace

Status Decider::add_user(std::string_view arn, std::string_view id, policy::Documents& documents) const {
  auto parsed = parse_iam_arn(arn, User::type);
  auto user = parsed ? directory_.find_user(parsed->account, parsed->name) : nullptr;
  if (!user || (!id.empty() && user->id != id)) return gone();
  return standing_.add(*user, documents);
}

// What a federated user may at most: its issuer's policies, and nothing without a session policy.
Status Decider::add_issuer(const Principal& principal, policy::Documents& documents) const {
  if (principal.session_policies.empty()) return ok();
  if (!principal.issuer_arn.ends_with(":root")) return add_user(principal.issuer_arn, "", documents);
  MEKONG_TRY_ASSIGN(auto everything, standing_.compiled(allow_everything));
  documents.identity.push_back({"root", everything});
  return ok();
}

Result<policy::Documents> Decider::documents_for(const AuthorisationRequest& request) const {
  const Principal& principal = request.principal;
  policy::Documents documents;
  if (principal.kind == PrincipalKind::role_session) {
    auto role = directory_.find_role_by_arn(principal.role_arn);
    const std::string id = principal.user_id.substr(0, principal.user_id.find(':'));
    if (!role || role->id != id) return gone();
    MEKONG_TRY(standing_.add(*role, documents));
  } else if (principal.kind == PrincipalKind::user) {
    MEKONG_TRY(add_user(principal.arn, principal.user_id, documents));
  } else if (principal.kind == PrincipalKind::federated_user) {
    MEKONG_TRY(add_issuer(principal, documents));
  }
  for (const std::string& text : principal.session_policies) {
    MEKONG_TRY_ASSIGN(auto document, standing_.compiled(text));
    documents.session.push_back({"session", document});
  }
  if (!request.resource_policy.empty()) {
    MEKONG_TRY_ASSIGN(auto document, standing_.compiled(request.resource_policy));
    documents.resource = policy::NamedDocument{"resource", document};
  }
  return documents;
}

policy::Context Decider::context_for(const AuthorisationRequest& request) const {
  const Principal& principal = request.principal;
  policy::Context context(request.context);
  const int64_t now_ms = clock_.wall_ms();
  // Set last: a face cannot speak for the principal.
  context.set("aws:CurrentTime", {codec::format_iso8601(now_ms)});
  context.set("aws:EpochTime", {std::to_string(now_ms / 1000)});
  set_principal_keys(context, principal);
  if (!request.resource_account.value.empty()) {
    context.set("aws:ResourceAccount", {request.resource_account.value});
  }
  return context;
}

Decider::Judged Decider::judge(const AuthorisationRequest& request, const policy::Context& context) const {
  const Principal& principal = request.principal;
  if (principal.expires_ms != 0 && principal.expires_ms <= clock_.wall_ms()) {
    return {{}, "because the security token has expired"};
  }
  if (out_of_reach(principal, request.action)) {
    return {{}, "because temporary credentials of users may not call it"};
  }
  auto documents = documents_for(request);
  if (!documents.ok()) return {{}, "because " + documents.error().message};
  const std::string& owner = request.resource_account.value;
  const policy::Query query{principal,
                            request.action,
                            request.resource,
                            context,
                            request.resource_policy_required,
                            !owner.empty() && owner != principal.account.value};
  policy::Verdict verdict = policy::evaluate(query, *documents);
  std::string reason = policy::denial_reason(verdict, request.action);
  return {std::move(verdict), std::move(reason)};
}

Decision Decider::decide(const AuthorisationRequest& request) const {
  const bool brought = !request.resource_policy.empty() || !request.resource_account.value.empty();
  if (brought) return decide_on(request);
  const auto standing = resources_.of(request.principal, request.action, request.resource);
  if (!standing) return decide_on(request);
  AuthorisationRequest known = request;
  known.resource_account = standing->owner;
  known.resource_policy = standing->policy;
  return decide_on(known);
}

Decision Decider::decide_on(const AuthorisationRequest& request) const {
  const Principal& principal = request.principal;
  const policy::Context context = context_for(request);
  Judged judged = judge(request, context);
  Decision decision{judged.verdict.outcome == policy::Outcome::allowed, std::move(judged.reason)};
  if (decision.allowed && log_.recording()) {
    log_.recorded(principal.role_arn.empty() ? principal.arn : principal.role_arn, request.action,
                  request.resource);
  }
  if (request.request_id.empty()) return decision;
  Explained explained{.request_id = std::string(request.request_id),
                      .principal_arn = principal.arn,
                      .principal_id = principal.user_id,
                      .account = principal.account.value,
                      .action = std::string(request.action),
                      .resource = std::string(request.resource),
                      .outcome = outcome_name(judged.verdict.outcome),
                      .source = source_name(judged.verdict.source),
                      .policy = std::move(judged.verdict.policy),
                      .sid = std::move(judged.verdict.sid),
                      .reason = decision.reason,
                      .context = {context.values().begin(), context.values().end()},
                      .at_ms = clock_.wall_ms()};
  if (!decision.allowed) decision.encoded_message = log_.encode(explained);
  log_.keep(std::move(explained));
  return decision;
}

}  // namespace mekong::iam
