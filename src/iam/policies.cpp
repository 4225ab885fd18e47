// Directory: managed policies, their versions, and who hangs on them.
#include <algorithm>

#include "iam/directory.h"
#include "iam/directory_errors.h"
#include "iam/managed_policies.h"
#include "policy/document.h"

namespace mekong::iam {
namespace {

constexpr size_t policies_max = 1500, versions_max = 5;
constexpr size_t policy_characters_max = 6144;

Status check_document(const std::string& document) {
  MEKONG_TRY_ASSIGN(const auto parsed, policy::parse_document(document, policy::DocumentKind::identity));
  if (parsed->version != "2012-10-17") {
    return Error{"MalformedPolicyDocument", "Policy document must be version 2012-10-17 or greater.", 400};
  }
  if (policy::counted_size(document) > policy_characters_max) {
    return over_quota("PolicySize", policy_characters_max);
  }
  return ok();
}

Error no_version(std::string_view arn, const std::string& version) {
  return {"NoSuchEntity",
          "Policy " + std::string(arn) + " version " + version +
              " does not exist or is not "
              "attachable.",
          404};
}

auto find_version(ManagedPolicy& policy, const std::string& id) {
  return std::find_if(policy.versions.begin(), policy.versions.end(),
                      [&](const PolicyVersion& version) { return version.id == id; });
}

}  // namespace

ManagedPolicyPtr Directory::find_policy(std::string_view arn) const {
  auto parsed = parse_iam_arn(arn, ManagedPolicy::type);
  if (!parsed) return nullptr;
  auto policy = find<ManagedPolicy>(parsed->account, parsed->name);
  return policy && policy->arn() == arn ? policy : nullptr;
}

std::optional<PolicyInForce> Directory::policy_in_force(std::string_view arn) const {
  if (const auto* aws = find_aws_managed_policy(arn)) {
    return PolicyInForce{std::string(aws->arn), std::string(aws->name), std::string(aws->document)};
  }
  auto policy = find_policy(arn);
  if (!policy) return std::nullopt;
  for (const PolicyVersion& version : policy->versions) {
    if (version.id == policy->default_version)
      return PolicyInForce{std::string(arn), policy->name, version.document};
  }
  return std::nullopt;
}

bool Directory::policy_visible(const AccountId& account, std::string_view arn) const {
  if (find_aws_managed_policy(arn) != nullptr) return true;
  auto policy = find_policy(arn);
  return policy && policy->account == account.value;
}

int Directory::attachments(const AccountId& account, std::string_view policy_arn) const {
  auto count = [&](const auto& identities) {
    return std::count_if(identities.begin(), identities.end(), [&](const auto& identity) {
      return std::find(identity->attached.begin(), identity->attached.end(), policy_arn) !=
             identity->attached.end();
    });
  };
  return static_cast<int>(count(list<User>(account)) + count(list<Role>(account)) +
                          count(list<Group>(account)));
}

int Directory::bounded(const AccountId& account, std::string_view policy_arn) const {
  auto count = [&](const auto& identities) {
    return std::count_if(identities.begin(), identities.end(),
                         [&](const auto& identity) { return identity->boundary == policy_arn; });
  };
  return static_cast<int>(count(list<User>(account)) + count(list<Role>(account)));
}

Status Directory::check_boundary(const AccountId& account, const std::string& arn) const {
  if (arn.empty() || policy_visible(account, arn)) return ok();
  return Error{"NoSuchEntity", "Scope ARN: " + arn + " does not exist or is not attachable.", 404};
}

Result<ManagedPolicyPtr> Directory::create_policy(ManagedPolicy policy, std::string document) {
  MEKONG_TRY(check_document(document));
  std::lock_guard lock(write_mutex_);
  if (policies_.find(key_of(AccountId(policy.account), policy.name))) {
    return Error{"EntityAlreadyExists",
                 "A policy called " + policy.name + " already exists. Duplicate names are not allowed.", 409};
  }
  policy.updated_ms = clock_.wall_ms();
  policy.default_version = "v1";
  policy.versions = {{"v1", std::move(document), policy.updated_ms}};
  return add(std::move(policy), policies_max, "PoliciesPerAccount");
}

Status Directory::change_policy(std::string_view arn, const std::function<Status(ManagedPolicy&)>& change) {
  std::lock_guard lock(write_mutex_);
  auto found = find_policy(arn);
  if (!found) return no_such_policy(arn);
  ManagedPolicy policy = *found;
  MEKONG_TRY(change(policy));
  policy.updated_ms = clock_.wall_ms();
  const std::string key = key_of(AccountId(policy.account), policy.name);
  return policies_.put(key, std::move(policy));
}

Result<PolicyVersion> Directory::create_policy_version(std::string_view arn, std::string document,
                                                       bool as_default) {
  MEKONG_TRY(check_document(document));
  PolicyVersion made{{}, std::move(document), clock_.wall_ms()};
  MEKONG_TRY(change_policy(arn, [&](ManagedPolicy& policy) -> Status {
    if (policy.versions.size() >= versions_max) {
      return Error{"LimitExceeded",
                   "A managed policy can have up to 5 versions. Before you create a new version, you must "
                   "delete an existing version.",
                   409};
    }
    made.id = "v" + std::to_string(++policy.versions_made);
    policy.versions.push_back(made);
    if (as_default) policy.default_version = made.id;
    return ok();
  }));
  return made;
}

Status Directory::set_default_policy_version(std::string_view arn, const std::string& version) {
  return change_policy(arn, [&](ManagedPolicy& policy) -> Status {
    if (find_version(policy, version) == policy.versions.end()) return no_version(arn, version);
    policy.default_version = version;
    return ok();
  });
}

Status Directory::delete_policy_version(std::string_view arn, const std::string& version) {
  return change_policy(arn, [&](ManagedPolicy& policy) -> Status {
    const auto at = find_version(policy, version);
    if (at == policy.versions.end()) return no_version(arn, version);
    if (policy.default_version == version) {
      return conflict("Cannot delete the default version of a policy.");
    }
    policy.versions.erase(at);
    return ok();
  });
}

Status Directory::delete_policy(std::string_view arn) {
  std::lock_guard lock(write_mutex_);
  auto policy = find_policy(arn);
  if (!policy) return no_such_policy(arn);
  const AccountId account(policy->account);
  if (attachments(account, arn) > 0 || bounded(account, arn) > 0) {
    return conflict("Cannot delete a policy attached to entities.");
  }
  if (policy->versions.size() > 1) {
    return conflict(
        "This policy has more than one version. Before you delete a policy, you must delete the "
        "policy's versions. The default version is deleted with the policy.");
  }
  return policies_.remove(key_of(account, policy->name));
}

}  // namespace mekong::iam
