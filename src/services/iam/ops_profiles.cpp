#include "services/iam/service.h"
#include "services/iam/shared.h"

namespace mekong::iam {

wire::InstanceProfile Service::profile_shape(const InstanceProfile& profile) const {
  wire::InstanceProfile out{.path = profile.path,
                            .instance_profile_name = profile.name,
                            .instance_profile_id = profile.id,
                            .arn = profile.arn(),
                            .create_date = {profile.created_ms}};
  if (auto role = directory_.find_role(AccountId(profile.account), profile.role)) {
    out.roles.push_back(role_shape(*role));
  }
  if (!profile.tags.empty()) out.tags = tag_shapes(profile.tags);
  return out;
}

Result<wire::CreateInstanceProfileResponse> Service::create_instance_profile(
    api::Context& ctx, const wire::CreateInstanceProfileRequest& request) {
  InstanceProfile profile{.account = ctx.account.value, .name = request.instance_profile_name};
  profile.path = request.path.value_or("/");
  MEKONG_TRY(ctx.authorise(profile.arn(), api::request_tags(tags_of(request.tags))));
  if (request.tags) MEKONG_TRY(add_tags(profile.tags, *request.tags));
  MEKONG_TRY_ASSIGN(auto made, directory_.create_instance_profile(std::move(profile)));
  return wire::CreateInstanceProfileResponse{profile_shape(*made)};
}

Result<wire::GetInstanceProfileResponse> Service::get_instance_profile(
    api::Context& ctx, const wire::GetInstanceProfileRequest& request) {
  MEKONG_TRY_ASSIGN(auto found, entity<InstanceProfile>(ctx, request.instance_profile_name));
  return wire::GetInstanceProfileResponse{profile_shape(*found)};
}

Result<wire::ListInstanceProfilesResponse> Service::list_instance_profiles(
    api::Context& ctx, const wire::ListInstanceProfilesRequest& request) {
  std::vector<wire::InstanceProfile> all;
  for (const auto& found : directory_.list<InstanceProfile>(ctx.account)) {
    if (found->path.starts_with(request.path_prefix.value_or("/"))) all.push_back(profile_shape(*found));
  }
  wire::ListInstanceProfilesResponse out;
  MEKONG_TRY(paginate(request, std::move(all), out.instance_profiles, out,
                      [](const wire::InstanceProfile& p) { return p.instance_profile_name; }));
  return out;
}

Result<wire::ListInstanceProfilesForRoleResponse> Service::list_instance_profiles_for_role(
    api::Context& ctx, const wire::ListInstanceProfilesForRoleRequest& request) {
  MEKONG_TRY(entity<Role>(ctx, request.role_name));
  std::vector<wire::InstanceProfile> all;
  for (const auto& found : directory_.list<InstanceProfile>(ctx.account)) {
    if (found->role == request.role_name) all.push_back(profile_shape(*found));
  }
  wire::ListInstanceProfilesForRoleResponse out;
  MEKONG_TRY(paginate(request, std::move(all), out.instance_profiles, out,
                      [](const wire::InstanceProfile& p) { return p.instance_profile_name; }));
  return out;
}

Result<wire::DeleteInstanceProfileResponse> Service::delete_instance_profile(
    api::Context& ctx, const wire::DeleteInstanceProfileRequest& request) {
  MEKONG_TRY(entity<InstanceProfile>(ctx, request.instance_profile_name));
  MEKONG_TRY(directory_.delete_instance_profile(ctx.account, request.instance_profile_name));
  return wire::DeleteInstanceProfileResponse{};
}

// Handing a role to instances is passing it.
Result<wire::AddRoleToInstanceProfileResponse> Service::add_role_to_instance_profile(
    api::Context& ctx, const wire::AddRoleToInstanceProfileRequest& request) {
  MEKONG_TRY(entity<InstanceProfile>(ctx, request.instance_profile_name));
  auto role = directory_.find_role(ctx.account, request.role_name);
  const std::string unknown = "arn:aws:iam::" + ctx.account.value + ":role/" + request.role_name;
  MEKONG_TRY(ctx.authorise_action("iam:PassRole", role ? role->arn() : unknown,
                                  {{"iam:PassedToService", {"ec2.amazonaws.com"}}}));
  MEKONG_TRY(directory_.change<InstanceProfile>(
      ctx.account, request.instance_profile_name, [&](InstanceProfile& profile) -> Status {
        if (!directory_.find_role(ctx.account, request.role_name)) {
          return Error{"NoSuchEntity", "The role with name " + request.role_name + " cannot be found.", 404};
        }
        if (!profile.role.empty()) {
          return Error{"LimitExceeded", "Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1", 409};
        }
        profile.role = request.role_name;
        return ok();
      }));
  return wire::AddRoleToInstanceProfileResponse{};
}

Result<wire::RemoveRoleFromInstanceProfileResponse> Service::remove_role_from_instance_profile(
    api::Context& ctx, const wire::RemoveRoleFromInstanceProfileRequest& request) {
  MEKONG_TRY(
      change<InstanceProfile>(ctx, request.instance_profile_name, [&](InstanceProfile& profile) -> Status {
        if (profile.role != request.role_name) {
          return Error{"NoSuchEntity", "The role with name " + request.role_name + " cannot be found.", 404};
        }
        profile.role.clear();
        return ok();
      }));
  return wire::RemoveRoleFromInstanceProfileResponse{};
}

Result<wire::TagInstanceProfileResponse> Service::tag_instance_profile(
    api::Context& ctx, const wire::TagInstanceProfileRequest& request) {
  MEKONG_TRY(change<InstanceProfile>(
      ctx, request.instance_profile_name, [&](InstanceProfile& p) { return add_tags(p.tags, request.tags); },
      api::request_tags(tags_of(request.tags))));
  return wire::TagInstanceProfileResponse{};
}

Result<wire::UntagInstanceProfileResponse> Service::untag_instance_profile(
    api::Context& ctx, const wire::UntagInstanceProfileRequest& request) {
  MEKONG_TRY(change<InstanceProfile>(
      ctx, request.instance_profile_name,
      [&](InstanceProfile& p) { return remove_tags(p.tags, request.tag_keys); },
      api::tag_keys(request.tag_keys)));
  return wire::UntagInstanceProfileResponse{};
}

Result<wire::ListInstanceProfileTagsResponse> Service::list_instance_profile_tags(
    api::Context& ctx, const wire::ListInstanceProfileTagsRequest& request) {
  MEKONG_TRY_ASSIGN(auto found, entity<InstanceProfile>(ctx, request.instance_profile_name));
  wire::ListInstanceProfileTagsResponse out;
  MEKONG_TRY(
      paginate(request, tag_shapes(found->tags), out.tags, out, [](const wire::Tag& t) { return t.key; }));
  return out;
}

}  // namespace mekong::iam
