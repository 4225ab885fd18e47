// The decision: a pure function of documents and a request.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/authoriser.h"
#include "policy/context.h"
#include "policy/document.h"

namespace mekong::policy {

enum class Source { none, identity, boundary, session, resource };

struct NamedDocument {
  std::string name;
  DocumentPtr document;
};

// All that stand on one request.
struct Documents {
  std::vector<NamedDocument> identity;
  std::optional<NamedDocument> boundary;
  std::vector<NamedDocument> session;  // none given: the session is not narrowed
  std::optional<NamedDocument> resource;
};

// What a request brings along, beside documents that are kept for many: instead of their `session` and
// `resource`.
struct Brought {
  std::span<const NamedDocument> session;
  const NamedDocument* resource = nullptr;
};

struct Query {
  const Principal& principal;
  std::string_view action;
  std::string_view resource;
  const Context& context;
  // Trust policies: where the resource policy does not allow, nothing else helps.
  bool resource_policy_required = false;
  bool cross_account = false;  // the resource belongs to another account than the principal
};

enum class Outcome { allowed, implicit_deny, explicit_deny };

struct Verdict {
  Outcome outcome = Outcome::implicit_deny;
  Source source = Source::none;  // what decided; for an implicit denial: where an Allow was missing
  std::string_view policy, sid;  // the deciding statement, where there is one; as long as its document lives
  size_t statement = 0;          // its place in its document
};

// Rules, in order: an explicit Deny anywhere; root within its account; a resource policy that names the very
// user or session needs nothing else in the same account, one that names the role is narrowed by boundary and
// session policies, one that names the account only lets the account's own policies decide; otherwise
// identity, boundary and session policies must each allow. Across accounts both sides must allow. Services,
// web identities and anonymous callers have resource policies only.
Verdict evaluate(const Query& query, const Documents& documents);
Verdict evaluate(const Query& query, const Documents& standing, const Brought& brought);

// "with an explicit deny in an identity-based policy", "because no session policy allows the s3:GetObject
// action": completes AWS's sentence "User: … is not authorized to perform: … on resource: …". Empty when
// allowed.
std::string denial_reason(const Verdict& verdict, std::string_view action);

}  // namespace mekong::policy
