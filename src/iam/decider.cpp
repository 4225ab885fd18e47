#include "iam/decider.h"

#include "iam/known_keys.h"

namespace mekong::iam {
namespace {

constexpr std::string_view allow_everything =
    R"({"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}})";

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

}  // namespace

// What a federated user may at most: its issuer's policies, and nothing without a session policy.
Result<DocumentsPtr> Decider::of_issuer(const Principal& principal) const {
  if (principal.session_policies.empty()) return nothing_;
  if (!principal.issuer_arn.ends_with(":root")) return standing_.of_user(principal.issuer_arn, "");
  policy::Documents documents;
  MEKONG_TRY_ASSIGN(auto everything, standing_.compiled(allow_everything));
  documents.identity.push_back({"root", everything});
  return std::make_shared<const policy::Documents>(std::move(documents));
}

Result<DocumentsPtr> Decider::standing_of(const Principal& principal) const {
  switch (principal.kind) {
    case PrincipalKind::role_session:
      return standing_.of_role(principal.role_arn,
                               std::string_view(principal.user_id).substr(0, principal.user_id.find(':')));
    case PrincipalKind::user:
      return standing_.of_user(principal.arn, principal.user_id);
    case PrincipalKind::federated_user:
      return of_issuer(principal);
    default:
      return nothing_;
  }
}

Status Decider::find_documents(const Asked& asked, Judged& found) const {
  const Principal& principal = asked.request.principal;
  MEKONG_TRY_ASSIGN(found.standing, standing_of(principal));
  for (const std::string& text : principal.session_policies) {
    if (text.starts_with("arn:")) {
      MEKONG_TRY_ASSIGN(auto managed, standing_.managed(text));
      found.session.push_back(std::move(managed));
      continue;
    }
    MEKONG_TRY_ASSIGN(auto document, standing_.compiled(text));
    found.session.push_back({"session", std::move(document)});
  }
  if (asked.policy.empty()) return ok();
  MEKONG_TRY_ASSIGN(auto document, standing_.compiled(asked.policy));
  found.resource = {"resource", std::move(document)};
  return ok();
}

void Decider::judge(const Asked& asked, const policy::Context& context, Judged& judged) const {
  const AuthorisationRequest& request = asked.request;
  const Principal& principal = request.principal;
  if (principal.expires_ms != 0 && principal.expires_ms <= clock_.wall_ms()) {
    judged.reason = "because the security token has expired";
    return;
  }
  if (out_of_reach(principal, request.action)) {
    judged.reason = "because temporary credentials of users may not call it";
    return;
  }
  const Status known = find_documents(asked, judged);
  if (!known.ok()) {
    judged.reason = "because " + known.error().message;
    return;
  }
  const policy::Query query{principal,
                            request.action,
                            request.resource,
                            context,
                            request.resource_policy_required,
                            !asked.owner.empty() && asked.owner != principal.account.value};
  judged.verdict = policy::evaluate(query, *judged.standing,
                                    {judged.session, judged.resource.document ? &judged.resource : nullptr});
  judged.reason = policy::denial_reason(judged.verdict, request.action);
}

Decision Decider::decide(const AuthorisationRequest& request) const {
  const bool brought = !request.resource_policy.empty() || !request.resource_account.value.empty();
  if (brought) return decide_on({request, request.resource_account.value, request.resource_policy});
  const auto standing = resources_.of(request.principal, request.action, request.resource);
  if (!standing) return decide_on({request, {}, {}});
  return decide_on({request, standing->owner.value, standing->policy});
}

Decision Decider::decide_on(const Asked& asked) const {
  const AuthorisationRequest& request = asked.request;
  const Principal& principal = request.principal;
  const KnownKeys known(request, asked.owner, clock_.wall_ms());
  const policy::Context context(request.context, known);
  Judged judged;
  judge(asked, context, judged);
  Decision decision{judged.verdict.outcome == policy::Outcome::allowed, std::move(judged.reason)};
  if (decision.allowed && log_.recording()) {
    log_.recorded(principal.role_arn.empty() ? principal.arn : principal.role_arn, request.action,
                  request.resource);
  }
  if (!request.request_id.empty()) {
    explain(asked, judged, context, decision);
  } else if (!decision.allowed) {
    tell_denial(asked, judged, decision.reason);
  }
  return decision;
}

// The same again and again, as of a client that asks for each topic, is one line.
void Decider::tell_denial(const Asked& asked, const Judged& judged, const std::string& reason) const {
  const AuthorisationRequest& request = asked.request;
  const int64_t now_ms = clock_.wall_ms();
  if (log_.denied_again(request.principal.arn, request.action, request.resource, now_ms)) return;
  Explained denied{.principal_arn = request.principal.arn,
                   .principal_id = request.principal.user_id,
                   .account = request.principal.account.value,
                   .action = std::string(request.action),
                   .resource = std::string(request.resource),
                   .outcome = outcome_name(judged.verdict.outcome),
                   .source = source_name(judged.verdict.source),
                   .policy = std::string(judged.verdict.policy),
                   .sid = std::string(judged.verdict.sid),
                   .reason = reason,
                   .at_ms = now_ms};
  logger_.info("iam", "denied",
               {{"who", denied.principal_arn},
                {"what", denied.action},
                {"on", denied.resource},
                {"why", denied.reason}});
  log_.remember(std::move(denied));
}

void Decider::explain(const Asked& asked, const Judged& judged, const policy::Context& context,
                      Decision& decision) const {
  const AuthorisationRequest& request = asked.request;
  log_.keep([&](Explained& kept) {
    kept.request_id.assign(request.request_id);
    kept.principal_arn = request.principal.arn;
    kept.principal_id = request.principal.user_id;
    kept.account = request.principal.account.value;
    kept.action.assign(request.action);
    kept.resource.assign(request.resource);
    kept.outcome = outcome_name(judged.verdict.outcome);
    kept.source = source_name(judged.verdict.source);
    kept.policy.assign(judged.verdict.policy);
    kept.sid.assign(judged.verdict.sid);
    kept.reason = decision.reason;
    kept.at_ms = clock_.wall_ms();
    kept.times = 1;
    kept.context.clear();
    if (decision.allowed) return;
    kept.context = context.all();
    decision.encoded_message = log_.encode(kept);
  });
}

}  // namespace mekong::iam
