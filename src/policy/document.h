// A policy document, read strictly once and kept compiled.
// Grammar: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "policy/condition.h"
#include "policy/pattern.h"

namespace mekong::policy {

// What may stand in a document depends on what it hangs on.
enum class DocumentKind {
  identity,  // no principal; resource needed
  trust,     // principal needed; no resource
  resource,  // principal and resource needed
  stored,    // accepted once already: principal and resource as they are
};

struct PrincipalMatcher {
  bool anyone = false;                // "*"
  std::vector<std::string> aws;       // ARNs, account ids, "*"
  std::vector<std::string> services;  // "ec2.amazonaws.com"
  std::vector<std::string> federated;
  std::vector<std::string> canonical_users;
};

struct Statement {
  std::string sid;
  bool allow = false;
  bool has_principal = false, not_principal = false;
  PrincipalMatcher principal;
  bool not_action = false;
  std::vector<Glob> actions;  // match without case
  bool has_resource = false, not_resource = false;
  std::vector<Pattern> resources;
  std::vector<Condition> conditions;  // all must hold
};

struct Document {
  std::string version, id;
  std::vector<Statement> statements;
};
using DocumentPtr = std::shared_ptr<const Document>;

// "MalformedPolicyDocument" for whatever the grammar does not know: an unknown element or operator is
// refused, never skipped.
Result<DocumentPtr> parse_document(std::string_view json, DocumentKind kind);

// The keys that conditions and variables ask for, as written, each once.
std::vector<std::string> context_keys(const Document& document);

// Characters as IAM's quotas count them: without white space.
size_t counted_size(std::string_view json);

}  // namespace mekong::policy
