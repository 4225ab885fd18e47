// Directory: users, groups, roles, instance profiles and keys, made, renamed and deleted.
#include <algorithm>

#include "iam/directory.h"
#include "iam/directory_errors.h"
#include "policy/document.h"

namespace mekong::iam {
namespace {

constexpr size_t users_max = 5000, groups_max = 300, roles_max = 1000, profiles_max = 1000;
constexpr size_t keys_per_user_max = 2, providers_max = 100;

Status check_bare(const Identity& identity) {
  if (!identity.attached.empty()) return conflict("Cannot delete entity, must detach all policies first.");
  if (!identity.inline_policies.empty()) return conflict("Cannot delete entity, must delete policies first.");
  return ok();
}

}  // namespace

Result<UserPtr> Directory::create_user(User user) {
  std::lock_guard lock(write_mutex_);
  MEKONG_TRY(check_boundary(AccountId(user.account), user.boundary));
  return add(std::move(user), users_max, "UsersPerAccount");
}

Result<GroupPtr> Directory::create_group(Group group) {
  std::lock_guard lock(write_mutex_);
  return add(std::move(group), groups_max, "GroupsPerAccount");
}

Result<RolePtr> Directory::create_role(Role role) {
  MEKONG_TRY(policy::parse_document(role.trust, policy::DocumentKind::trust));
  std::lock_guard lock(write_mutex_);
  MEKONG_TRY(check_boundary(AccountId(role.account), role.boundary));
  return add(std::move(role), roles_max, "RolesPerAccount");
}

Result<InstanceProfilePtr> Directory::create_instance_profile(InstanceProfile profile) {
  std::lock_guard lock(write_mutex_);
  return add(std::move(profile), profiles_max, "InstanceProfilesPerAccount");
}

Result<IdentityProviderPtr> Directory::create_provider(IdentityProvider provider) {
  std::lock_guard lock(write_mutex_);
  if (providers_.find(provider.arn)) {
    return Error{"EntityAlreadyExists", "Provider with url " + provider.url + " already exists.", 409};
  }
  if (providers(AccountId(provider.account), provider.saml).size() >= providers_max) {
    return over_quota(provider.saml ? "SAMLProvidersPerAccount" : "OpenIdConnectProvidersPerAccount",
                      providers_max);
  }
  provider.id = new_id("ASAM");
  provider.created_ms = clock_.wall_ms();
  const std::string arn = provider.arn;
  MEKONG_TRY(providers_.put(arn, std::move(provider)));
  return providers_.find(arn);
}

Result<AccessKeyPtr> Directory::create_key(const AccountId& account, const std::string& user) {
  std::lock_guard lock(write_mutex_);
  if (!user.empty() && !find_user(account, user)) return no_such("user", user);
  if (keys(account, user).size() >= keys_per_user_max) {
    return over_quota("AccessKeysPerUser", keys_per_user_max);
  }
  MEKONG_TRY_ASSIGN(const AccessKey key, new_key(account, user));
  MEKONG_TRY(keys_.put(key.id, key));
  return keys_.find(key.id);
}

Status Directory::rename_user(const AccountId& account, const std::string& name, const Rename& to) {
  std::lock_guard lock(write_mutex_);
  auto user = find<User>(account, name);
  if (!user) return no_such("user", name);
  Change change;
  MEKONG_TRY(rename(change, *user, to));
  for (const auto& key : keys(account, name)) {
    AccessKey moved = *key;
    moved.user = to.name.value_or(name);
    keys_.put(change, key->id, std::move(moved));
  }
  return change.commit(store_);
}

Status Directory::rename_group(const AccountId& account, const std::string& name, const Rename& to) {
  std::lock_guard lock(write_mutex_);
  auto group = find<Group>(account, name);
  if (!group) return no_such("group", name);
  Change change;
  MEKONG_TRY(rename(change, *group, to));
  for (const auto& user : list<User>(account)) {
    if (std::find(user->groups.begin(), user->groups.end(), name) == user->groups.end()) continue;
    User member = *user;
    std::replace(member.groups.begin(), member.groups.end(), name, to.name.value_or(name));
    users_.put(change, key_of(account, user->name), std::move(member));
  }
  return change.commit(store_);
}

Status Directory::change_provider(const std::string& arn,
                                  const std::function<Status(IdentityProvider&)>& change) {
  std::lock_guard lock(write_mutex_);
  auto found = providers_.find(arn);
  if (!found) return Error{"NoSuchEntity", "Provider not found for arn " + arn, 404};
  IdentityProvider provider = *found;
  MEKONG_TRY(change(provider));
  return providers_.put(arn, std::move(provider));
}

Status Directory::set_key_active(const AccountId& account, const std::string& user, const std::string& id,
                                 bool active) {
  std::lock_guard lock(write_mutex_);
  auto found = find_key(id);
  if (!found || found->account != account.value || found->user != user) {
    return Error{"NoSuchEntity", "The Access Key with id " + id + " cannot be found.", 404};
  }
  AccessKey key = *found;
  key.active = active;
  return keys_.put(id, std::move(key));
}

Status Directory::delete_user(const AccountId& account, const std::string& name) {
  std::lock_guard lock(write_mutex_);
  auto user = find_user(account, name);
  if (!user) return no_such("user", name);
  MEKONG_TRY(check_bare(*user));
  if (!keys(account, name).empty()) return conflict("Cannot delete entity, must delete access keys first.");
  if (!user->groups.empty()) return conflict("Cannot delete entity, must remove users from group first.");
  return users_.remove(key_of(account, name));
}

Status Directory::delete_group(const AccountId& account, const std::string& name) {
  std::lock_guard lock(write_mutex_);
  auto group = find<Group>(account, name);
  if (!group) return no_such("group", name);
  MEKONG_TRY(check_bare(*group));
  for (const auto& user : list<User>(account)) {
    if (std::find(user->groups.begin(), user->groups.end(), name) != user->groups.end()) {
      return conflict("Cannot delete entity, must remove users from group first.");
    }
  }
  return groups_.remove(key_of(account, name));
}

Status Directory::delete_role(const AccountId& account, const std::string& name) {
  std::lock_guard lock(write_mutex_);
  auto role = find_role(account, name);
  if (!role) return no_such("role", name);
  if (role->linked_service.empty()) MEKONG_TRY(check_bare(*role));
  for (const auto& profile : list<InstanceProfile>(account)) {
    if (profile->role == name) {
      return conflict("Cannot delete entity, must remove roles from instance profile first.");
    }
  }
  return roles_.remove(key_of(account, name));
}

Status Directory::delete_instance_profile(const AccountId& account, const std::string& name) {
  std::lock_guard lock(write_mutex_);
  auto profile = find<InstanceProfile>(account, name);
  if (!profile) return no_such(InstanceProfile::kind, name);
  if (!profile->role.empty()) {
    return conflict("Cannot delete entity, must remove roles from instance profile first.");
  }
  return profiles_.remove(key_of(account, name));
}

Status Directory::delete_provider(const std::string& arn) {
  std::lock_guard lock(write_mutex_);
  if (!providers_.find(arn)) return Error{"NoSuchEntity", "Provider not found for arn " + arn, 404};
  return providers_.remove(arn);
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
