// IAM's API on the directory: https://docs.aws.amazon.com/IAM/latest/APIReference/
#pragma once
#include "gen/iam/service.h"
#include "iam/directory.h"

namespace mekong::iam {

namespace wire = gen::iam;

class Service final : public wire::Service {
 public:
  explicit Service(Directory& directory) : directory_(directory) {}

  // ops_roles.cpp
  Result<wire::CreateRoleResponse> create_role(api::Context& ctx,
                                               const wire::CreateRoleRequest& request) override;
  Result<wire::ListRolesResponse> list_roles(api::Context& ctx,
                                             const wire::ListRolesRequest& request) override;
  Result<wire::GetRoleResponse> get_role(api::Context& ctx, const wire::GetRoleRequest& request) override;
  Result<wire::DeleteRoleResponse> delete_role(api::Context& ctx,
                                               const wire::DeleteRoleRequest& request) override;
  Result<wire::UpdateRoleResponse> update_role(api::Context& ctx,
                                               const wire::UpdateRoleRequest& request) override;
  Result<wire::UpdateAssumeRolePolicyResponse> update_assume_role_policy(
      api::Context& ctx, const wire::UpdateAssumeRolePolicyRequest& request) override;
  Result<wire::PutRolePolicyResponse> put_role_policy(api::Context& ctx,
                                                      const wire::PutRolePolicyRequest& request) override;
  Result<wire::GetRolePolicyResponse> get_role_policy(api::Context& ctx,
                                                      const wire::GetRolePolicyRequest& request) override;
  Result<wire::DeleteRolePolicyResponse> delete_role_policy(
      api::Context& ctx, const wire::DeleteRolePolicyRequest& request) override;
  Result<wire::ListRolePoliciesResponse> list_role_policies(
      api::Context& ctx, const wire::ListRolePoliciesRequest& request) override;
  Result<wire::AttachRolePolicyResponse> attach_role_policy(
      api::Context& ctx, const wire::AttachRolePolicyRequest& request) override;
  Result<wire::DetachRolePolicyResponse> detach_role_policy(
      api::Context& ctx, const wire::DetachRolePolicyRequest& request) override;
  Result<wire::ListAttachedRolePoliciesResponse> list_attached_role_policies(
      api::Context& ctx, const wire::ListAttachedRolePoliciesRequest& request) override;
  Result<wire::TagRoleResponse> tag_role(api::Context& ctx, const wire::TagRoleRequest& request) override;
  Result<wire::UntagRoleResponse> untag_role(api::Context& ctx,
                                             const wire::UntagRoleRequest& request) override;
  Result<wire::ListRoleTagsResponse> list_role_tags(api::Context& ctx,
                                                    const wire::ListRoleTagsRequest& request) override;

  // ops_users.cpp
  Result<wire::CreateUserResponse> create_user(api::Context& ctx,
                                               const wire::CreateUserRequest& request) override;
  Result<wire::ListUsersResponse> list_users(api::Context& ctx,
                                             const wire::ListUsersRequest& request) override;
  Result<wire::GetUserResponse> get_user(api::Context& ctx, const wire::GetUserRequest& request) override;
  Result<wire::DeleteUserResponse> delete_user(api::Context& ctx,
                                               const wire::DeleteUserRequest& request) override;
  Result<wire::PutUserPolicyResponse> put_user_policy(api::Context& ctx,
                                                      const wire::PutUserPolicyRequest& request) override;
  Result<wire::GetUserPolicyResponse> get_user_policy(api::Context& ctx,
                                                      const wire::GetUserPolicyRequest& request) override;
  Result<wire::DeleteUserPolicyResponse> delete_user_policy(
      api::Context& ctx, const wire::DeleteUserPolicyRequest& request) override;
  Result<wire::ListUserPoliciesResponse> list_user_policies(
      api::Context& ctx, const wire::ListUserPoliciesRequest& request) override;
  Result<wire::AttachUserPolicyResponse> attach_user_policy(
      api::Context& ctx, const wire::AttachUserPolicyRequest& request) override;
  Result<wire::DetachUserPolicyResponse> detach_user_policy(
      api::Context& ctx, const wire::DetachUserPolicyRequest& request) override;
  Result<wire::ListAttachedUserPoliciesResponse> list_attached_user_policies(
      api::Context& ctx, const wire::ListAttachedUserPoliciesRequest& request) override;
  Result<wire::CreateAccessKeyResponse> create_access_key(
      api::Context& ctx, const wire::CreateAccessKeyRequest& request) override;
  Result<wire::ListAccessKeysResponse> list_access_keys(api::Context& ctx,
                                                        const wire::ListAccessKeysRequest& request) override;
  Result<wire::DeleteAccessKeyResponse> delete_access_key(
      api::Context& ctx, const wire::DeleteAccessKeyRequest& request) override;

  // ops_policies.cpp
  Result<wire::CreatePolicyResponse> create_policy(api::Context& ctx,
                                                   const wire::CreatePolicyRequest& request) override;
  Result<wire::GetPolicyResponse> get_policy(api::Context& ctx,
                                             const wire::GetPolicyRequest& request) override;
  Result<wire::GetPolicyVersionResponse> get_policy_version(
      api::Context& ctx, const wire::GetPolicyVersionRequest& request) override;
  Result<wire::ListPolicyVersionsResponse> list_policy_versions(
      api::Context& ctx, const wire::ListPolicyVersionsRequest& request) override;
  Result<wire::DeletePolicyResponse> delete_policy(api::Context& ctx,
                                                   const wire::DeletePolicyRequest& request) override;
  Result<wire::ListPoliciesResponse> list_policies(api::Context& ctx,
                                                   const wire::ListPoliciesRequest& request) override;

 private:
  // The entity, once the caller may do the operation on its ARN (path included). Authorises first, so that a
  // stranger learns nothing about what exists.
  Result<RolePtr> role(api::Context& ctx, const std::string& name, ConditionContext extra = {}) const;
  Result<UserPtr> user(api::Context& ctx, const std::string& name, ConditionContext extra = {}) const;
  Status authorised_user(api::Context& ctx, const std::string& name) const;

  Directory& directory_;
};

}  // namespace mekong::iam
