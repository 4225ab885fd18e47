// IAM's API on the directory: https://docs.aws.amazon.com/IAM/latest/APIReference/
#pragma once
#include <functional>
#include <map>
#include <mutex>

#include "gen/iam/service.h"
#include "iam/directory.h"
#include "iam/standing.h"
#include "iam/usage.h"
#include "os/clock.h"

namespace mekong::iam {

namespace wire = gen::iam;

class Service final : public wire::Service {
 public:
  Service(Directory& directory, const Usage& usage, os::Clock& clock)
      : directory_(directory), usage_(usage), clock_(clock), standing_(directory) {}

  // ops_roles.cpp
  Result<wire::CreateRoleResponse> create_role(api::Context& ctx,
                                               const wire::CreateRoleRequest& request) override;
  Result<wire::GetRoleResponse> get_role(api::Context& ctx, const wire::GetRoleRequest& request) override;
  Result<wire::DeleteRoleResponse> delete_role(api::Context& ctx,
                                               const wire::DeleteRoleRequest& request) override;
  Result<wire::UpdateRoleResponse> update_role(api::Context& ctx,
                                               const wire::UpdateRoleRequest& request) override;
  Result<wire::UpdateRoleDescriptionResponse> update_role_description(
      api::Context& ctx, const wire::UpdateRoleDescriptionRequest& request) override;
  Result<wire::UpdateAssumeRolePolicyResponse> update_assume_role_policy(
      api::Context& ctx, const wire::UpdateAssumeRolePolicyRequest& request) override;
  Result<wire::CreateServiceLinkedRoleResponse> create_service_linked_role(
      api::Context& ctx, const wire::CreateServiceLinkedRoleRequest& request) override;
  Result<wire::DeleteServiceLinkedRoleResponse> delete_service_linked_role(
      api::Context& ctx, const wire::DeleteServiceLinkedRoleRequest& request) override;
  Result<wire::GetServiceLinkedRoleDeletionStatusResponse> get_service_linked_role_deletion_status(
      api::Context& ctx, const wire::GetServiceLinkedRoleDeletionStatusRequest& request) override;
  Result<wire::ListRolesResponse> list_roles(api::Context& ctx,
                                             const wire::ListRolesRequest& request) override;

  // ops_users.cpp
  Result<wire::CreateUserResponse> create_user(api::Context& ctx,
                                               const wire::CreateUserRequest& request) override;
  Result<wire::GetUserResponse> get_user(api::Context& ctx, const wire::GetUserRequest& request) override;
  Result<wire::UpdateUserResponse> update_user(api::Context& ctx,
                                               const wire::UpdateUserRequest& request) override;
  Result<wire::DeleteUserResponse> delete_user(api::Context& ctx,
                                               const wire::DeleteUserRequest& request) override;
  Result<wire::CreateAccessKeyResponse> create_access_key(
      api::Context& ctx, const wire::CreateAccessKeyRequest& request) override;
  Result<wire::ListAccessKeysResponse> list_access_keys(api::Context& ctx,
                                                        const wire::ListAccessKeysRequest& request) override;
  Result<wire::UpdateAccessKeyResponse> update_access_key(
      api::Context& ctx, const wire::UpdateAccessKeyRequest& request) override;
  Result<wire::DeleteAccessKeyResponse> delete_access_key(
      api::Context& ctx, const wire::DeleteAccessKeyRequest& request) override;
  Result<wire::GetAccessKeyLastUsedResponse> get_access_key_last_used(
      api::Context& ctx, const wire::GetAccessKeyLastUsedRequest& request) override;
  Result<wire::ListUsersResponse> list_users(api::Context& ctx,
                                             const wire::ListUsersRequest& request) override;

  // ops_groups.cpp
  Result<wire::ListGroupsForUserResponse> list_groups_for_user(
      api::Context& ctx, const wire::ListGroupsForUserRequest& request) override;
  Result<wire::CreateGroupResponse> create_group(api::Context& ctx,
                                                 const wire::CreateGroupRequest& request) override;
  Result<wire::GetGroupResponse> get_group(api::Context& ctx, const wire::GetGroupRequest& request) override;
  Result<wire::UpdateGroupResponse> update_group(api::Context& ctx,
                                                 const wire::UpdateGroupRequest& request) override;
  Result<wire::DeleteGroupResponse> delete_group(api::Context& ctx,
                                                 const wire::DeleteGroupRequest& request) override;
  Result<wire::AddUserToGroupResponse> add_user_to_group(api::Context& ctx,
                                                         const wire::AddUserToGroupRequest& request) override;
  Result<wire::RemoveUserFromGroupResponse> remove_user_from_group(
      api::Context& ctx, const wire::RemoveUserFromGroupRequest& request) override;
  Result<wire::ListGroupsResponse> list_groups(api::Context& ctx,
                                               const wire::ListGroupsRequest& request) override;

  // ops_profiles.cpp
  Result<wire::CreateInstanceProfileResponse> create_instance_profile(
      api::Context& ctx, const wire::CreateInstanceProfileRequest& request) override;
  Result<wire::GetInstanceProfileResponse> get_instance_profile(
      api::Context& ctx, const wire::GetInstanceProfileRequest& request) override;
  Result<wire::DeleteInstanceProfileResponse> delete_instance_profile(
      api::Context& ctx, const wire::DeleteInstanceProfileRequest& request) override;
  Result<wire::AddRoleToInstanceProfileResponse> add_role_to_instance_profile(
      api::Context& ctx, const wire::AddRoleToInstanceProfileRequest& request) override;
  Result<wire::RemoveRoleFromInstanceProfileResponse> remove_role_from_instance_profile(
      api::Context& ctx, const wire::RemoveRoleFromInstanceProfileRequest& request) override;
  Result<wire::ListInstanceProfilesForRoleResponse> list_instance_profiles_for_role(
      api::Context& ctx, const wire::ListInstanceProfilesForRoleRequest& request) override;
  Result<wire::TagInstanceProfileResponse> tag_instance_profile(
      api::Context& ctx, const wire::TagInstanceProfileRequest& request) override;
  Result<wire::UntagInstanceProfileResponse> untag_instance_profile(
      api::Context& ctx, const wire::UntagInstanceProfileRequest& request) override;
  Result<wire::ListInstanceProfileTagsResponse> list_instance_profile_tags(
      api::Context& ctx, const wire::ListInstanceProfileTagsRequest& request) override;
  Result<wire::ListInstanceProfilesResponse> list_instance_profiles(
      api::Context& ctx, const wire::ListInstanceProfilesRequest& request) override;

  // ops_providers.cpp
  Result<wire::CreateOpenIDConnectProviderResponse> create_open_id_connect_provider(
      api::Context& ctx, const wire::CreateOpenIDConnectProviderRequest& request) override;
  Result<wire::GetOpenIDConnectProviderResponse> get_open_id_connect_provider(
      api::Context& ctx, const wire::GetOpenIDConnectProviderRequest& request) override;
  Result<wire::DeleteOpenIDConnectProviderResponse> delete_open_id_connect_provider(
      api::Context& ctx, const wire::DeleteOpenIDConnectProviderRequest& request) override;
  Result<wire::AddClientIDToOpenIDConnectProviderResponse> add_client_id_to_open_id_connect_provider(
      api::Context& ctx, const wire::AddClientIDToOpenIDConnectProviderRequest& request) override;
  Result<wire::RemoveClientIDFromOpenIDConnectProviderResponse>
  remove_client_id_from_open_id_connect_provider(
      api::Context& ctx, const wire::RemoveClientIDFromOpenIDConnectProviderRequest& request) override;
  Result<wire::UpdateOpenIDConnectProviderThumbprintResponse> update_open_id_connect_provider_thumbprint(
      api::Context& ctx, const wire::UpdateOpenIDConnectProviderThumbprintRequest& request) override;
  Result<wire::TagOpenIDConnectProviderResponse> tag_open_id_connect_provider(
      api::Context& ctx, const wire::TagOpenIDConnectProviderRequest& request) override;
  Result<wire::UntagOpenIDConnectProviderResponse> untag_open_id_connect_provider(
      api::Context& ctx, const wire::UntagOpenIDConnectProviderRequest& request) override;
  Result<wire::ListOpenIDConnectProviderTagsResponse> list_open_id_connect_provider_tags(
      api::Context& ctx, const wire::ListOpenIDConnectProviderTagsRequest& request) override;
  Result<wire::CreateSAMLProviderResponse> create_saml_provider(
      api::Context& ctx, const wire::CreateSAMLProviderRequest& request) override;
  Result<wire::GetSAMLProviderResponse> get_saml_provider(
      api::Context& ctx, const wire::GetSAMLProviderRequest& request) override;
  Result<wire::UpdateSAMLProviderResponse> update_saml_provider(
      api::Context& ctx, const wire::UpdateSAMLProviderRequest& request) override;
  Result<wire::DeleteSAMLProviderResponse> delete_saml_provider(
      api::Context& ctx, const wire::DeleteSAMLProviderRequest& request) override;
  Result<wire::TagSAMLProviderResponse> tag_saml_provider(
      api::Context& ctx, const wire::TagSAMLProviderRequest& request) override;
  Result<wire::UntagSAMLProviderResponse> untag_saml_provider(
      api::Context& ctx, const wire::UntagSAMLProviderRequest& request) override;
  Result<wire::ListSAMLProviderTagsResponse> list_saml_provider_tags(
      api::Context& ctx, const wire::ListSAMLProviderTagsRequest& request) override;
  Result<wire::ListOpenIDConnectProvidersResponse> list_open_id_connect_providers(
      api::Context& ctx, const wire::ListOpenIDConnectProvidersRequest& request) override;
  Result<wire::ListSAMLProvidersResponse> list_saml_providers(
      api::Context& ctx, const wire::ListSAMLProvidersRequest& request) override;

  // ops_inline.cpp: the policies inside of roles, users and groups
  Result<wire::PutRolePolicyResponse> put_role_policy(api::Context& ctx,
                                                      const wire::PutRolePolicyRequest& request) override;
  Result<wire::GetRolePolicyResponse> get_role_policy(api::Context& ctx,
                                                      const wire::GetRolePolicyRequest& request) override;
  Result<wire::DeleteRolePolicyResponse> delete_role_policy(
      api::Context& ctx, const wire::DeleteRolePolicyRequest& request) override;
  Result<wire::ListRolePoliciesResponse> list_role_policies(
      api::Context& ctx, const wire::ListRolePoliciesRequest& request) override;
  Result<wire::PutUserPolicyResponse> put_user_policy(api::Context& ctx,
                                                      const wire::PutUserPolicyRequest& request) override;
  Result<wire::GetUserPolicyResponse> get_user_policy(api::Context& ctx,
                                                      const wire::GetUserPolicyRequest& request) override;
  Result<wire::DeleteUserPolicyResponse> delete_user_policy(
      api::Context& ctx, const wire::DeleteUserPolicyRequest& request) override;
  Result<wire::ListUserPoliciesResponse> list_user_policies(
      api::Context& ctx, const wire::ListUserPoliciesRequest& request) override;
  Result<wire::PutGroupPolicyResponse> put_group_policy(api::Context& ctx,
                                                        const wire::PutGroupPolicyRequest& request) override;
  Result<wire::GetGroupPolicyResponse> get_group_policy(api::Context& ctx,
                                                        const wire::GetGroupPolicyRequest& request) override;
  Result<wire::DeleteGroupPolicyResponse> delete_group_policy(
      api::Context& ctx, const wire::DeleteGroupPolicyRequest& request) override;
  Result<wire::ListGroupPoliciesResponse> list_group_policies(
      api::Context& ctx, const wire::ListGroupPoliciesRequest& request) override;

  // ops_attached.cpp: managed policies, boundaries and tags of them
  Result<wire::AttachRolePolicyResponse> attach_role_policy(
      api::Context& ctx, const wire::AttachRolePolicyRequest& request) override;
  Result<wire::ListAttachedRolePoliciesResponse> list_attached_role_policies(
      api::Context& ctx, const wire::ListAttachedRolePoliciesRequest& request) override;
  Result<wire::TagRoleResponse> tag_role(api::Context& ctx, const wire::TagRoleRequest& request) override;
  Result<wire::UntagRoleResponse> untag_role(api::Context& ctx,
                                             const wire::UntagRoleRequest& request) override;
  Result<wire::ListRoleTagsResponse> list_role_tags(api::Context& ctx,
                                                    const wire::ListRoleTagsRequest& request) override;
  Result<wire::PutRolePermissionsBoundaryResponse> put_role_permissions_boundary(
      api::Context& ctx, const wire::PutRolePermissionsBoundaryRequest& request) override;
  Result<wire::DeleteRolePermissionsBoundaryResponse> delete_role_permissions_boundary(
      api::Context& ctx, const wire::DeleteRolePermissionsBoundaryRequest& request) override;
  Result<wire::AttachUserPolicyResponse> attach_user_policy(
      api::Context& ctx, const wire::AttachUserPolicyRequest& request) override;
  Result<wire::ListAttachedUserPoliciesResponse> list_attached_user_policies(
      api::Context& ctx, const wire::ListAttachedUserPoliciesRequest& request) override;
  Result<wire::TagUserResponse> tag_user(api::Context& ctx, const wire::TagUserRequest& request) override;
  Result<wire::UntagUserResponse> untag_user(api::Context& ctx,
                                             const wire::UntagUserRequest& request) override;
  Result<wire::ListUserTagsResponse> list_user_tags(api::Context& ctx,
                                                    const wire::ListUserTagsRequest& request) override;
  Result<wire::PutUserPermissionsBoundaryResponse> put_user_permissions_boundary(
      api::Context& ctx, const wire::PutUserPermissionsBoundaryRequest& request) override;
  Result<wire::DeleteUserPermissionsBoundaryResponse> delete_user_permissions_boundary(
      api::Context& ctx, const wire::DeleteUserPermissionsBoundaryRequest& request) override;
  Result<wire::AttachGroupPolicyResponse> attach_group_policy(
      api::Context& ctx, const wire::AttachGroupPolicyRequest& request) override;
  Result<wire::ListAttachedGroupPoliciesResponse> list_attached_group_policies(
      api::Context& ctx, const wire::ListAttachedGroupPoliciesRequest& request) override;
  Result<wire::DetachRolePolicyResponse> detach_role_policy(
      api::Context& ctx, const wire::DetachRolePolicyRequest& request) override;
  Result<wire::DetachUserPolicyResponse> detach_user_policy(
      api::Context& ctx, const wire::DetachUserPolicyRequest& request) override;
  Result<wire::DetachGroupPolicyResponse> detach_group_policy(
      api::Context& ctx, const wire::DetachGroupPolicyRequest& request) override;

  // ops_simulate.cpp
  Result<wire::SimulatePolicyResponse> simulate_principal_policy(
      api::Context& ctx, const wire::SimulatePrincipalPolicyRequest& request) override;
  Result<wire::GetContextKeysForPolicyResponse> get_context_keys_for_principal_policy(
      api::Context& ctx, const wire::GetContextKeysForPrincipalPolicyRequest& request) override;
  Result<wire::SimulatePolicyResponse> simulate_custom_policy(
      api::Context& ctx, const wire::SimulateCustomPolicyRequest& request) override;
  Result<wire::GetContextKeysForPolicyResponse> get_context_keys_for_custom_policy(
      api::Context& ctx, const wire::GetContextKeysForCustomPolicyRequest& request) override;

  // ops_account.cpp
  Result<wire::CreateAccountAliasResponse> create_account_alias(
      api::Context& ctx, const wire::CreateAccountAliasRequest& request) override;
  Result<wire::DeleteAccountAliasResponse> delete_account_alias(
      api::Context& ctx, const wire::DeleteAccountAliasRequest& request) override;
  Result<wire::ListAccountAliasesResponse> list_account_aliases(
      api::Context& ctx, const wire::ListAccountAliasesRequest& request) override;
  Result<wire::GetAccountSummaryResponse> get_account_summary(
      api::Context& ctx, const wire::GetAccountSummaryRequest& request) override;
  Result<wire::GetAccountAuthorizationDetailsResponse> get_account_authorization_details(
      api::Context& ctx, const wire::GetAccountAuthorizationDetailsRequest& request) override;
  Result<wire::GenerateCredentialReportResponse> generate_credential_report(
      api::Context& ctx, const wire::GenerateCredentialReportRequest& request) override;
  Result<wire::GetCredentialReportResponse> get_credential_report(
      api::Context& ctx, const wire::GetCredentialReportRequest& request) override;

  // ops_policies.cpp
  Result<wire::CreatePolicyResponse> create_policy(api::Context& ctx,
                                                   const wire::CreatePolicyRequest& request) override;
  Result<wire::CreatePolicyVersionResponse> create_policy_version(
      api::Context& ctx, const wire::CreatePolicyVersionRequest& request) override;
  Result<wire::DeletePolicyVersionResponse> delete_policy_version(
      api::Context& ctx, const wire::DeletePolicyVersionRequest& request) override;
  Result<wire::SetDefaultPolicyVersionResponse> set_default_policy_version(
      api::Context& ctx, const wire::SetDefaultPolicyVersionRequest& request) override;
  Result<wire::DeletePolicyResponse> delete_policy(api::Context& ctx,
                                                   const wire::DeletePolicyRequest& request) override;
  Result<wire::GetPolicyResponse> get_policy(api::Context& ctx,
                                             const wire::GetPolicyRequest& request) override;
  Result<wire::GetPolicyVersionResponse> get_policy_version(
      api::Context& ctx, const wire::GetPolicyVersionRequest& request) override;
  Result<wire::ListPolicyVersionsResponse> list_policy_versions(
      api::Context& ctx, const wire::ListPolicyVersionsRequest& request) override;
  Result<wire::ListEntitiesForPolicyResponse> list_entities_for_policy(
      api::Context& ctx, const wire::ListEntitiesForPolicyRequest& request) override;
  Result<wire::TagPolicyResponse> tag_policy(api::Context& ctx,
                                             const wire::TagPolicyRequest& request) override;
  Result<wire::UntagPolicyResponse> untag_policy(api::Context& ctx,
                                                 const wire::UntagPolicyRequest& request) override;
  Result<wire::ListPolicyTagsResponse> list_policy_tags(api::Context& ctx,
                                                        const wire::ListPolicyTagsRequest& request) override;
  Result<wire::ListPoliciesResponse> list_policies(api::Context& ctx,
                                                   const wire::ListPoliciesRequest& request) override;

 private:
  // The entity, once the caller may do the operation on its ARN (path included). Authorises first, so that a
  // stranger learns nothing about what exists. T: User, Group, Role, InstanceProfile.
  template <class T>
  Result<Ptr<T>> entity(api::Context& ctx, const std::string& name, ConditionContext extra = {}) const;
  // The same, then changes it. What AWS alone may change is refused ("UnmodifiableEntity").
  template <class T>
  Status change(api::Context& ctx, const std::string& name, const std::function<Status(T&)>& change,
                ConditionContext extra = {});
  template <class T>
  Status attach_policy(api::Context& ctx, const std::string& name, const std::string& arn);
  template <class T>
  Status detach_policy(api::Context& ctx, const std::string& name, const std::string& arn);
  template <class T>
  Status put_boundary(api::Context& ctx, const std::string& name, const std::string& arn);
  // The account's own policy; NoSuchEntity for AWS's, which nobody changes.
  Result<ManagedPolicyPtr> own_policy(api::Context& ctx, const std::string& arn,
                                      ConditionContext extra = {}) const;
  Status authorise_visible(api::Context& ctx, const std::string& arn) const;  // AWS's own too
  void count_uses(const AccountId& account, wire::Policy& policy) const;
  std::vector<wire::Policy> policies_in_use(const AccountId& account, bool aws, bool local) const;
  std::vector<wire::PolicyVersion> policy_versions(const std::string& arn) const;
  Result<IdentityProviderPtr> provider(api::Context& ctx, const std::string& arn, bool saml,
                                       ConditionContext extra = {}) const;
  Status change_provider(api::Context& ctx, const std::string& arn, bool saml,
                         const std::function<Status(IdentityProvider&)>& change, ConditionContext extra = {});
  // The access keys' owner: the named user, or the caller itself (an empty name: the account's root).
  Result<std::string> key_owner(api::Context& ctx, const std::optional<std::string>& name) const;
  wire::Role role_shape(const Role& role) const;
  wire::RoleDetail role_detail(const Role& role) const;
  wire::InstanceProfile profile_shape(const InstanceProfile& profile) const;
  std::string credential_report(const AccountId& account) const;

  Directory& directory_;
  const Usage& usage_;
  os::Clock& clock_;
  StandingPolicies standing_;
  struct Report {
    std::string csv;
    int64_t made_ms = 0;
  };
  std::mutex reports_mutex_;
  std::map<std::string, Report> reports_;  // by account; made anew on demand, so not kept
};

}  // namespace mekong::iam
