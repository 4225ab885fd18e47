#include "iam/directory.h"

#include <algorithm>

#include "codec/hash.h"
#include "iam/managed_policies.h"
#include "policy/context.h"
#include "policy/document.h"

namespace mekong::iam {
namespace {

constexpr std::string_view base32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
constexpr std::string_view secret_alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr size_t keys_per_user_max = 2;
constexpr std::string_view server_record = "secret";

// IAM names are unique without case.
std::string key_of(const AccountId& account, std::string_view name) {
  return account.value + "/" + policy::lower(name);
}

Error no_such(std::string_view kind, std::string_view name) {
  return {"NoSuchEntity",
          "The " + std::string(kind) + " with name " + std::string(name) + " cannot be found.", 404};
}

Error exists(std::string_view kind, std::string_view name) {
  return {"EntityAlreadyExists", std::string(kind) + " with name " + std::string(name) + " already exists.",
          409};
}

Error conflict(std::string message) {
  return {"DeleteConflict", std::move(message), 409};
}

template <class T>
std::shared_ptr<const T> find_exactly(const Table<T>& table, const AccountId& account,
                                      const std::string& name) {
  auto found = table.find(key_of(account, name));
  return found && found->name == name ? found : nullptr;
}

}  // namespace

const AwsManagedPolicy* find_aws_managed_policy(std::string_view arn) {
  const auto* end = aws_managed_policies + aws_managed_policy_count;
  const auto* at =
      std::lower_bound(aws_managed_policies, end, arn,
                       [](const AwsManagedPolicy& p, std::string_view wanted) { return p.arn < wanted; });
  return at != end && at->arn == arn ? at : nullptr;
}

std::optional<ArnName> parse_iam_arn(std::string_view arn, std::string_view type) {
  constexpr std::string_view head = "arn:aws:iam::";
  if (!arn.starts_with(head)) return std::nullopt;
  arn.remove_prefix(head.size());
  const size_t colon = arn.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  ArnName out{AccountId(std::string(arn.substr(0, colon))), {}, {}};
  arn.remove_prefix(colon + 1);
  if (!arn.starts_with(type) || arn.size() <= type.size() || arn[type.size()] != '/') return std::nullopt;
  arn.remove_prefix(type.size());
  const size_t slash = arn.rfind('/');
  out.path = arn.substr(0, slash + 1);
  out.name = arn.substr(slash + 1);
  return out;
}

Directory::Directory(meta::Store& store, os::Clock& clock, os::Random& random)
    : clock_(clock),
      random_(random),
      accounts_(store, "account/"),
      users_(store, "user/"),
      roles_(store, "role/"),
      policies_(store, "policy/"),
      keys_(store, "key/"),
      server_(store, "server/") {}

Status Directory::load() {
  MEKONG_TRY(accounts_.load());
  MEKONG_TRY(users_.load());
  MEKONG_TRY(roles_.load());
  MEKONG_TRY(policies_.load());
  MEKONG_TRY(keys_.load());
  MEKONG_TRY(server_.load());
  if (server_.find(std::string(server_record)) == nullptr) {
    AccessKey fresh{
        .id = std::string(server_record), .secret = random_.hex(64), .created_ms = clock_.wall_ms()};
    MEKONG_TRY(server_.put(fresh.id, fresh));
  }
  server_secret_ = codec::sha256(server_.find(std::string(server_record))->secret);
  return ok();
}

std::string Directory::new_id(std::string_view prefix) {
  return std::string(prefix) + random_.from_alphabet(base32, 17);
}

std::vector<Account> Directory::accounts() const {
  std::vector<Account> out;
  for (const auto& account : accounts_.list("")) out.push_back(*account);
  return out;
}

Result<RootCredentials> Directory::create_account(const std::string& name) {
  std::lock_guard lock(write_mutex_);
  for (const auto& known : accounts_.list("")) {
    if (known->name == name) return exists("Account", name);
  }
  Account account{.id = {}, .name = name, .created_ms = clock_.wall_ms()};
  do {
    account.id = random_.from_alphabet("123456789", 1) + random_.from_alphabet("0123456789", 11);
  } while (accounts_.find(account.id) != nullptr);
  MEKONG_TRY_ASSIGN(const AccessKey key, new_key(AccountId(account.id), ""));
  MEKONG_TRY(keys_.put(key.id, key));
  MEKONG_TRY(accounts_.put(account.id, account));
  return RootCredentials{account, key.id, key.secret};
}

Result<RootCredentials> Directory::root_credentials(const std::string& account_name) const {
  for (const auto& account : accounts_.list("")) {
    if (account->name != account_name) continue;
    for (const auto& key : keys(AccountId(account->id), ""))
      return RootCredentials{*account, key->id, key->secret};
  }
  return no_such("account", account_name);
}

UserPtr Directory::find_user(const AccountId& account, const std::string& name) const {
  return find_exactly(users_, account, name);
}

RolePtr Directory::find_role(const AccountId& account, const std::string& name) const {
  return find_exactly(roles_, account, name);
}

RolePtr Directory::find_role_by_arn(std::string_view arn) const {
  auto parsed = parse_iam_arn(arn, "role");
  if (!parsed) return nullptr;
  auto role = find_role(parsed->account, parsed->name);
  return role && role->arn() == arn ? role : nullptr;
}

ManagedPolicyPtr Directory::find_policy(std::string_view arn) const {
  auto parsed = parse_iam_arn(arn, "policy");
  if (!parsed) return nullptr;
  auto policy = find_exactly(policies_, parsed->account, parsed->name);
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

AccessKeyPtr Directory::find_key(const std::string& access_key_id) const {
  return keys_.find(access_key_id);
}

std::vector<UserPtr> Directory::users(const AccountId& account) const {
  return users_.list(account.value + "/");
}
std::vector<RolePtr> Directory::roles(const AccountId& account) const {
  return roles_.list(account.value + "/");
}
std::vector<ManagedPolicyPtr> Directory::policies(const AccountId& account) const {
  return policies_.list(account.value + "/");
}

std::vector<AccessKeyPtr> Directory::keys(const AccountId& account, const std::string& user) const {
  auto all = keys_.list("");
  std::erase_if(all,
                [&](const AccessKeyPtr& key) { return key->account != account.value || key->user != user; });
  return all;
}

int Directory::attachments(const AccountId& account, std::string_view policy_arn) const {
  auto count = [&](const auto& identities) {
    return std::count_if(identities.begin(), identities.end(), [&](const auto& identity) {
      return std::find(identity->attached.begin(), identity->attached.end(), policy_arn) !=
             identity->attached.end();
    });
  };
  return static_cast<int>(count(users(account)) + count(roles(account)));
}

Status Directory::check_boundary(const std::string& arn) const {
  if (arn.empty() || policy_in_force(arn)) return ok();
  return Error{"NoSuchEntity", "Scope ARN: " + arn + " does not exist or is not attachable.", 404};
}

Result<UserPtr> Directory::create_user(User user) {
  std::lock_guard lock(write_mutex_);
  const AccountId account(user.account);
  if (users_.find(key_of(account, user.name))) return exists("User", user.name);
  MEKONG_TRY(check_boundary(user.boundary));
  user.id = new_id("AIDA");
  user.created_ms = clock_.wall_ms();
  MEKONG_TRY(users_.put(key_of(account, user.name), user));
  return find_user(account, user.name);
}

Result<RolePtr> Directory::create_role(Role role) {
  MEKONG_TRY(policy::parse_document(role.trust, policy::DocumentKind::trust));
  std::lock_guard lock(write_mutex_);
  const AccountId account(role.account);
  if (roles_.find(key_of(account, role.name))) return exists("Role", role.name);
  MEKONG_TRY(check_boundary(role.boundary));
  role.id = new_id("AROA");
  role.created_ms = clock_.wall_ms();
  MEKONG_TRY(roles_.put(key_of(account, role.name), role));
  return find_role(account, role.name);
}

Result<ManagedPolicyPtr> Directory::create_policy(ManagedPolicy policy, std::string document) {
  MEKONG_TRY(policy::parse_document(document, policy::DocumentKind::identity));
  std::lock_guard lock(write_mutex_);
  const AccountId account(policy.account);
  const std::string key = key_of(account, policy.name);
  if (policies_.find(key)) {
    return Error{"EntityAlreadyExists",
                 "A policy called " + policy.name + " already exists. Duplicate names are not allowed.", 409};
  }
  policy.id = new_id("ANPA");
  policy.created_ms = policy.updated_ms = clock_.wall_ms();
  policy.default_version = "v1";
  policy.versions = {{"v1", std::move(document), policy.created_ms}};
  MEKONG_TRY(policies_.put(key, std::move(policy)));
  return policies_.find(key);
}

Result<AccessKey> Directory::new_key(const AccountId& account, const std::string& user) {
  AccessKey key{.id = "AKIA" + random_.from_alphabet(base32, 16),
                .secret = random_.from_alphabet(secret_alphabet, 40),
                .account = account.value,
                .user = user,
                .created_ms = clock_.wall_ms()};
  if (keys_.find(key.id) != nullptr) return Error{"ServiceFailure", "Two access keys came out equal.", 500};
  return key;
}

Result<AccessKeyPtr> Directory::create_key(const AccountId& account, const std::string& user) {
  std::lock_guard lock(write_mutex_);
  if (!user.empty() && !find_user(account, user)) return no_such("user", user);
  if (keys(account, user).size() >= keys_per_user_max) {
    return Error{"LimitExceeded", "Cannot exceed quota for AccessKeysPerUser: 2", 409};
  }
  MEKONG_TRY_ASSIGN(const AccessKey key, new_key(account, user));
  MEKONG_TRY(keys_.put(key.id, key));
  return keys_.find(key.id);
}

Status Directory::change_user(const AccountId& account, const std::string& name,
                              const std::function<Status(User&)>& change) {
  std::lock_guard lock(write_mutex_);
  auto found = find_user(account, name);
  if (!found) return no_such("user", name);
  User user = *found;
  MEKONG_TRY(change(user));
  return users_.put(key_of(account, name), std::move(user));
}

Status Directory::change_role(const AccountId& account, const std::string& name,
                              const std::function<Status(Role&)>& change) {
  std::lock_guard lock(write_mutex_);
  auto found = find_role(account, name);
  if (!found) return no_such("role", name);
  Role role = *found;
  MEKONG_TRY(change(role));
  return roles_.put(key_of(account, name), std::move(role));
}

Status Directory::delete_user(const AccountId& account, const std::string& name) {
  std::lock_guard lock(write_mutex_);
  auto user = find_user(account, name);
  if (!user) return no_such("user", name);
  if (!user->attached.empty()) return conflict("Cannot delete entity, must detach all policies first.");
  if (!user->inline_policies.empty()) return conflict("Cannot delete entity, must delete policies first.");
  if (!keys(account, name).empty()) return conflict("Cannot delete entity, must delete access keys first.");
  return users_.remove(key_of(account, name));
}

Status Directory::delete_role(const AccountId& account, const std::string& name) {
  std::lock_guard lock(write_mutex_);
  auto role = find_role(account, name);
  if (!role) return no_such("role", name);
  if (!role->attached.empty()) return conflict("Cannot delete entity, must detach all policies first.");
  if (!role->inline_policies.empty()) return conflict("Cannot delete entity, must delete policies first.");
  return roles_.remove(key_of(account, name));
}

Status Directory::delete_policy(std::string_view arn) {
  std::lock_guard lock(write_mutex_);
  auto policy = find_policy(arn);
  if (!policy) return Error{"NoSuchEntity", "Policy " + std::string(arn) + " was not found.", 404};
  const AccountId account(policy->account);
  auto bounds = [&](const auto& identities) {
    return std::any_of(identities.begin(), identities.end(),
                       [&](const auto& i) { return i->boundary == arn; });
  };
  if (attachments(account, arn) > 0 || bounds(users(account)) || bounds(roles(account))) {
    return conflict("Cannot delete a policy attached to entities.");
  }
  return policies_.remove(key_of(account, policy->name));
}

Status Directory::delete_key(const AccountId& account, const std::string& user, const std::string& id) {
  std::lock_guard lock(write_mutex_);
  auto key = find_key(id);
  if (!key || key->account != account.value || key->user != user) {
    return Error{"NoSuchEntity", "The Access Key with id " + id + " cannot be found.", 404};
  }
  return keys_.remove(id);
}

}  // namespace mekong::iam
