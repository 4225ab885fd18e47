#include <set>

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

bool is_attached(const Identity& identity, const std::string& arn) {
  return std::find(identity.attached.begin(), identity.attached.end(), arn) != identity.attached.end();
}

}  // namespace

Result<ManagedPolicyPtr> Service::own_policy(api::Context& ctx, const std::string& arn,
                                             ConditionContext extra) const {
  auto own = directory_.find_policy(arn);
  if (own && own->account != ctx.account.value) own = nullptr;
  if (own) add_resource_tags(extra, own->tags);
  MEKONG_TRY(ctx.authorise(arn, std::move(extra)));
  if (!own) return not_found(arn);
  return own;
}

Status Service::authorise_visible(api::Context& ctx, const std::string& arn) const {
  if (find_aws_managed_policy(arn) != nullptr) return ctx.authorise(arn);
  MEKONG_TRY(own_policy(ctx, arn));
  return ok();
}

void Service::count_uses(const AccountId& account, wire::Policy& policy) const {
  policy.attachment_count = directory_.attachments(account, *policy.arn);
  policy.permissions_boundary_usage_count = directory_.bounded(account, *policy.arn);
}

Result<wire::CreatePolicyResponse> Service::create_policy(api::Context& ctx,
                                                          const wire::CreatePolicyRequest& request) {
  ManagedPolicy policy{.account = ctx.account.value, .name = request.policy_name};
  policy.path = request.path.value_or("/");
  policy.description = request.description.value_or("");
  MEKONG_TRY(ctx.authorise(policy.arn(), api::request_tags(tags_of(request.tags))));
  if (request.tags) MEKONG_TRY(add_tags(policy.tags, *request.tags));
  MEKONG_TRY_ASSIGN(auto made, directory_.create_policy(std::move(policy), request.policy_document));
  wire::CreatePolicyResponse out{policy_shape(*made)};
  count_uses(ctx.account, *out.policy);
  return out;
}

Result<wire::CreatePolicyVersionResponse> Service::create_policy_version(
    api::Context& ctx, const wire::CreatePolicyVersionRequest& request) {
  MEKONG_TRY(own_policy(ctx, request.policy_arn));
  const bool as_default = request.set_as_default.value_or(false);
  MEKONG_TRY_ASSIGN(
      auto made, directory_.create_policy_version(request.policy_arn, request.policy_document, as_default));
  wire::CreatePolicyVersionResponse out{version_shape(made, as_default)};
  out.policy_version->document.reset();  // as AWS answers
  return out;
}

Result<wire::DeletePolicyVersionResponse> Service::delete_policy_version(
    api::Context& ctx, const wire::DeletePolicyVersionRequest& request) {
  MEKONG_TRY(own_policy(ctx, request.policy_arn));
  MEKONG_TRY(directory_.delete_policy_version(request.policy_arn, request.version_id));
  return wire::DeletePolicyVersionResponse{};
}

Result<wire::SetDefaultPolicyVersionResponse> Service::set_default_policy_version(
    api::Context& ctx, const wire::SetDefaultPolicyVersionRequest& request) {
  MEKONG_TRY(own_policy(ctx, request.policy_arn));
  MEKONG_TRY(directory_.set_default_policy_version(request.policy_arn, request.version_id));
  return wire::SetDefaultPolicyVersionResponse{};
}

Result<wire::GetPolicyResponse> Service::get_policy(api::Context& ctx,
                                                    const wire::GetPolicyRequest& request) {
  MEKONG_TRY(authorise_visible(ctx, request.policy_arn));
  wire::GetPolicyResponse out;
  if (const auto* aws = find_aws_managed_policy(request.policy_arn)) {
    out.policy = policy_shape(*aws);
  } else if (auto own = directory_.find_policy(request.policy_arn)) {
    out.policy = policy_shape(*own);
  } else {
    return not_found(request.policy_arn);
  }
  count_uses(ctx.account, *out.policy);
  return out;
}

std::vector<wire::PolicyVersion> Service::policy_versions(const std::string& arn) const {
  if (const auto* aws = find_aws_managed_policy(arn)) {
    return {{document_shape(std::string(aws->document)), std::string(aws->default_version), true,
             date(aws->updated)}};
  }
  std::vector<wire::PolicyVersion> out;
  auto own = directory_.find_policy(arn);
  if (!own) return out;
  for (const auto& version : own->versions) {
    out.push_back(version_shape(version, version.id == own->default_version));
  }
  return out;
}

Result<wire::GetPolicyVersionResponse> Service::get_policy_version(
    api::Context& ctx, const wire::GetPolicyVersionRequest& request) {
  MEKONG_TRY(authorise_visible(ctx, request.policy_arn));
  for (auto& version : policy_versions(request.policy_arn)) {
    if (version.version_id == request.version_id) return wire::GetPolicyVersionResponse{std::move(version)};
  }
  return Error{"NoSuchEntity",
               "Policy " + request.policy_arn + " version " + request.version_id + " does not exist.", 404};
}

Result<wire::ListPolicyVersionsResponse> Service::list_policy_versions(
    api::Context& ctx, const wire::ListPolicyVersionsRequest& request) {
  MEKONG_TRY(authorise_visible(ctx, request.policy_arn));
  auto all = policy_versions(request.policy_arn);
  for (auto& version : all) version.document.reset();
  wire::ListPolicyVersionsResponse out;
  MEKONG_TRY(paginate(request, std::move(all), out.versions.emplace(), out,
                      [](const wire::PolicyVersion& v) { return *v.version_id; }));
  return out;
}

std::vector<wire::Policy> Service::policies_in_use(const AccountId& account, bool aws, bool local) const {
  std::vector<wire::Policy> all;
  if (aws) {
    for (size_t i = 0; i < aws_managed_policy_count; ++i) {
      all.push_back(policy_shape(aws_managed_policies[i]));
    }
  }
  if (local) {
    for (const auto& own : directory_.list<ManagedPolicy>(account)) all.push_back(policy_shape(*own));
  }
  std::map<std::string, int> attached, bounds;
  auto note = [&](const auto& identities) {
    for (const auto& identity : identities) {
      for (const std::string& arn : identity->attached) ++attached[arn];
      if (!identity->boundary.empty()) ++bounds[identity->boundary];
    }
  };
  note(directory_.list<User>(account));
  note(directory_.list<Role>(account));
  note(directory_.list<Group>(account));
  for (auto& policy : all) {
    policy.attachment_count = attached.contains(*policy.arn) ? attached[*policy.arn] : 0;
    policy.permissions_boundary_usage_count = bounds.contains(*policy.arn) ? bounds[*policy.arn] : 0;
  }
  return all;
}

Result<wire::ListPoliciesResponse> Service::list_policies(api::Context& ctx,
                                                          const wire::ListPoliciesRequest& request) {
  const std::string scope = request.scope.value_or("All");
  const std::string usage = request.policy_usage_filter.value_or("");
  auto all = policies_in_use(ctx.account, scope != "Local", scope != "AWS");
  std::erase_if(all, [&](const wire::Policy& policy) {
    const int uses =
        usage == "PermissionsBoundary" ? *policy.permissions_boundary_usage_count : *policy.attachment_count;
    const bool wanted = uses > 0 || (!request.only_attached.value_or(false) && usage.empty());
    return !wanted || !policy.path->starts_with(request.path_prefix.value_or("/"));
  });
  for (auto& policy : all) policy.tags.reset();
  wire::ListPoliciesResponse out;
  MEKONG_TRY(paginate(request, std::move(all), out.policies.emplace(), out,
                      [](const wire::Policy& p) { return *p.arn; }));
  return out;
}

Result<wire::ListEntitiesForPolicyResponse> Service::list_entities_for_policy(
    api::Context& ctx, const wire::ListEntitiesForPolicyRequest& request) {
  MEKONG_TRY(authorise_visible(ctx, request.policy_arn));
  const std::string filter = request.entity_filter.value_or("");
  const std::string usage = request.policy_usage_filter.value_or("");
  struct Entry {
    std::string kind, name, id;
  };
  std::vector<Entry> all;
  auto collect = [&](const auto& identities, const char* kind, std::string_view filter_name) {
    if (!filter.empty() && filter != filter_name) return;
    for (const auto& identity : identities) {
      const bool permission = usage != "PermissionsBoundary" && is_attached(*identity, request.policy_arn);
      const bool boundary = usage != "PermissionsPolicy" && identity->boundary == request.policy_arn;
      if (!permission && !boundary) continue;
      if (!identity->path.starts_with(request.path_prefix.value_or("/"))) continue;
      all.push_back({kind, identity->name, identity->id});
    }
  };
  collect(directory_.list<Group>(ctx.account), "group", "Group");
  collect(directory_.list<Role>(ctx.account), "role", "Role");
  collect(directory_.list<User>(ctx.account), "user", "User");
  wire::ListEntitiesForPolicyResponse out;
  std::vector<Entry> page;
  MEKONG_TRY(paginate(request, std::move(all), page, out,
                      [](const Entry& entry) { return entry.kind + "/" + entry.name; }));
  out.policy_groups.emplace(), out.policy_roles.emplace(), out.policy_users.emplace();
  for (const Entry& entry : page) {
    if (entry.kind == "group") out.policy_groups->push_back({entry.name, entry.id});
    if (entry.kind == "role") out.policy_roles->push_back({entry.name, entry.id});
    if (entry.kind == "user") out.policy_users->push_back({entry.name, entry.id});
  }
  return out;
}

Result<wire::DeletePolicyResponse> Service::delete_policy(api::Context& ctx,
                                                          const wire::DeletePolicyRequest& request) {
  MEKONG_TRY(own_policy(ctx, request.policy_arn));
  MEKONG_TRY(directory_.delete_policy(request.policy_arn));
  return wire::DeletePolicyResponse{};
}

Result<wire::TagPolicyResponse> Service::tag_policy(api::Context& ctx,
                                                    const wire::TagPolicyRequest& request) {
  MEKONG_TRY_ASSIGN(auto own, own_policy(ctx, request.policy_arn, api::request_tags(tags_of(request.tags))));
  MEKONG_TRY(directory_.change<ManagedPolicy>(
      ctx.account, own->name, [&](ManagedPolicy& policy) { return add_tags(policy.tags, request.tags); }));
  return wire::TagPolicyResponse{};
}

Result<wire::UntagPolicyResponse> Service::untag_policy(api::Context& ctx,
                                                        const wire::UntagPolicyRequest& request) {
  MEKONG_TRY_ASSIGN(auto own, own_policy(ctx, request.policy_arn, api::tag_keys(request.tag_keys)));
  MEKONG_TRY(directory_.change<ManagedPolicy>(ctx.account, own->name, [&](ManagedPolicy& policy) {
    return remove_tags(policy.tags, request.tag_keys);
  }));
  return wire::UntagPolicyResponse{};
}

Result<wire::ListPolicyTagsResponse> Service::list_policy_tags(api::Context& ctx,
                                                               const wire::ListPolicyTagsRequest& request) {
  MEKONG_TRY_ASSIGN(auto own, own_policy(ctx, request.policy_arn));
  wire::ListPolicyTagsResponse out;
  MEKONG_TRY(
      paginate(request, tag_shapes(own->tags), out.tags, out, [](const wire::Tag& t) { return t.key; }));
  return out;
}

}  // namespace mekong::iam
