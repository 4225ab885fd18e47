// Which policies let an identity into a service.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListPoliciesGrantingServiceAccess.html
#include <algorithm>

#include "policy/document.h"
#include "services/iam/shared.h"

namespace mekong::iam {
namespace {

struct Grant {
  wire::PolicyGrantingServiceAccess shape;
  policy::DocumentPtr document;
};

// NotAction grants a service unless it takes the whole of it away.
bool grants(const policy::Statement& statement, const std::string& service) {
  const std::string prefix = service + ":";
  const std::string unheard_of = prefix + std::string(64, '-');
  for (const policy::Glob& action : statement.actions) {
    if (!statement.not_action && action.reaches_into(prefix, policy::Case::ignored)) return true;
    if (statement.not_action && action.matches(unheard_of, policy::Case::ignored)) return false;
  }
  return statement.not_action;
}

bool grants(const policy::Document& document, const std::string& service) {
  return std::any_of(
      document.statements.begin(), document.statements.end(),
      [&](const policy::Statement& statement) { return statement.allow && grants(statement, service); });
}

Status add_grants(const Directory& directory, const Identity& identity, const char* entity,
                  std::vector<Grant>& out) {
  for (const auto& [name, text] : identity.inline_policies) {
    MEKONG_TRY_ASSIGN(auto document, policy::parse_document(text, policy::DocumentKind::stored));
    Grant grant{{.policy_name = name, .policy_type = "INLINE"}, std::move(document)};
    grant.shape.entity_type = entity;
    grant.shape.entity_name = identity.name;
    out.push_back(std::move(grant));
  }
  for (const std::string& arn : identity.attached) {
    const auto attached = directory.policy_in_force(arn);
    if (!attached) continue;
    MEKONG_TRY_ASSIGN(auto document,
                      policy::parse_document(attached->document, policy::DocumentKind::stored));
    Grant grant{{.policy_name = attached->name, .policy_type = "MANAGED"}, std::move(document)};
    grant.shape.policy_arn = arn;
    out.push_back(std::move(grant));
  }
  return ok();
}

// A user's own policies and those of its groups.
Status add_grants_of_user(const Directory& directory, const User& user, std::vector<Grant>& out) {
  MEKONG_TRY(add_grants(directory, user, "USER", out));
  for (const std::string& name : user.groups) {
    const auto group = directory.find<Group>(AccountId(user.account), name);
    if (group) MEKONG_TRY(add_grants(directory, *group, "GROUP", out));
  }
  return ok();
}

Error no_such(const std::string& arn) {
  return {"NoSuchEntity", "The identity " + arn + " cannot be found.", 404};
}

}  // namespace

Result<wire::ListPoliciesGrantingServiceAccessResponse> Service::list_policies_granting_service_access(
    api::Context& ctx, const wire::ListPoliciesGrantingServiceAccessRequest& request) {
  std::vector<Grant> all;
  if (const auto name = parse_iam_arn(request.arn, User::type)) {
    MEKONG_TRY_ASSIGN(const auto found, entity<User>(ctx, name->name));
    if (found->arn() != request.arn) return no_such(request.arn);
    MEKONG_TRY(add_grants_of_user(directory_, *found, all));
  } else if (const auto of_role = parse_iam_arn(request.arn, Role::type)) {
    MEKONG_TRY_ASSIGN(const auto found, entity<Role>(ctx, of_role->name));
    if (found->arn() != request.arn) return no_such(request.arn);
    MEKONG_TRY(add_grants(directory_, *found, "ROLE", all));
  } else if (const auto of_group = parse_iam_arn(request.arn, Group::type)) {
    MEKONG_TRY_ASSIGN(const auto found, entity<Group>(ctx, of_group->name));
    if (found->arn() != request.arn) return no_such(request.arn);
    MEKONG_TRY(add_grants(directory_, *found, "GROUP", all));
  } else {
    MEKONG_TRY(ctx.authorise(request.arn));
    return Error{"InvalidInput", "ARN " + request.arn + " is not that of a user, a group or a role.", 400};
  }
  // A page holds all: no marker was ever handed out.
  if (request.marker) return invalid_marker();
  wire::ListPoliciesGrantingServiceAccessResponse out;
  out.is_truncated = false;
  for (const std::string& service : request.service_namespaces) {
    wire::ListPoliciesGrantingServiceAccessEntry entry;
    entry.service_namespace = service;
    entry.policies.emplace();
    for (const Grant& grant : all) {
      if (grants(*grant.document, service)) entry.policies->push_back(grant.shape);
    }
    out.policies_granting_service_access.push_back(std::move(entry));
  }
  return out;
}

}  // namespace mekong::iam
