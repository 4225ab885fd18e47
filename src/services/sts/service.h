// STS's API: who am I, and temporary credentials. https://docs.aws.amazon.com/STS/latest/APIReference/
#pragma once
#include "gen/sts/service.h"
#include "iam/decision_log.h"
#include "iam/directory.h"
#include "iam/sessions.h"
#include "iam/web_identity.h"

namespace mekong::sts {

namespace wire = gen::sts;

class Service final : public wire::Service {
 public:
  Service(iam::Directory& directory, const iam::Sessions& sessions, const iam::DecisionLog& decisions,
          const iam::WebIdentities& identities)
      : directory_(directory), sessions_(sessions), decisions_(decisions), identities_(identities) {}

#include "gen/sts/operations.inc"

 private:
  // As a principal carries them: a document, parsed once, and the ARNs of managed policies, within their
  // limits.
  Result<std::vector<std::string>> session_policies(
      const AccountId& account, const std::optional<std::string>& policy,
      const std::optional<std::vector<wire::PolicyDescriptorType>>& arns) const;
  // The long-lived user or root that calls, as the issuer of a session of its own.
  Result<iam::SessionRequest> own_session(const api::Context& ctx, std::optional<int32_t> duration_s,
                                          std::string_view operation) const;

  iam::Directory& directory_;
  const iam::Sessions& sessions_;
  const iam::DecisionLog& decisions_;
  const iam::WebIdentities& identities_;
};

}  // namespace mekong::sts
