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

#include "gen/iam/operations.inc"

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
