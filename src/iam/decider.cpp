#include "iam/decider.h"

#include <algorithm>
#include <array>

#include "codec/time.h"

namespace mekong::iam {
namespace {

constexpr std::string_view allow_everything =
    R"({"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}})";

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

// What the server knows of the caller and of the moment: a face cannot speak for it.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
class KnownKeys final : public policy::ContextSource {
 public:
  KnownKeys(const AuthorisationRequest& request, int64_t now_ms) : request_(request), now_ms_(now_ms) {}

  bool supply(std::string_view key, std::vector<std::string>& values) const override {
    if (key.starts_with(tag_head)) return supply_tag(key.substr(tag_head.size()), values);
    const bool owned = !request_.resource_account.value.empty();
    if (key == "aws:resourceaccount" && !owned) return false;
    const auto* known = std::ranges::find(keys, key, &Known::key);
    if (known == keys.end()) return false;
    auto value = known->value(*this);
    if (!value.empty()) values.push_back(std::move(value));
    return true;
  }
  void each_key(const std::function<void(std::string_view key)>& visit) const override {
    for (const Known& known : keys) visit(known.key);
    for (const auto& [tag, value] : request_.principal.tags) visit(policy::lower(tag_name(tag)));
  }

 private:
  struct Known {
    std::string_view key;
    std::string (*value)(const KnownKeys&);  // empty: absent
  };
  static constexpr std::string_view tag_head = "aws:principaltag/";
  static const std::array<Known, 14> keys;

  static std::string tag_name(const std::string& tag) { return std::string(tag_head) + tag; }
  bool supply_tag(std::string_view tag, std::vector<std::string>& values) const {
    for (const auto& [name, value] : request_.principal.tags) {
      if (policy::lower(name) == tag) values = {value};
    }
    return !values.empty();
  }
  const Principal& caller() const { return request_.principal; }
  bool is(PrincipalKind kind) const { return caller().kind == kind; }
  bool temporary() const { return caller().issued_ms != 0; }

  const AuthorisationRequest& request_;
  const int64_t now_ms_;
};

using K = KnownKeys;
const std::array<K::Known, 14> KnownKeys::keys = {{
    {"aws:currenttime", [](const K& k) { return codec::format_iso8601(k.now_ms_); }},
    {"aws:epochtime", [](const K& k) { return std::to_string(k.now_ms_ / 1000); }},
    {"aws:principaltype", [](const K& k) { return std::string(principal_type(k.caller().kind)); }},
    {"aws:principalarn",
     [](const K& k) { return k.caller().role_arn.empty() ? k.caller().arn : k.caller().role_arn; }},
    {"aws:principalaccount", [](const K& k) { return k.caller().account.value; }},
    {"aws:userid", [](const K& k) { return k.caller().user_id; }},
    {"aws:username",
     [](const K& k) {
       const std::string& arn = k.caller().arn;
       return k.is(PrincipalKind::user) ? arn.substr(arn.rfind('/') + 1) : std::string();
     }},
    {"aws:principalisawsservice",
     [](const K& k) { return std::string(k.is(PrincipalKind::service) ? "true" : "false"); }},
    {"aws:principalservicename",
     [](const K& k) { return k.is(PrincipalKind::service) ? k.caller().arn : std::string(); }},
    {"aws:sourceidentity", [](const K& k) { return k.caller().source_identity; }},
    {"aws:federatedprovider", [](const K& k) { return k.caller().federated_provider; }},
    {"aws:tokenissuetime",
     [](const K& k) { return k.temporary() ? codec::format_iso8601(k.caller().issued_ms) : std::string(); }},
    // Long-lived keys have no such key at all, as in AWS.
    {"aws:multifactorauthpresent", [](const K& k) { return std::string(k.temporary() ? "false" : ""); }},
    {"aws:resourceaccount", [](const K& k) { return k.request_.resource_account.value; }},
}};

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

Result<DocumentsPtr> Decider::documents_for(const AuthorisationRequest& request) const {
  const Principal& principal = request.principal;
  MEKONG_TRY_ASSIGN(auto standing, standing_of(principal));
  if (principal.session_policies.empty() && request.resource_policy.empty()) return standing;
  policy::Documents documents = *standing;
  for (const std::string& text : principal.session_policies) {
    MEKONG_TRY_ASSIGN(auto document, standing_.compiled(text));
    documents.session.push_back({"session", document});
  }
  if (!request.resource_policy.empty()) {
    MEKONG_TRY_ASSIGN(auto document, standing_.compiled(request.resource_policy));
    documents.resource = policy::NamedDocument{"resource", document};
  }
  return std::make_shared<const policy::Documents>(std::move(documents));
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
  policy::Verdict verdict = policy::evaluate(query, **documents);
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
  const KnownKeys known(request, clock_.wall_ms());
  const policy::Context context(request.context, known);
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
                      .context = context.all(),
                      .at_ms = clock_.wall_ms()};
  if (!decision.allowed) decision.encoded_message = log_.encode(explained);
  log_.keep(std::move(explained));
  return decision;
}

}  // namespace mekong::iam
