// The Authoriser: gathers the documents that stand on a request and asks policy. Deny by default.
#pragma once
#include <string_view>

#include "base/authoriser.h"
#include "iam/decision_log.h"
#include "iam/directory.h"
#include "iam/standing.h"
#include "policy/evaluate.h"

namespace mekong::iam {

class Decider final : public Authoriser {
 public:
  Decider(const Directory& directory, os::Clock& clock, DecisionLog& log)
      : directory_(directory), clock_(clock), log_(log), standing_(directory) {}
  Decision decide(const AuthorisationRequest& request) const override;

 private:
  struct Judged {
    policy::Verdict verdict;
    std::string reason;  // of a denial
  };
  Judged judge(const AuthorisationRequest& request, const policy::Context& context) const;
  Result<policy::Documents> documents_for(const AuthorisationRequest& request) const;
  Status add_user(std::string_view arn, std::string_view id, policy::Documents& documents) const;
  Status add_issuer(const Principal& principal, policy::Documents& documents) const;
  policy::Context context_for(const AuthorisationRequest& request) const;

  const Directory& directory_;
  os::Clock& clock_;
  DecisionLog& log_;
  StandingPolicies standing_;
};

}  // namespace mekong::iam
