// The policies that stand on an identity, compiled: its inline and attached ones, its groups', its boundary.
// Any thread. Errors: "MalformedPolicyDocument" (never of what was accepted), "AccessDenied": a boundary that
// is gone, which must not become no boundary.
#pragma once
#include <map>
#include <memory>
#include <shared_mutex>
#include <string>
#include <string_view>

#include "iam/directory.h"
#include "policy/evaluate.h"

namespace mekong::iam {

using DocumentsPtr = std::shared_ptr<const policy::Documents>;

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
  // The version in force now. Errors: "AccessDenied" where the policy is gone: fewer policies must not narrow
  // less.
  Result<policy::NamedDocument> managed(const std::string& arn) const;
  // The same of a whole identity, kept until the directory changes. `id` must be that of the role or user now
  // under `arn`; of a user it may be empty: whatever it is. Errors: "AccessDenied" where there is none.
  Result<DocumentsPtr> of_role(const std::string& arn, std::string_view id) const;
  Result<DocumentsPtr> of_user(const std::string& arn, std::string_view id) const;

 private:
  struct Kept {
    uint64_t version = 0;
    std::string id;
    DocumentsPtr documents;
  };
  DocumentsPtr kept(const std::string& arn, std::string_view id, uint64_t version) const;
  template <class T>
  Result<DocumentsPtr> keep(const std::string& arn, const T& identity, uint64_t version) const;

  const Directory& directory_;
  mutable std::shared_mutex mutex_;
  mutable std::map<std::string, Kept> kept_;  // by ARN; bounded: emptied when full
  DocumentCache cache_;
};

}  // namespace mekong::iam
