// STS's API: who am I, and temporary credentials. https://docs.aws.amazon.com/STS/latest/APIReference/
#pragma once
#include "gen/sts/service.h"
#include "iam/directory.h"
#include "iam/sessions.h"

namespace mekong::sts {

namespace wire = gen::sts;

class Service final : public wire::Service {
 public:
  Service(iam::Directory& directory, const iam::Sessions& sessions)
      : directory_(directory), sessions_(sessions) {}

  Result<wire::GetCallerIdentityResponse> get_caller_identity(
      api::Context& ctx, const wire::GetCallerIdentityRequest& request) override;
  Result<wire::AssumeRoleResponse> assume_role(api::Context& ctx,
                                               const wire::AssumeRoleRequest& request) override;
  Result<wire::GetSessionTokenResponse> get_session_token(
      api::Context& ctx, const wire::GetSessionTokenRequest& request) override;
  Result<wire::GetAccessKeyInfoResponse> get_access_key_info(
      api::Context& ctx, const wire::GetAccessKeyInfoRequest& request) override;

 private:
  Result<std::vector<std::string>> session_policies(const iam::Role& role,
                                                    const wire::AssumeRoleRequest& request) const;

  iam::Directory& directory_;
  const iam::Sessions& sessions_;
};

}  // namespace mekong::sts
