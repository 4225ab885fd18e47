#include <algorithm>

#include "codec/time.h"
#include "iam/managed_policies.h"
#include "services/iam/service.h"
#include "services/iam/shared.h"

namespace mekong::iam {
namespace {

constexpr int64_t report_valid_ms = 4 * 3600 * 1000;

std::vector<wire::PolicyDetail> inline_details(const Identity& identity) {
  std::vector<wire::PolicyDetail> out;
  for (const auto& [name, document] : identity.inline_policies)
    out.push_back({name, document_shape(document)});
  return out;
}

wire::UserDetail detail(const User& user) {
  const wire::User shape = user_shape(user);
  return {shape.path,  shape.user_name,       shape.user_id,
          shape.arn,   shape.create_date,     inline_details(user),
          user.groups, attached_shapes(user), shape.permissions_boundary,
          shape.tags};
}

wire::GroupDetail detail(const Group& group) {
  return {group.path,
          group.name,
          group.id,
          group.arn(),
          api::Timestamp{group.created_ms},
          inline_details(group),
          attached_shapes(group)};
}

wire::ManagedPolicyDetail detail(const wire::Policy& policy, std::vector<wire::PolicyVersion> versions) {
  return {policy.policy_name,
          policy.policy_id,
          policy.arn,
          policy.path,
          policy.default_version_id,
          policy.attachment_count,
          policy.permissions_boundary_usage_count,
          policy.is_attachable,
          policy.description,
          policy.create_date,
          policy.update_date,
          std::move(versions)};
}

std::string when(int64_t ms) {
  std::string text = codec::format_iso8601(ms / 1000 * 1000);
  text.pop_back();
  return text + "+00:00";
}

}  // namespace

Result<wire::CreateAccountAliasResponse> Service::create_account_alias(
    api::Context& ctx, const wire::CreateAccountAliasRequest& request) {
  const std::string& alias = request.account_alias;
  // Of the model's pattern, what RE2 has no words for: no two dashes in a row, none at an end.
  const bool fits = std::ranges::all_of(
      alias, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; });
  if (!fits || alias.front() == '-' || alias.back() == '-' || alias.find("--") != std::string::npos) {
    return Error{
        "ValidationError",
        "1 validation error detected: Value '" + alias +
            "' at 'accountAlias' failed to satisfy constraint: Member must satisfy regular expression "
            "pattern: ^[a-z0-9]([a-z0-9]|-(?!-)){1,61}[a-z0-9]$",
        400};
  }
  MEKONG_TRY(directory_.set_alias(ctx.account, alias));
  return wire::CreateAccountAliasResponse{};
}

Result<wire::DeleteAccountAliasResponse> Service::delete_account_alias(
    api::Context& ctx, const wire::DeleteAccountAliasRequest& request) {
  auto account = directory_.find_account(ctx.account);
  if (!account || account->alias != request.account_alias) {
    return Error{"NoSuchEntity", "The account alias " + request.account_alias + " cannot be found.", 404};
  }
  MEKONG_TRY(directory_.set_alias(ctx.account, ""));
  return wire::DeleteAccountAliasResponse{};
}

Result<wire::ListAccountAliasesResponse> Service::list_account_aliases(
    api::Context& ctx, const wire::ListAccountAliasesRequest& request) {
  std::vector<std::string> all;
  auto account = directory_.find_account(ctx.account);
  if (account && !account->alias.empty()) all.push_back(account->alias);
  wire::ListAccountAliasesResponse out;
  MEKONG_TRY(
      paginate(request, std::move(all), out.account_aliases, out, [](const std::string& a) { return a; }));
  return out;
}

Result<wire::UpdateAccountPasswordPolicyResponse> Service::update_account_password_policy(
    api::Context& ctx, const wire::UpdateAccountPasswordPolicyRequest& request) {
  // What is not given falls back to the default.
  PasswordPolicy policy;
  policy.length_min = request.minimum_password_length.value_or(6);
  policy.symbols = request.require_symbols.value_or(false);
  policy.numbers = request.require_numbers.value_or(false);
  policy.uppercase = request.require_uppercase_characters.value_or(false);
  policy.lowercase = request.require_lowercase_characters.value_or(false);
  policy.users_change = request.allow_users_to_change_password.value_or(false);
  policy.age_max_days = request.max_password_age.value_or(0);
  policy.reuse_prevention = request.password_reuse_prevention.value_or(0);
  policy.hard_expiry = request.hard_expiry;
  MEKONG_TRY(directory_.set_password_policy(ctx.account, policy));
  return wire::UpdateAccountPasswordPolicyResponse{};
}

Result<wire::GetAccountPasswordPolicyResponse> Service::get_account_password_policy(
    api::Context& ctx, const wire::GetAccountPasswordPolicyRequest&) {
  const auto account = directory_.find_account(ctx.account);
  if (!account || !account->password_policy) {
    return Error{"NoSuchEntity",
                 "The Password Policy with domain name " + ctx.account.value + " cannot be found.", 404};
  }
  const auto& policy = *account->password_policy;
  wire::PasswordPolicy out;
  out.minimum_password_length = policy.length_min;
  out.require_symbols = policy.symbols;
  out.require_numbers = policy.numbers;
  out.require_uppercase_characters = policy.uppercase;
  out.require_lowercase_characters = policy.lowercase;
  out.allow_users_to_change_password = policy.users_change;
  out.expire_passwords = policy.age_max_days > 0;
  if (policy.age_max_days > 0) out.max_password_age = policy.age_max_days;
  if (policy.reuse_prevention > 0) out.password_reuse_prevention = policy.reuse_prevention;
  out.hard_expiry = policy.hard_expiry;
  return wire::GetAccountPasswordPolicyResponse{out};
}

Result<wire::DeleteAccountPasswordPolicyResponse> Service::delete_account_password_policy(
    api::Context& ctx, const wire::DeleteAccountPasswordPolicyRequest&) {
  MEKONG_TRY(directory_.set_password_policy(ctx.account, std::nullopt));
  return wire::DeleteAccountPasswordPolicyResponse{};
}

Result<wire::GetAccountSummaryResponse> Service::get_account_summary(api::Context& ctx,
                                                                     const wire::GetAccountSummaryRequest&) {
  auto count = [](const auto& list) { return static_cast<int32_t>(list.size()); };
  const auto own = directory_.list<ManagedPolicy>(ctx.account);
  int32_t versions = 0;
  for (const auto& policy : own) versions += static_cast<int32_t>(policy->versions.size());
  std::map<std::string, int32_t> map = {
      {"Users", count(directory_.list<User>(ctx.account))},
      {"UsersQuota", 5000},
      {"Groups", count(directory_.list<Group>(ctx.account))},
      {"GroupsQuota", 300},
      {"Roles", count(directory_.list<Role>(ctx.account))},
      {"RolesQuota", 1000},
      {"InstanceProfiles", count(directory_.list<InstanceProfile>(ctx.account))},
      {"InstanceProfilesQuota", 1000},
      {"Policies", count(own)},
      {"PoliciesQuota", 1500},
      {"PolicySizeQuota", 6144},
      {"PolicyVersionsInUse", versions},
      {"PolicyVersionsInUseQuota", 10000},
      {"VersionsPerPolicyQuota", 5},
      {"Providers",
       count(directory_.providers(ctx.account, false)) + count(directory_.providers(ctx.account, true))},
      {"AccessKeysPerUserQuota", 2},
      {"AccountAccessKeysPresent", directory_.keys(ctx.account, "").empty() ? 0 : 1},
      {"AccountMFAEnabled", 0},
      {"AccountPasswordPresent", 0},
      {"AccountSigningCertificatesPresent", 0},
      {"AssumeRolePolicySizeQuota", 2048},
      {"AttachedPoliciesPerGroupQuota", 10},
      {"AttachedPoliciesPerRoleQuota", 10},
      {"AttachedPoliciesPerUserQuota", 10},
      {"GroupPolicySizeQuota", 5120},
      {"GroupsPerUserQuota", 10},
      {"MFADevices", 0},
      {"MFADevicesInUse", 0},
      {"RolePolicySizeQuota", 10240},
      {"ServerCertificates", 0},
      {"ServerCertificatesQuota", 20},
      {"SigningCertificatesPerUserQuota", 2},
      {"UserPolicySizeQuota", 2048},
      {"GlobalEndpointTokenVersion", 2},
  };
  return wire::GetAccountSummaryResponse{std::move(map)};
}

wire::RoleDetail Service::role_detail(const Role& role) const {
  const wire::Role shape = role_shape(role);
  wire::RoleDetail out{shape.path, shape.role_name, shape.role_id, shape.arn, shape.create_date};
  out.assume_role_policy_document = shape.assume_role_policy_document;
  out.instance_profile_list.emplace();
  for (const auto& profile : directory_.list<InstanceProfile>(AccountId(role.account))) {
    if (profile->role == role.name) out.instance_profile_list->push_back(profile_shape(*profile));
  }
  out.role_policy_list = inline_details(role);
  out.attached_managed_policies = attached_shapes(role);
  out.permissions_boundary = shape.permissions_boundary;
  out.tags = shape.tags;
  out.role_last_used = shape.role_last_used;
  return out;
}

Result<wire::GetAccountAuthorizationDetailsResponse> Service::get_account_authorization_details(
    api::Context& ctx, const wire::GetAccountAuthorizationDetailsRequest& request) {
  const auto filter = request.filter.value_or(std::vector<std::string>{});
  auto wanted = [&](std::string_view kind) {
    return filter.empty() || std::find(filter.begin(), filter.end(), kind) != filter.end();
  };
  wire::GetAccountAuthorizationDetailsResponse out;
  out.user_detail_list.emplace(), out.group_detail_list.emplace();
  out.role_detail_list.emplace(), out.policies.emplace();
  struct Entry {
    std::string key;  // kinds one after the other, each by name
    std::function<void()> show;
  };
  std::vector<Entry> all, page;
  if (wanted("User")) {
    for (const auto& user : directory_.list<User>(ctx.account)) {
      all.push_back({"1" + user->name, [&out, user] { out.user_detail_list->push_back(detail(*user)); }});
    }
  }
  if (wanted("Group")) {
    for (const auto& group : directory_.list<Group>(ctx.account)) {
      all.push_back({"2" + group->name, [&out, group] { out.group_detail_list->push_back(detail(*group)); }});
    }
  }
  if (wanted("Role")) {
    for (const auto& role : directory_.list<Role>(ctx.account)) {
      all.push_back({"3" + role->name, [&, role] { out.role_detail_list->push_back(role_detail(*role)); }});
    }
  }
  // Of AWS's own those in use, as AWS answers.
  for (const auto& policy :
       policies_in_use(ctx.account, wanted("AWSManagedPolicy"), wanted("LocalManagedPolicy"))) {
    const bool used = *policy.attachment_count + *policy.permissions_boundary_usage_count > 0;
    if (!used && find_aws_managed_policy(*policy.arn) != nullptr) continue;
    all.push_back({"4" + *policy.arn,
                   [&, policy] { out.policies->push_back(detail(policy, policy_versions(*policy.arn))); }});
  }
  MEKONG_TRY(paginate(request, std::move(all), page, out, [](const Entry& entry) { return entry.key; }));
  for (const Entry& entry : page) entry.show();
  return out;
}

// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_getting-report.html
std::string Service::credential_report(const AccountId& account) const {
  std::string csv =
      "user,arn,user_creation_time,password_enabled,password_last_used,password_last_changed,"
      "password_next_rotation,mfa_active,access_key_1_active,access_key_1_last_rotated,"
      "access_key_1_last_used_date,access_key_1_last_used_region,access_key_1_last_used_service,"
      "access_key_2_active,access_key_2_last_rotated,access_key_2_last_used_date,"
      "access_key_2_last_used_region,access_key_2_last_used_service,cert_1_active,cert_1_last_rotated,"
      "cert_2_active,cert_2_last_rotated";
  auto add = [&](const std::string& name, const std::string& arn, int64_t created_ms,
                 const std::string& user) {
    csv += "\n" + name + "," + arn + "," + when(created_ms);
    csv += user.empty() ? ",not_supported,no_information,not_supported,not_supported,false"
                        : ",false,N/A,N/A,N/A,false";
    const auto keys = directory_.keys(account, user);
    for (size_t i = 0; i < 2; ++i) {
      if (i >= keys.size()) {
        csv += ",false,N/A,N/A,N/A,N/A";
        continue;
      }
      csv += std::string(keys[i]->active ? ",true," : ",false,") + when(keys[i]->created_ms);
      auto used = usage_.find(keys[i]->id);
      csv += used ? "," + when(used->at_ms) + "," + used->region + "," + used->service : ",N/A,N/A,N/A";
    }
    csv += ",false,N/A,false,N/A";
  };
  auto known = directory_.find_account(account);
  add("<root_account>", "arn:aws:iam::" + account.value + ":root", known ? known->created_ms : 0, "");
  for (const auto& user : directory_.list<User>(account)) {
    add(user->name, user->arn(), user->created_ms, user->name);
  }
  return csv;
}

Result<wire::GenerateCredentialReportResponse> Service::generate_credential_report(
    api::Context& ctx, const wire::GenerateCredentialReportRequest&) {
  const int64_t now_ms = clock_.wall_ms();
  std::lock_guard lock(reports_mutex_);
  auto at = reports_.find(ctx.account.value);
  if (at != reports_.end() && at->second.made_ms + report_valid_ms > now_ms) {
    return wire::GenerateCredentialReportResponse{.state = "COMPLETE"};
  }
  reports_[ctx.account.value] = {credential_report(ctx.account), now_ms};
  return wire::GenerateCredentialReportResponse{"STARTED",
                                                "No report exists. Starting a new report generation task"};
}

Result<wire::GetCredentialReportResponse> Service::get_credential_report(
    api::Context& ctx, const wire::GetCredentialReportRequest&) {
  std::lock_guard lock(reports_mutex_);
  auto at = reports_.find(ctx.account.value);
  if (at == reports_.end()) {
    return Error{"ReportNotPresent",
                 "No credential report is there: ask for one by GenerateCredentialReport first.", 410};
  }
  if (at->second.made_ms + report_valid_ms <= clock_.wall_ms()) {
    return Error{"ReportExpired", "The credential report is older than four hours.", 410};
  }
  return wire::GetCredentialReportResponse{at->second.csv, "text/csv", api::Timestamp{at->second.made_ms}};
}

}  // namespace mekong::iam
