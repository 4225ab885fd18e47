// How the directory says no, in IAM's words. Internal to iam.
#pragma once
#include <string>
#include <string_view>

#include "base/ids.h"
#include "base/result.h"
#include "policy/context.h"

namespace mekong::iam {

// IAM names are unique without case.
inline std::string key_of(const AccountId& account, std::string_view name) {
  return account.value + "/" + policy::lower(name);
}

inline Error no_such(std::string_view kind, std::string_view name) {
  return {"NoSuchEntity",
          "The " + std::string(kind) + " with name " + std::string(name) + " cannot be found.", 404};
}

inline Error no_such_policy(std::string_view arn) {
  return {"NoSuchEntity", "Policy " + std::string(arn) + " was not found.", 404};
}

inline Error exists(std::string kind, std::string_view name) {
  if (!kind.empty()) kind[0] = static_cast<char>(kind[0] >= 'a' && kind[0] <= 'z' ? kind[0] - 32 : kind[0]);
  return {"EntityAlreadyExists", kind + " with name " + std::string(name) + " already exists.", 409};
}

inline Error conflict(std::string message) {
  return {"DeleteConflict", std::move(message), 409};
}

inline Error over_quota(std::string_view name, size_t quota) {
  return {"LimitExceeded", "Cannot exceed quota for " + std::string(name) + ": " + std::to_string(quota),
          409};
}

}  // namespace mekong::iam
