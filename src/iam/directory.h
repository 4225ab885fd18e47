// Accounts and what lives in them: users, roles, policies, access keys. Durable in meta, whole in memory.
// Any thread; writes wait for their commit (handler pool). Errors carry IAM's names: "EntityAlreadyExists",
// "NoSuchEntity", "DeleteConflict", "LimitExceeded", "InvalidInput", "MalformedPolicyDocument".
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
  // With its root key. "EntityAlreadyExists" for a name in use.
  Result<RootCredentials> create_account(const std::string& name);
  Result<RootCredentials> root_credentials(const std::string& account_name) const;
  // Secret of this server, 32 raw bytes, made at first load: session tokens hang on it.
  const std::string& server_secret() const { return server_secret_; }

  UserPtr find_user(const AccountId& account, const std::string& name) const;
  RolePtr find_role(const AccountId& account, const std::string& name) const;
  RolePtr find_role_by_arn(std::string_view arn) const;
  ManagedPolicyPtr find_policy(std::string_view arn) const;  // customer's policies only
  std::optional<PolicyInForce> policy_in_force(std::string_view arn) const;
  // AWS's own, or of this account.
  bool policy_visible(const AccountId& account, std::string_view arn) const;
  AccessKeyPtr find_key(const std::string& access_key_id) const;

  std::vector<UserPtr> users(const AccountId& account) const;
  std::vector<RolePtr> roles(const AccountId& account) const;
  std::vector<ManagedPolicyPtr> policies(const AccountId& account) const;
  std::vector<AccessKeyPtr> keys(const AccountId& account, const std::string& user) const;
  int attachments(const AccountId& account, std::string_view policy_arn) const;

  // Ids and dates are filled in; documents are checked here.
  Result<UserPtr> create_user(User user);
  Result<RolePtr> create_role(Role role);
  Result<ManagedPolicyPtr> create_policy(ManagedPolicy policy, std::string document);
  Result<AccessKeyPtr> create_key(const AccountId& account, const std::string& user);
  // Loads, changes and stores one record as one step. `change` may refuse; it must not call back into this.
  Status change_user(const AccountId& account, const std::string& name,
                     const std::function<Status(User&)>& change);
  Status change_role(const AccountId& account, const std::string& name,
                     const std::function<Status(Role&)>& change);
  Status delete_user(const AccountId& account, const std::string& name);
  Status delete_role(const AccountId& account, const std::string& name);
  Status delete_policy(std::string_view arn);
  Status delete_key(const AccountId& account, const std::string& user, const std::string& access_key_id);

 private:
  std::string new_id(std::string_view prefix);
  Result<AccessKey> new_key(const AccountId& account, const std::string& user);
  Status check_boundary(const std::string& arn) const;

  os::Clock& clock_;
  os::Random& random_;
  std::mutex write_mutex_;
  Table<Account> accounts_;
  Table<User> users_;
  Table<Role> roles_;
  Table<ManagedPolicy> policies_;
  Table<AccessKey> keys_;
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
