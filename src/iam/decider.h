// The Authoriser: gathers the documents that stand on a request and asks policy. Deny by default.
#pragma once
#include <map>
#include <shared_mutex>
#include <string>
#include <string_view>

#include "base/authoriser.h"
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

class Decider final : public Authoriser {
 public:
  Decider(const Directory& directory, os::Clock& clock) : directory_(directory), clock_(clock) {}
  Decision decide(const AuthorisationRequest& request) const override;

 private:
  Result<policy::Documents> documents_for(const AuthorisationRequest& request) const;
  Status add_identity(const Identity& identity, policy::Documents& documents) const;
  policy::Context context_for(const AuthorisationRequest& request) const;

  const Directory& directory_;
  os::Clock& clock_;
  DocumentCache cache_;
};

}  // namespace mekong::iam
