// Temporary credentials: an ASIA key, a secret derived from it, and a token that carries the session itself,
// sealed under the server's secret. Nothing is stored, so sessions survive a restart and end by themselves.
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/authoriser.h"
#include "base/result.h"
#include "iam/authenticator.h"
#include "iam/directory.h"

namespace mekong::iam {

struct SessionRequest {
  RolePtr role;  // null: a session of `user` itself (GetSessionToken), or federated by it
  UserPtr user;  // null with a null role: the account's root
  AccountId account;
  std::string session_name;           // role sessions
  std::string federated_name;         // GetFederationToken: the name; empty for the others
  std::vector<std::string> policies;  // documents, parsed once, or ARNs of managed policies
  std::map<std::string, std::string> tags;
  std::vector<std::string> transitive_tags;
  std::string source_identity, federated_provider;
  int64_t duration_s = 3600;
};

class Sessions final : public RoleSessions {
 public:
  Sessions(Directory& directory, os::Clock& clock, os::Random& random);

  SessionCredentials issue(const SessionRequest& request) const;
  // Errors: "InvalidClientTokenId" for a token that is not ours or not of this key, or whose role or user is
  // gone; "ExpiredToken".
  struct Opened {
    PrincipalPtr principal;
    std::string secret;
  };
  Result<Opened> open(const std::string& access_key_id, std::string_view token) const;
  // The account that a temporary key was made in: the key id carries a seal of it. None: not one of ours.
  std::optional<AccountId> account_of(std::string_view access_key_id) const;

  Result<SessionCredentials> assume_for_service(std::string_view role_arn, const ServiceCaller& caller,
                                                int64_t duration_s) override;

 private:
  std::string new_key_id(const AccountId& account) const;
  std::string secret_of(std::string_view access_key_id) const;

  Directory& directory_;
  os::Clock& clock_;
  os::Random& random_;
};

// The principal of a long-lived key; null when its user is gone.
PrincipalPtr principal_of_key(const Directory& directory, const AccessKey& key);

}  // namespace mekong::iam
