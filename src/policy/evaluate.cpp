#include "policy/evaluate.h"

#include <algorithm>

namespace mekong::policy {
namespace {

// How closely a Principal element names the caller; ordered.
enum class Naming { no, account, role, exact };

Naming naming_of(const Principal& principal, const std::string& name) {
  const bool elsewhere =
      principal.kind == PrincipalKind::service || principal.kind == PrincipalKind::web_identity;
  if (elsewhere) return Naming::no;
  if (name == principal.arn) return Naming::exact;
  if (!principal.role_arn.empty() && name == principal.role_arn) return Naming::role;
  if (!principal.issuer_arn.empty() && name == principal.issuer_arn && !name.ends_with(":root")) {
    return Naming::role;
  }
  const std::string& account = principal.account.value;
  if (account.empty()) return Naming::no;
  return name == account || name == "arn:aws:iam::" + account + ":root" ? Naming::account : Naming::no;
}

// "*" names a user as itself, but a session only as its role: a session policy must go on narrowing it.
Naming naming_by_star(const Principal& principal) {
  const bool session =
      principal.kind == PrincipalKind::role_session || principal.kind == PrincipalKind::federated_user;
  return session ? Naming::role : Naming::exact;
}

Naming naming_in(const Principal& principal, const PrincipalMatcher& matcher) {
  if (matcher.anyone) return naming_by_star(principal);
  Naming best = Naming::no;
  for (const std::string& name : matcher.aws) {
    best = std::max(best, name == "*" ? naming_by_star(principal) : naming_of(principal, name));
  }
  if (principal.kind == PrincipalKind::service) {
    const auto& services = matcher.services;
    if (std::find(services.begin(), services.end(), principal.arn) != services.end()) best = Naming::exact;
  }
  if (principal.kind == PrincipalKind::web_identity) {
    const auto& providers = matcher.federated;
    if (std::find(providers.begin(), providers.end(), principal.federated_provider) != providers.end()) {
      best = Naming::exact;
    }
  }
  return best;
}

// Everything that the caller is must stand in a Deny's NotPrincipal for it to be spared: a session's own ARN,
// its role's, and the account's.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html
bool wholly_named(const Principal& principal, const PrincipalMatcher& matcher) {
  const auto& names = matcher.aws;
  auto listed = [&](const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  if (matcher.anyone || listed("*")) return true;
  const std::string& account = principal.account.value;
  if (account.empty()) return naming_in(principal, matcher) != Naming::no;
  if (!listed(principal.arn) || (!listed(account) && !listed("arn:aws:iam::" + account + ":root")))
    return false;
  return principal.role_arn.empty() || listed(principal.role_arn);
}

Naming principal_matches(const Statement& statement, const Principal& principal) {
  if (!statement.has_principal) return Naming::exact;
  const Naming named = naming_in(principal, statement.principal);
  if (!statement.not_principal) return named;
  const bool spared = statement.allow ? named != Naming::no : wholly_named(principal, statement.principal);
  return spared ? Naming::no : naming_by_star(principal);
}

bool action_matches(const Statement& statement, std::string_view action) {
  const bool listed = std::any_of(statement.actions.begin(), statement.actions.end(),
                                  [&](const Glob& glob) { return glob.matches(action, Case::ignored); });
  return listed != statement.not_action;
}

bool resource_matches(const Statement& statement, const Query& query) {
  if (!statement.has_resource) return true;
  bool listed = false, unresolved = false;
  for (const Pattern& pattern : statement.resources) {
    Glob made(query.context.scratch());
    const Glob* glob = pattern.glob(query.context, made);
    if (glob == nullptr) {
      unresolved = true;
    } else if (query.resource == "*" ? pattern.source() == "*" : glob->matches_arn(query.resource)) {
      listed = true;
    }
  }
  // A variable without a value must not widen an Allow by dropping out of NotResource.
  if (statement.not_resource && unresolved && statement.allow) return false;
  return listed != statement.not_resource;
}

bool statement_applies(const Statement& statement, const Query& query) {
  return action_matches(statement, query.action) && resource_matches(statement, query) &&
         std::all_of(statement.conditions.begin(), statement.conditions.end(),
                     [&](const Condition& condition) { return condition.holds(query.context); });
}

struct Found {
  const NamedDocument* document = nullptr;
  const Statement* statement = nullptr;
  Naming naming = Naming::no;
};

Found find_deny(const NamedDocument& named, const Query& query) {
  for (const Statement& statement : named.document->statements) {
    if (statement.allow || principal_matches(statement, query.principal) == Naming::no) continue;
    if (statement_applies(statement, query)) return {&named, &statement, Naming::exact};
  }
  return {};
}

// The Allow that names the caller most closely.
Found find_allow(const NamedDocument& named, const Query& query) {
  Found best;
  for (const Statement& statement : named.document->statements) {
    if (!statement.allow) continue;
    const Naming naming = principal_matches(statement, query.principal);
    if (naming > best.naming && statement_applies(statement, query)) best = {&named, &statement, naming};
  }
  return best;
}

Found find_allow(std::span<const NamedDocument> list, const Query& query) {
  for (const NamedDocument& named : list) {
    if (Found found = find_allow(named, query); found.statement) return found;
  }
  return {};
}

Verdict verdict(Outcome outcome, Source source, const Found& found = {}) {
  Verdict out{.outcome = outcome, .source = source};
  if (found.statement == nullptr) return out;
  out.policy = found.document->name;
  out.sid = found.statement->sid;
  out.statement = static_cast<size_t>(found.statement - found.document->document->statements.data());
  return out;
}

std::optional<Verdict> explicit_deny(const Query& query, const Documents& documents, const Brought& brought) {
  auto in = [&](const NamedDocument& named, Source source) -> std::optional<Verdict> {
    Found found = find_deny(named, query);
    if (found.statement == nullptr) return std::nullopt;
    return verdict(Outcome::explicit_deny, source, found);
  };
  for (const auto& named : documents.identity) {
    if (auto out = in(named, Source::identity)) return out;
  }
  if (documents.boundary) {
    if (auto out = in(*documents.boundary, Source::boundary)) return out;
  }
  for (const auto& named : brought.session) {
    if (auto out = in(named, Source::session)) return out;
  }
  return brought.resource != nullptr ? in(*brought.resource, Source::resource) : std::nullopt;
}

// Boundary and session policies: they never grant, they only let through.
std::optional<Verdict> narrowed(const Query& query, const Documents& documents, const Brought& brought) {
  if (documents.boundary && find_allow(*documents.boundary, query).statement == nullptr) {
    return verdict(Outcome::implicit_deny, Source::boundary);
  }
  if (!brought.session.empty() && find_allow(brought.session, query).statement == nullptr) {
    return verdict(Outcome::implicit_deny, Source::session);
  }
  return std::nullopt;
}

Verdict identity_side(const Query& query, const Documents& documents, const Brought& brought) {
  if (query.principal.kind == PrincipalKind::root) return verdict(Outcome::allowed, Source::identity);
  const Found found = find_allow(documents.identity, query);
  if (found.statement == nullptr) return verdict(Outcome::implicit_deny, Source::identity);
  if (auto stopped = narrowed(query, documents, brought)) return *stopped;
  return verdict(Outcome::allowed, Source::identity, found);
}

}  // namespace

Verdict evaluate(const Query& query, const Documents& documents) {
  return evaluate(query, documents, {documents.session, documents.resource ? &*documents.resource : nullptr});
}

Verdict evaluate(const Query& query, const Documents& documents, const Brought& brought) {
  if (auto denied = explicit_deny(query, documents, brought)) return *denied;
  const Found by_resource = brought.resource != nullptr ? find_allow(*brought.resource, query) : Found{};
  const PrincipalKind kind = query.principal.kind;
  const bool known_here = kind != PrincipalKind::service && kind != PrincipalKind::anonymous &&
                          kind != PrincipalKind::web_identity;
  if (!known_here) {
    if (by_resource.statement == nullptr) return verdict(Outcome::implicit_deny, Source::resource);
    return verdict(Outcome::allowed, Source::resource, by_resource);
  }
  const bool needed = query.cross_account || query.resource_policy_required;
  if (needed && by_resource.statement == nullptr) return verdict(Outcome::implicit_deny, Source::resource);
  if (query.cross_account) {
    return identity_side(query, documents, brought);
  }
  if (by_resource.naming == Naming::exact) return verdict(Outcome::allowed, Source::resource, by_resource);
  if (by_resource.naming == Naming::role) {
    if (auto stopped = narrowed(query, documents, brought)) return *stopped;
    return verdict(Outcome::allowed, Source::resource, by_resource);
  }
  return identity_side(query, documents, brought);
}

std::string denial_reason(const Verdict& verdict, std::string_view action) {
  if (verdict.outcome == Outcome::allowed) return {};
  auto name = [&]() -> std::string {
    switch (verdict.source) {
      case Source::boundary:
        return "permissions boundary";
      case Source::session:
        return "session policy";
      case Source::resource:
        return "resource-based policy";
      default:
        return "identity-based policy";
    }
  }();
  if (verdict.outcome == Outcome::explicit_deny) {
    return (name.front() == 'i' ? "with an explicit deny in an " : "with an explicit deny in a ") + name;
  }
  return "because no " + name + " allows the " + std::string(action) + " action";
}

}  // namespace mekong::policy
