// What people sign in with elsewhere: passwords, MFA devices, certificates, SSH keys. Nothing of it can be
// made here, so nobody has any; who deletes a user whole (Terraform's force_destroy) asks for each kind
// first.
#include "services/iam/service.h"

namespace mekong::iam {
namespace {

Error no_login_profile(const std::string& user) {
  return {"NoSuchEntity", "Login Profile for User " + user + " cannot be found.", 404};
}

}  // namespace

Result<wire::GetLoginProfileResponse> Service::get_login_profile(
    api::Context& ctx, const wire::GetLoginProfileRequest& request) {
  MEKONG_TRY_ASSIGN(const std::string user, key_owner(ctx, request.user_name));
  return no_login_profile(user);
}

Result<wire::DeleteLoginProfileResponse> Service::delete_login_profile(
    api::Context& ctx, const wire::DeleteLoginProfileRequest& request) {
  MEKONG_TRY_ASSIGN(const std::string user, key_owner(ctx, request.user_name));
  return no_login_profile(user);
}

Result<wire::ListMFADevicesResponse> Service::list_mfa_devices(api::Context& ctx,
                                                               const wire::ListMFADevicesRequest& request) {
  MEKONG_TRY(key_owner(ctx, request.user_name));
  wire::ListMFADevicesResponse out;
  out.is_truncated = false;
  return out;
}

Result<wire::ListVirtualMFADevicesResponse> Service::list_virtual_mfa_devices(
    api::Context&, const wire::ListVirtualMFADevicesRequest&) {
  wire::ListVirtualMFADevicesResponse out;
  out.is_truncated = false;
  return out;
}

Result<wire::ListSSHPublicKeysResponse> Service::list_ssh_public_keys(
    api::Context& ctx, const wire::ListSSHPublicKeysRequest& request) {
  MEKONG_TRY(key_owner(ctx, request.user_name));
  wire::ListSSHPublicKeysResponse out;
  out.ssh_public_keys.emplace();
  out.is_truncated = false;
  return out;
}

Result<wire::ListSigningCertificatesResponse> Service::list_signing_certificates(
    api::Context& ctx, const wire::ListSigningCertificatesRequest& request) {
  MEKONG_TRY(key_owner(ctx, request.user_name));
  wire::ListSigningCertificatesResponse out;
  out.is_truncated = false;
  return out;
}

Result<wire::ListServiceSpecificCredentialsResponse> Service::list_service_specific_credentials(
    api::Context& ctx, const wire::ListServiceSpecificCredentialsRequest& request) {
  if (request.all_users.value_or(false)) {
    MEKONG_TRY(ctx.authorise("arn:aws:iam::" + ctx.account.value + ":user/*"));
  } else {
    MEKONG_TRY(key_owner(ctx, request.user_name));
  }
  wire::ListServiceSpecificCredentialsResponse out;
  out.service_specific_credentials.emplace();
  out.is_truncated = false;
  return out;
}

}  // namespace mekong::iam
