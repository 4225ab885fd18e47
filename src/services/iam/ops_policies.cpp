#include "codec/time.h"
#include "iam/managed_policies.h"
#include "services/iam/service.h"
#include "services/iam/shared.h"

namespace mekong::iam {
namespace {

api::Timestamp date(std::string_view iso8601) {
  return {codec::parse_iso8601(iso8601).value_or(0)};
}

wire::Policy policy_shape(const ManagedPolicy& policy) {
  wire::Policy out{.policy_name = policy.name,
                   .policy_id = policy.id,
                   .arn = policy.arn(),
                   .path = policy.path,
                   .default_version_id = policy.default_version,
                   .is_attachable = true,
                   .create_date = api::Timestamp{policy.created_ms},
                   .update_date = api::Timestamp{policy.updated_ms}};
  if (!policy.description.empty()) out.description = policy.description;
  if (!policy.tags.empty()) out.tags = tag_shapes(policy.tags);
  return out;
}

// AWS's own have ids that no public source lists; theirs is left out.
wire::Policy policy_shape(const AwsManagedPolicy& policy) {
  return {.policy_name = std::string(policy.name),
          .arn = std::string(policy.arn),
          .path = std::string(policy.path),
          .default_version_id = std::string(policy.default_version),
          .is_attachable = true,
          .create_date = date(policy.created),
          .update_date = date(policy.updated)};
}

Error not_found(const std::string& arn) {
  return {"NoSuchEntity", "Policy " + arn + " was not found.", 404};
}

wire::PolicyVersion version_shape(const PolicyVersion& version, bool is_default) {
  return {document_shape(version.document), version.id, is_default, api::Timestamp{version.created_ms}};
}

}  // namespace

Result<wire::CreatePolicyResponse> Service::create_policy(api::Context& ctx,
                                                          const wire::CreatePolicyRequest& request) {
  ManagedPolicy policy{.account = ctx.account.value, .name = request.policy_name};
  policy.path = request.path.value_or("/");
  policy.description = request.description.value_or("");
  MEKONG_TRY(ctx.authorise(policy.arn()));
  if (request.tags) MEKONG_TRY(add_tags(policy.tags, *request.tags));
  MEKONG_TRY_ASSIGN(auto made, directory_.create_policy(std::move(policy), request.policy_document));
  auto shape = policy_shape(*made);
  shape.attachment_count = 0;
  return wire::CreatePolicyResponse{shape};
}

Result<wire::GetPolicyResponse> Service::get_policy(api::Context& ctx,
                                                    const wire::GetPolicyRequest& request) {
  if (!directory_.policy_visible(ctx.account, request.policy_arn)) return not_found(request.policy_arn);
  const auto* aws = find_aws_managed_policy(request.policy_arn);
  auto own = directory_.find_policy(request.policy_arn);
  if (aws == nullptr && !own) return not_found(request.policy_arn);
  auto shape = aws != nullptr ? policy_shape(*aws) : policy_shape(*own);
  shape.attachment_count = directory_.attachments(ctx.account, request.policy_arn);
  return wire::GetPolicyResponse{shape};
}

Result<wire::GetPolicyVersionResponse> Service::get_policy_version(
    api::Context& ctx, const wire::GetPolicyVersionRequest& request) {
  MEKONG_TRY_ASSIGN(auto versions, list_policy_versions(ctx, {.policy_arn = request.policy_arn}));
  for (auto& version : *versions.versions) {
    if (version.version_id == request.version_id) return wire::GetPolicyVersionResponse{std::move(version)};
  }
  return Error{"NoSuchEntity",
               "Policy " + request.policy_arn + " version " + request.version_id + " does not exist.", 404};
}

Result<wire::ListPolicyVersionsResponse> Service::list_policy_versions(
    api::Context& ctx, const wire::ListPolicyVersionsRequest& request) {
  if (!directory_.policy_visible(ctx.account, request.policy_arn)) return not_found(request.policy_arn);
  std::vector<wire::PolicyVersion> all;
  if (const auto* aws = find_aws_managed_policy(request.policy_arn)) {
    all.push_back({document_shape(std::string(aws->document)), std::string(aws->default_version), true,
                   date(aws->updated)});
  } else if (auto own = directory_.find_policy(request.policy_arn)) {
    for (const auto& version : own->versions) {
      all.push_back(version_shape(version, version.id == own->default_version));
    }
  }
  wire::ListPolicyVersionsResponse out;
  MEKONG_TRY(paginate(request, std::move(all), out.versions.emplace(), out,
                      [](const wire::PolicyVersion& v) { return *v.version_id; }));
  return out;
}

Result<wire::ListPoliciesResponse> Service::list_policies(api::Context& ctx,
                                                          const wire::ListPoliciesRequest& request) {
  if (request.policy_usage_filter && *request.policy_usage_filter != "PermissionsPolicy") {
    return Error{"NotImplemented", "ListPolicies: PolicyUsageFilter is not built", 501};
  }
  const std::string scope = request.scope.value_or("All");
  std::vector<wire::Policy> all;
  if (scope != "Local") {
    for (size_t i = 0; i < aws_managed_policy_count; ++i)
      all.push_back(policy_shape(aws_managed_policies[i]));
  }
  if (scope != "AWS") {
    for (const auto& own : directory_.policies(ctx.account)) all.push_back(policy_shape(*own));
  }
  std::map<std::string, int> attached;
  auto add_attached = [&](const auto& identities) {
    for (const auto& identity : identities) {
      for (const std::string& arn : identity->attached) ++attached[arn];
    }
  };
  add_attached(directory_.users(ctx.account));
  add_attached(directory_.roles(ctx.account));
  for (auto& policy : all)
    policy.attachment_count = attached.contains(*policy.arn) ? attached[*policy.arn] : 0;
  std::erase_if(all, [&](const wire::Policy& policy) {
    const bool unattached = request.only_attached.value_or(false) && policy.attachment_count == 0;
    return unattached || !policy.path->starts_with(request.path_prefix.value_or("/"));
  });
  wire::ListPoliciesResponse out;
  MEKONG_TRY(paginate(request, std::move(all), out.policies.emplace(), out,
                      [](const wire::Policy& p) { return *p.arn; }));
  return out;
}

Result<wire::DeletePolicyResponse> Service::delete_policy(api::Context& ctx,
                                                          const wire::DeletePolicyRequest& request) {
  auto own = directory_.find_policy(request.policy_arn);
  if (!own || own->account != ctx.account.value) return not_found(request.policy_arn);
  MEKONG_TRY(directory_.delete_policy(request.policy_arn));
  return wire::DeletePolicyResponse{};
}

}  // namespace mekong::iam
