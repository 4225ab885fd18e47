// The policies that stand on an identity, compiled: its inline and attached ones, its groups', its boundary.
// Any thread. Errors: "MalformedPolicyDocument" (never of what was accepted), "AccessDenied": a boundary that
// is gone, which must not become no boundary.
#pragma once
#include <map>
#include <shared_mutex>
#include <string>
#include <string_view>

#include "iam/directory.h"
#include "policy/evaluate.h"

namespace mekong::iam {

// Documents compiled once, by their text. Bounded: emptied when full.
class DocumentCache {
 public:
  Result<policy::DocumentPtr> get(std::string_view text) const;

 private:
  mutable std::shared_mutex mutex_;
  mutable std::map<std::string, policy::DocumentPtr, std::less<>> documents_;
};

class StandingPolicies {
 public:
  explicit StandingPolicies(const Directory& directory) : directory_(directory) {}

  // Into `documents`: identity policies are added, a boundary replaces.
  Status add(const User& user, policy::Documents& documents) const;  // with its groups'
  Status add(const Identity& identity, policy::Documents& documents) const;
  Result<policy::DocumentPtr> compiled(std::string_view text) const { return cache_.get(text); }

 private:
  const Directory& directory_;
  DocumentCache cache_;
};

}  // namespace mekong::iam
