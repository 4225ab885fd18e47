// Accounts and what lives in them: users, groups, roles, instance profiles, policies, access keys, identity
// providers. Durable in meta, whole in memory. Any thread; writes wait for their commit (handler pool).
// Errors carry IAM's names: "EntityAlreadyExists", "NoSuchEntity", "DeleteConflict", "LimitExceeded",
// "InvalidInput", "MalformedPolicyDocument". Quotas are IAM's defaults:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
#pragma once
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "iam/records.h"
#include "iam/table.h"
#include "os/clock.h"
#include "os/random.h"

namespace mekong::iam {

struct RootCredentials {
  Account account;
  std::string access_key_id, secret_access_key;
};

// A policy as it stands now, the customer's or AWS's own.
struct PolicyInForce {
  std::string arn, name, document;
};

class Directory {
 public:
  Directory(meta::Store& store, os::Clock& clock, os::Random& random);
  Status load();

  std::vector<Account> accounts() const;
  std::optional<Account> find_account(const AccountId& id) const;
  // With its root key. "EntityAlreadyExists" for a name in use.
  Result<RootCredentials> create_account(const std::string& name);
  Result<RootCredentials> root_credentials(const std::string& account_name) const;
  // An alias is of one account only, in the whole server. Empty takes it away.
  Status set_alias(const AccountId& account, const std::string& alias);
  // Replaces it. Without one it is taken away: "NoSuchEntity" where there is none.
  Status set_password_policy(const AccountId& account, const std::optional<PasswordPolicy>& policy);
  // Secret of this server, 32 raw bytes, made at first load: session tokens hang on it.
  const std::string& server_secret() const { return server_secret_; }

  // T: User, Group, Role, InstanceProfile, ManagedPolicy. Names are found exactly, but unique without case.
  template <class T>
  Ptr<T> find(const AccountId& account, const std::string& name) const;
  template <class T>
  std::vector<Ptr<T>> list(const AccountId& account) const;
  // Loads, changes and stores one record as one step. `change` may refuse; it may read here, never write.
  template <class T>
  Status change(const AccountId& account, const std::string& name, const std::function<Status(T&)>& change);

  UserPtr find_user(const AccountId& account, const std::string& name) const {
    return find<User>(account, name);
  }
  RolePtr find_role(const AccountId& account, const std::string& name) const {
    return find<Role>(account, name);
  }
  RolePtr find_role_by_arn(std::string_view arn) const;
  ManagedPolicyPtr find_policy(std::string_view arn) const;  // customer's policies only
  std::optional<PolicyInForce> policy_in_force(std::string_view arn) const;
  // Rises with every change of what decisions hang on: users, groups, roles, policies.
  uint64_t version() const {
    return users_.version() + groups_.version() + roles_.version() + policies_.version();
  }
  // The same of what callers hang on: access keys, users, roles.
  uint64_t callers_version() const { return keys_.version() + users_.version() + roles_.version(); }
  // AWS's own, or of this account.
  bool policy_visible(const AccountId& account, std::string_view arn) const;
  AccessKeyPtr find_key(const std::string& access_key_id) const;
  IdentityProviderPtr find_provider(const std::string& arn) const;
  // May a policy name this AWS principal: "*", an account, a user, a role or a session of one that is there?
  // What other servers' accounts hold is not known here, and taken as given.
  bool may_be_named(std::string_view principal) const;

  std::vector<AccessKeyPtr> keys(const AccountId& account, const std::string& user) const;
  std::vector<IdentityProviderPtr> providers(const AccountId& account, bool saml) const;
  int attachments(const AccountId& account, std::string_view policy_arn) const;
  int bounded(const AccountId& account, std::string_view policy_arn) const;  // as a permissions boundary

  // Ids and dates are filled in; documents are checked here.
  Result<UserPtr> create_user(User user);
  Result<GroupPtr> create_group(Group group);
  Result<RolePtr> create_role(Role role);
  Result<InstanceProfilePtr> create_instance_profile(InstanceProfile profile);
  Result<ManagedPolicyPtr> create_policy(ManagedPolicy policy, std::string document);
  Result<AccessKeyPtr> create_key(const AccountId& account, const std::string& user);
  Result<IdentityProviderPtr> create_provider(IdentityProvider provider);

  // What is not given stays. The new name must be free; keys and members go along.
  struct Rename {
    std::optional<std::string> name, path;
  };
  Status rename_user(const AccountId& account, const std::string& name, const Rename& rename);
  Status rename_group(const AccountId& account, const std::string& name, const Rename& rename);
  Status change_provider(const std::string& arn, const std::function<Status(IdentityProvider&)>& change);
  Status set_key_active(const AccountId& account, const std::string& user, const std::string& access_key_id,
                        bool active);
  // Empty, AWS's own, or a policy of this account.
  Status check_boundary(const AccountId& account, const std::string& arn) const;

  // At most five versions are kept; the oldest is not dropped by itself.
  Result<PolicyVersion> create_policy_version(std::string_view arn, std::string document, bool as_default);
  Status set_default_policy_version(std::string_view arn, const std::string& version);
  Status delete_policy_version(std::string_view arn, const std::string& version);

  Status delete_user(const AccountId& account, const std::string& name);
  Status delete_group(const AccountId& account, const std::string& name);
  Status delete_role(const AccountId& account, const std::string& name);
  Status delete_instance_profile(const AccountId& account, const std::string& name);
  Status delete_policy(std::string_view arn);
  Status delete_provider(const std::string& arn);
  Status delete_key(const AccountId& account, const std::string& user, const std::string& access_key_id);

 private:
  template <class T>
  Table<T>& table();
  template <class T>
  const Table<T>& table() const {
    return const_cast<Directory*>(this)->table<T>();
  }
  template <class T>
  Result<Ptr<T>> add(T record, size_t quota, const char* quota_name);
  template <class T>
  Status rename(Change& change, const T& from, const Rename& to);
  Status change_policy(std::string_view arn, const std::function<Status(ManagedPolicy&)>& change);
  std::string new_id(std::string_view prefix);
  Result<AccessKey> new_key(const AccountId& account, const std::string& user);

  meta::Store& store_;
  os::Clock& clock_;
  os::Random& random_;
  std::mutex write_mutex_;
  Table<Account> accounts_;
  Table<User> users_;
  Table<Group> groups_;
  Table<Role> roles_;
  Table<InstanceProfile> profiles_;
  Table<ManagedPolicy> policies_;
  Table<AccessKey> keys_;
  Table<IdentityProvider> providers_;
  Table<AccessKey> server_;  // one record: the server's secret
  std::string server_secret_;
};

// "…:role/path/name" of the given type → its name; none for another type of ARN.
struct ArnName {
  AccountId account;
  std::string path, name;
};
std::optional<ArnName> parse_iam_arn(std::string_view arn, std::string_view type);

}  // namespace mekong::iam
