// The policies inside of roles, users and groups: one shape, three families of operations.
#include "policy/document.h"
#include "services/iam/service.h"
#include "services/iam/shared.h"

namespace mekong::iam {
namespace {

// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html, all inline policies together.
template <class T>
constexpr size_t inline_characters_max = 0;
template <>
constexpr size_t inline_characters_max<User> = 2048;
template <>
constexpr size_t inline_characters_max<Group> = 5120;
template <>
constexpr size_t inline_characters_max<Role> = 10240;

template <class T>
Status put_inline(T& identity, const std::string& name, const std::string& document) {
  MEKONG_TRY(policy::parse_document(document, policy::DocumentKind::identity));
  identity.inline_policies[name] = document;
  size_t characters = 0;
  for (const auto& [_, text] : identity.inline_policies) characters += policy::counted_size(text);
  if (characters <= inline_characters_max<T>) return ok();
  return Error{"LimitExceeded",
               "Maximum policy size of " + std::to_string(inline_characters_max<T>) + " bytes exceeded for " +
                   T::kind + " " + identity.name,
               409};
}

template <class T>
Error no_policy(const std::string& identity, const std::string& name) {
  return {
      "NoSuchEntity",
      std::string("The ") + T::kind + " policy with name " + name + " cannot be found on " + identity + ".",
      404};
}

template <class T>
Status delete_inline(T& identity, const std::string& name) {
  return identity.inline_policies.erase(name) > 0 ? ok() : Status(no_policy<T>(identity.name, name));
}

// As a Get…PolicyResponse: its three members in order.
template <class Response, class T>
Result<Response> inline_shape(const T& identity, const std::string& name) {
  auto at = identity.inline_policies.find(name);
  if (at == identity.inline_policies.end()) return no_policy<T>(identity.name, name);
  return Response{identity.name, name, document_shape(at->second)};
}

template <class Response, class Request>
Result<Response> list_inline(const Identity& identity, const Request& request) {
  std::vector<std::string> names;
  for (const auto& [name, _] : identity.inline_policies) names.push_back(name);
  Response out;
  MEKONG_TRY(
      paginate(request, std::move(names), out.policy_names, out, [](const std::string& n) { return n; }));
  return out;
}

}  // namespace

Result<wire::PutRolePolicyResponse> Service::put_role_policy(api::Context& ctx,
                                                             const wire::PutRolePolicyRequest& request) {
  MEKONG_TRY(change<Role>(ctx, request.role_name, [&](Role& role) {
    return put_inline(role, request.policy_name, request.policy_document);
  }));
  return wire::PutRolePolicyResponse{};
}

Result<wire::GetRolePolicyResponse> Service::get_role_policy(api::Context& ctx,
                                                             const wire::GetRolePolicyRequest& request) {
  MEKONG_TRY_ASSIGN(auto found, entity<Role>(ctx, request.role_name));
  return inline_shape<wire::GetRolePolicyResponse>(*found, request.policy_name);
}

Result<wire::DeleteRolePolicyResponse> Service::delete_role_policy(
    api::Context& ctx, const wire::DeleteRolePolicyRequest& request) {
  MEKONG_TRY(change<Role>(ctx, request.role_name,
                          [&](Role& role) { return delete_inline(role, request.policy_name); }));
  return wire::DeleteRolePolicyResponse{};
}

Result<wire::ListRolePoliciesResponse> Service::list_role_policies(
    api::Context& ctx, const wire::ListRolePoliciesRequest& request) {
  MEKONG_TRY_ASSIGN(auto found, entity<Role>(ctx, request.role_name));
  return list_inline<wire::ListRolePoliciesResponse>(*found, request);
}

Result<wire::PutUserPolicyResponse> Service::put_user_policy(api::Context& ctx,
                                                             const wire::PutUserPolicyRequest& request) {
  MEKONG_TRY(change<User>(ctx, request.user_name, [&](User& user) {
    return put_inline(user, request.policy_name, request.policy_document);
  }));
  return wire::PutUserPolicyResponse{};
}

Result<wire::GetUserPolicyResponse> Service::get_user_policy(api::Context& ctx,
                                                             const wire::GetUserPolicyRequest& request) {
  MEKONG_TRY_ASSIGN(auto found, entity<User>(ctx, request.user_name));
  return inline_shape<wire::GetUserPolicyResponse>(*found, request.policy_name);
}

Result<wire::DeleteUserPolicyResponse> Service::delete_user_policy(
    api::Context& ctx, const wire::DeleteUserPolicyRequest& request) {
  MEKONG_TRY(change<User>(ctx, request.user_name,
                          [&](User& user) { return delete_inline(user, request.policy_name); }));
  return wire::DeleteUserPolicyResponse{};
}

Result<wire::ListUserPoliciesResponse> Service::list_user_policies(
    api::Context& ctx, const wire::ListUserPoliciesRequest& request) {
  MEKONG_TRY_ASSIGN(auto found, entity<User>(ctx, request.user_name));
  return list_inline<wire::ListUserPoliciesResponse>(*found, request);
}

Result<wire::PutGroupPolicyResponse> Service::put_group_policy(api::Context& ctx,
                                                               const wire::PutGroupPolicyRequest& request) {
  MEKONG_TRY(change<Group>(ctx, request.group_name, [&](Group& group) {
    return put_inline(group, request.policy_name, request.policy_document);
  }));
  return wire::PutGroupPolicyResponse{};
}

Result<wire::GetGroupPolicyResponse> Service::get_group_policy(api::Context& ctx,
                                                               const wire::GetGroupPolicyRequest& request) {
  MEKONG_TRY_ASSIGN(auto found, entity<Group>(ctx, request.group_name));
  return inline_shape<wire::GetGroupPolicyResponse>(*found, request.policy_name);
}

Result<wire::DeleteGroupPolicyResponse> Service::delete_group_policy(
    api::Context& ctx, const wire::DeleteGroupPolicyRequest& request) {
  MEKONG_TRY(change<Group>(ctx, request.group_name,
                           [&](Group& group) { return delete_inline(group, request.policy_name); }));
  return wire::DeleteGroupPolicyResponse{};
}

Result<wire::ListGroupPoliciesResponse> Service::list_group_policies(
    api::Context& ctx, const wire::ListGroupPoliciesRequest& request) {
  MEKONG_TRY_ASSIGN(auto found, entity<Group>(ctx, request.group_name));
  return list_inline<wire::ListGroupPoliciesResponse>(*found, request);
}

}  // namespace mekong::iam
