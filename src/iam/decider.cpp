#include "iam/decider.h"

#include <mutex>

#include "codec/time.h"

namespace mekong::iam {
namespace {

constexpr size_t documents_max = 4096;

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
    case PrincipalKind::anonymous:
      return "Anonymous";
  }
  return "Anonymous";
}

}  // namespace

Result<policy::DocumentPtr> DocumentCache::get(std::string_view text) const {
  {
    std::shared_lock lock(mutex_);
    if (auto at = documents_.find(text); at != documents_.end()) return at->second;
  }
  MEKONG_TRY_ASSIGN(auto document, policy::parse_document(text, policy::DocumentKind::stored));
  std::unique_lock lock(mutex_);
  if (documents_.size() >= documents_max) documents_.clear();
  documents_.emplace(text, document);
  return document;
}

Status Decider::add_identity(const Identity& identity, policy::Documents& documents) const {
  for (const auto& [name, text] : identity.inline_policies) {
    MEKONG_TRY_ASSIGN(auto document, cache_.get(text));
    documents.identity.push_back({name, document});
  }
  for (const std::string& arn : identity.attached) {
    auto found = directory_.policy_in_force(arn);
    if (!found) continue;  // being deleted; an attachment to nothing grants nothing
    MEKONG_TRY_ASSIGN(auto document, cache_.get(found->document));
    documents.identity.push_back({found->name, document});
  }
  if (identity.boundary.empty()) return ok();
  auto boundary = directory_.policy_in_force(identity.boundary);
  if (!boundary) return Error{"AccessDenied", "the permissions boundary is gone"};
  MEKONG_TRY_ASSIGN(auto document, cache_.get(boundary->document));
  documents.boundary = policy::NamedDocument{boundary->name, document};
  return ok();
}

Result<policy::Documents> Decider::documents_for(const AuthorisationRequest& request) const {
  const Principal& principal = request.principal;
  policy::Documents documents;
  const Error gone{"AccessDenied", "the caller's role or user no longer exists"};
  if (principal.kind == PrincipalKind::role_session) {
    auto role = directory_.find_role_by_arn(principal.role_arn);
    const std::string id = principal.user_id.substr(0, principal.user_id.find(':'));
    if (!role || role->id != id) return gone;
    MEKONG_TRY(add_identity(*role, documents));
  } else if (principal.kind == PrincipalKind::user) {
    auto parsed = parse_iam_arn(principal.arn, "user");
    auto user = parsed ? directory_.find_user(parsed->account, parsed->name) : nullptr;
    if (!user || user->id != principal.user_id) return gone;
    MEKONG_TRY(add_identity(*user, documents));
  }
  for (const std::string& text : principal.session_policies) {
    MEKONG_TRY_ASSIGN(auto document, cache_.get(text));
    documents.session.push_back({"session", document});
  }
  if (!request.resource_policy.empty()) {
    MEKONG_TRY_ASSIGN(auto document, cache_.get(request.resource_policy));
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
  context.set("aws:PrincipalType", {principal_type(principal.kind)});
  context.set("aws:PrincipalArn", {principal.role_arn.empty() ? principal.arn : principal.role_arn});
  context.set("aws:PrincipalAccount", {principal.account.value});
  context.set("aws:userid", {principal.user_id});
  context.set("aws:username", {});
  if (principal.kind == PrincipalKind::user) {
    context.set("aws:username", {principal.arn.substr(principal.arn.rfind('/') + 1)});
  }
  context.set("aws:PrincipalIsAWSService", {principal.kind == PrincipalKind::service ? "true" : "false"});
  for (const auto& [key, value] : principal.tags) context.set("aws:PrincipalTag/" + key, {value});
  if (!request.resource_account.value.empty()) {
    context.set("aws:ResourceAccount", {request.resource_account.value});
  }
  return context;
}

Decision Decider::decide(const AuthorisationRequest& request) const {
  const Principal& principal = request.principal;
  if (principal.expires_ms != 0 && principal.expires_ms <= clock_.wall_ms()) {
    return {false, "because the security token has expired"};
  }
  auto documents = documents_for(request);
  if (!documents.ok()) return {false, "because " + documents.error().message};
  const policy::Context context = context_for(request);
  const std::string& owner = request.resource_account.value;
  const policy::Query query{principal,
                            request.action,
                            request.resource,
                            context,
                            request.resource_policy_required,
                            !owner.empty() && owner != principal.account.value};
  const policy::Verdict verdict = policy::evaluate(query, *documents);
  return {verdict.outcome == policy::Outcome::allowed, policy::denial_reason(verdict, request.action)};
}

}  // namespace mekong::iam
