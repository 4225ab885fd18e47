// "May this principal do that?": the decision itself, asked with documents and keys of the asker's choice.
#include "policy/extent.h"
#include "services/iam/service.h"
#include "services/iam/shared.h"

namespace mekong::iam {
namespace {

// One document under test, with its text for the positions in the answer.
struct Source {
  std::string id, type, text;
};

// What is asked; the same for both operations.
struct Simulation {
  Principal principal;
  policy::Documents documents;
  std::vector<Source> sources;  // found by the name that its document has in `documents`
  ConditionContext keys;
  bool cross_account = false;
};

Error not_built(std::string_view operation, std::string_view parameter) {
  return {"NotImplemented", std::string(operation) + ": " + std::string(parameter) + " is not built", 501};
}

Result<policy::DocumentPtr> parse_input(const std::string& text, policy::DocumentKind kind) {
  auto parsed = policy::parse_document(text, kind);
  if (!parsed.ok()) return Error{"InvalidInput", parsed.error().message, 400};
  return parsed;
}

Status add_inputs(Simulation& simulation, const std::vector<std::string>& texts) {
  for (size_t i = 0; i < texts.size(); ++i) {
    const std::string id = "PolicyInputList." + std::to_string(i + 1);
    MEKONG_TRY_ASSIGN(auto document, parse_input(texts[i], policy::DocumentKind::identity));
    simulation.documents.identity.push_back({id, document});
    simulation.sources.push_back({id, "IAM Policy", texts[i]});
  }
  return ok();
}

template <class Request>
Status add_common(Simulation& simulation, const Request& request, std::string_view operation) {
  if (request.resource_handling_option) return not_built(operation, "ResourceHandlingOption");
  if (request.caller_arn) simulation.principal.arn = *request.caller_arn;
  if (request.permissions_boundary_policy_input_list) {
    const auto& bounds = *request.permissions_boundary_policy_input_list;
    if (bounds.size() != 1) {
      return Error{"InvalidInput", "PermissionsBoundaryPolicyInputList must hold one policy.", 400};
    }
    const std::string id = "PermissionsBoundaryPolicyInputList.1";
    MEKONG_TRY_ASSIGN(auto document, parse_input(bounds[0], policy::DocumentKind::identity));
    simulation.documents.boundary = policy::NamedDocument{id, document};
    simulation.sources.push_back({id, "IAM Permissions Boundary Policy", bounds[0]});
  }
  if (request.resource_policy) {
    if (!request.caller_arn && !simulation.principal.user_id.size()) {
      return Error{"InvalidInput", "CallerArn is needed with a resource policy.", 400};
    }
    MEKONG_TRY_ASSIGN(auto document, parse_input(*request.resource_policy, policy::DocumentKind::resource));
    simulation.documents.resource = policy::NamedDocument{"ResourcePolicy", document};
    simulation.sources.push_back({"ResourcePolicy", "Resource Policy", *request.resource_policy});
  }
  if (request.resource_owner) {
    simulation.cross_account =
        request.resource_owner->find(simulation.principal.account.value) == std::string::npos;
  }
  for (const auto& entry : request.context_entries.value_or(std::vector<wire::ContextEntry>{})) {
    simulation.keys[policy::lower(entry.context_key_name.value_or(""))] =
        entry.context_key_values.value_or(std::vector<std::string>{});
  }
  return ok();
}

// Lines from 1. AWS's columns point one further than the character.
wire::Position position_of(std::string_view text, size_t at) {
  const std::string_view before = text.substr(0, at);
  const size_t line_start = before.rfind('\n') == std::string_view::npos ? 0 : before.rfind('\n') + 1;
  return {static_cast<int32_t>(1 + std::count(before.begin(), before.end(), '\n')),
          static_cast<int32_t>(before.size() - line_start + 2)};
}

wire::Statement statement_shape(const Source& source, size_t index) {
  wire::Statement out{.source_policy_id = source.id, .source_policy_type = source.type};
  const auto extents = policy::statement_extents(source.text);
  if (index >= extents.size()) return out;
  out.start_position = position_of(source.text, extents[index].begin);
  out.end_position = position_of(source.text, extents[index].end - 1);
  return out;
}

std::vector<std::string> missing_keys(const Simulation& simulation, const policy::Context& context) {
  std::vector<std::string> out;
  auto add = [&](const policy::NamedDocument& named) {
    for (const std::string& key : policy::context_keys(*named.document)) {
      const bool known = context.find(policy::lower(key)) != nullptr;
      if (!known && std::find(out.begin(), out.end(), key) == out.end()) out.push_back(key);
    }
  };
  for (const auto& named : simulation.documents.identity) add(named);
  if (simulation.documents.boundary) add(*simulation.documents.boundary);
  if (simulation.documents.resource) add(*simulation.documents.resource);
  return out;
}

const char* decision_name(policy::Outcome outcome) {
  if (outcome == policy::Outcome::allowed) return "allowed";
  return outcome == policy::Outcome::explicit_deny ? "explicitDeny" : "implicitDeny";
}

wire::EvaluationResult simulate(const Simulation& simulation, const std::string& action,
                                const std::string& resource) {
  const policy::Context context(simulation.keys);
  const policy::Query query{simulation.principal, action, resource, context, false, simulation.cross_account};
  const policy::Verdict verdict = policy::evaluate(query, simulation.documents);
  wire::EvaluationResult out{.eval_action_name = action, .eval_resource_name = resource};
  out.eval_decision = decision_name(verdict.outcome);
  out.matched_statements.emplace();
  for (const Source& source : simulation.sources) {
    if (source.id == verdict.policy)
      out.matched_statements->push_back(statement_shape(source, verdict.statement));
  }
  out.missing_context_values = missing_keys(simulation, context);
  if (!simulation.documents.boundary) return out;
  policy::Documents only_boundary;
  only_boundary.identity.push_back(*simulation.documents.boundary);
  const policy::Query same_account{simulation.principal, action, resource, context};
  const auto by_boundary = policy::evaluate(same_account, only_boundary);
  out.permissions_boundary_decision_detail = {by_boundary.outcome == policy::Outcome::allowed};
  return out;
}

template <class Request>
Result<wire::SimulatePolicyResponse> simulate_all(const Simulation& simulation, const Request& request) {
  for (const std::string& action : request.action_names) {
    if (action.find(':') == std::string::npos || action.find_first_of("*?") != std::string::npos) {
      return Error{"InvalidInput", "Invalid Action: " + action, 400};
    }
  }
  auto resources = request.resource_arns.value_or(std::vector<std::string>{"*"});
  std::vector<std::pair<size_t, wire::EvaluationResult>> all, page;
  for (const std::string& action : request.action_names) {
    for (const std::string& resource : resources) {
      all.emplace_back(all.size(), simulate(simulation, action, resource));
    }
  }
  wire::SimulatePolicyResponse out;
  MEKONG_TRY(paginate(request, std::move(all), page, out, [](const auto& result) {
    const std::string number = std::to_string(result.first);
    return std::string(8 - number.size(), '0') + number;
  }));
  out.evaluation_results.emplace();
  for (auto& [_, result] : page) out.evaluation_results->push_back(std::move(result));
  return out;
}

Result<wire::GetContextKeysForPolicyResponse> keys_of(const policy::Documents& documents) {
  wire::GetContextKeysForPolicyResponse out;
  auto& names = out.context_key_names.emplace();
  for (const auto& named : documents.identity) {
    for (const std::string& key : policy::context_keys(*named.document)) {
      if (std::find(names.begin(), names.end(), key) == names.end()) names.push_back(key);
    }
  }
  return out;
}

void add_sources(Simulation& simulation, const Directory& directory, const Identity& identity,
                 const std::string& type) {
  for (const auto& [name, text] : identity.inline_policies) {
    simulation.sources.push_back({name, type, text});
  }
  for (const std::string& arn : identity.attached) {
    if (auto found = directory.policy_in_force(arn)) {
      simulation.sources.push_back({found->name, "IAM Policy", found->document});
    }
  }
  if (auto bound = directory.policy_in_force(identity.boundary)) {
    simulation.sources.push_back({bound->name, "IAM Permissions Boundary Policy", bound->document});
  }
}

// As the principal that the named user, group or role would be.
Result<Simulation> standing_of(const Directory& directory, const StandingPolicies& standing,
                               const AccountId& account, const std::string& arn) {
  Simulation out;
  out.principal = {.kind = PrincipalKind::user, .account = account, .arn = arn};
  auto user_arn = parse_iam_arn(arn, User::type);
  auto user = user_arn ? directory.find_user(account, user_arn->name) : nullptr;
  auto group_arn = parse_iam_arn(arn, Group::type);
  auto group = group_arn ? directory.find<Group>(account, group_arn->name) : nullptr;
  auto role = directory.find_role_by_arn(arn);
  if (user && user->arn() == arn) {
    out.principal.user_id = user->id;
    MEKONG_TRY(standing.add(*user, out.documents));
    add_sources(out, directory, *user, "IAM Policy");
    for (const std::string& name : user->groups) {
      if (auto of = directory.find<Group>(account, name)) add_sources(out, directory, *of, "IAM Policy");
    }
  } else if (group && group->arn() == arn) {
    MEKONG_TRY(standing.add(static_cast<const Identity&>(*group), out.documents));
    add_sources(out, directory, *group, "IAM Policy");
  } else if (role && role->account == account.value) {
    out.principal.kind = PrincipalKind::role_session;
    out.principal.role_arn = arn;
    out.principal.user_id = role->id + ":simulation";
    out.principal.arn = "arn:aws:sts::" + account.value + ":assumed-role/" + role->name + "/simulation";
    MEKONG_TRY(standing.add(static_cast<const Identity&>(*role), out.documents));
    add_sources(out, directory, *role, "IAM Policy");
  } else {
    return Error{"NoSuchEntity", "The entity " + arn + " does not exist.", 404};
  }
  return out;
}

}  // namespace

Result<wire::SimulatePolicyResponse> Service::simulate_principal_policy(
    api::Context& ctx, const wire::SimulatePrincipalPolicyRequest& request) {
  MEKONG_TRY(ctx.authorise(request.policy_source_arn));
  if (request.policy_exclusion_list) return not_built(ctx.operation, "PolicyExclusionList");
  MEKONG_TRY_ASSIGN(auto simulation,
                    standing_of(directory_, standing_, ctx.account, request.policy_source_arn));
  if (request.policy_input_list) MEKONG_TRY(add_inputs(simulation, *request.policy_input_list));
  MEKONG_TRY(add_common(simulation, request, ctx.operation));
  return simulate_all(simulation, request);
}

Result<wire::SimulatePolicyResponse> Service::simulate_custom_policy(
    api::Context& ctx, const wire::SimulateCustomPolicyRequest& request) {
  if (request.ordered_organization_policy_input_list) {
    return not_built(ctx.operation, "OrderedOrganizationPolicyInputList");
  }
  Simulation simulation;
  simulation.principal = {.kind = PrincipalKind::user,
                          .account = ctx.account,
                          .arn = "arn:aws:iam::" + ctx.account.value + ":user/simulation"};
  MEKONG_TRY(add_inputs(simulation, request.policy_input_list));
  MEKONG_TRY(add_common(simulation, request, ctx.operation));
  return simulate_all(simulation, request);
}

Result<wire::GetContextKeysForPolicyResponse> Service::get_context_keys_for_principal_policy(
    api::Context& ctx, const wire::GetContextKeysForPrincipalPolicyRequest& request) {
  MEKONG_TRY(ctx.authorise(request.policy_source_arn));
  MEKONG_TRY_ASSIGN(auto simulation,
                    standing_of(directory_, standing_, ctx.account, request.policy_source_arn));
  if (request.policy_input_list) MEKONG_TRY(add_inputs(simulation, *request.policy_input_list));
  return keys_of(simulation.documents);
}

Result<wire::GetContextKeysForPolicyResponse> Service::get_context_keys_for_custom_policy(
    api::Context&, const wire::GetContextKeysForCustomPolicyRequest& request) {
  Simulation simulation;
  MEKONG_TRY(add_inputs(simulation, request.policy_input_list));
  return keys_of(simulation.documents);
}

}  // namespace mekong::iam
