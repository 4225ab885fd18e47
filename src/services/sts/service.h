// STS's API: who am I, and temporary credentials. https://docs.aws.amazon.com/STS/latest/APIReference/
#pragma once
#include "gen/sts/service.h"
#include "iam/decision_log.h"
#include "iam/directory.h"
#include "iam/sessions.h"

namespace mekong::sts {

namespace wire = gen::sts;

class Service final : public wire::Service {
 public:
  Service(iam::Directory& directory, const iam::Sessions& sessions, const iam::DecisionLog& decisions)
      : directory_(directory), sessions_(sessions), decisions_(decisions) {}

  Result<wire::GetCallerIdentityResponse> get_caller_identity(
      api::Context& ctx, const wire::GetCallerIdentityRequest& request) override;
  Result<wire::AssumeRoleResponse> assume_role(api::Context& ctx,
                                               const wire::AssumeRoleRequest& request) override;
  Result<wire::GetSessionTokenResponse> get_session_token(
      api::Context& ctx, const wire::GetSessionTokenRequest& request) override;
  Result<wire::GetFederationTokenResponse> get_federation_token(
      api::Context& ctx, const wire::GetFederationTokenRequest& request) override;
  Result<wire::DecodeAuthorizationMessageResponse> decode_authorization_message(
      api::Context& ctx, const wire::DecodeAuthorizationMessageRequest& request) override;
  Result<wire::GetAccessKeyInfoResponse> get_access_key_info(
      api::Context& ctx, const wire::GetAccessKeyInfoRequest& request) override;

 private:
  // Parsed, and within their limits.
  Result<std::vector<std::string>> session_policies(
      const AccountId& account, const std::optional<std::string>& policy,
      const std::optional<std::vector<wire::PolicyDescriptorType>>& arns) const;
  // The long-lived user or root that calls, as the issuer of a session of its own.
  Result<iam::SessionRequest> own_session(const api::Context& ctx, std::optional<int32_t> duration_s,
                                          std::string_view operation) const;

  iam::Directory& directory_;
  const iam::Sessions& sessions_;
  const iam::DecisionLog& decisions_;
};

}  // namespace mekong::sts
