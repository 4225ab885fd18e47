#include "services/iam/shared.h"

#include <set>

namespace mekong::iam {
namespace {

template <class Shape>
void fill(Shape& out, const Identity& identity) {
  out.path = identity.path;
  out.create_date = {identity.created_ms};
  if (!identity.tags.empty()) out.tags = tag_shapes(identity.tags);
  if (!identity.boundary.empty()) out.permissions_boundary = {{"Policy", identity.boundary}};
}

Error invalid_input(std::string message) {
  return {"InvalidInput", std::move(message), 400};
}

}  // namespace

std::string document_shape(const std::string& document) {
  return codec::percent_encode(document);
}

std::vector<wire::Tag> tag_shapes(const std::map<std::string, std::string>& tags) {
  std::vector<wire::Tag> out;
  for (const auto& [key, value] : tags) out.push_back({key, value});
  return out;
}

wire::Role Service::role_shape(const Role& role) const {
  wire::Role out;
  fill(out, role);
  out.role_name = role.name;
  out.role_id = role.id;
  out.arn = role.arn();
  out.assume_role_policy_document = document_shape(role.trust);
  if (!role.description.empty()) out.description = role.description;
  out.max_session_duration = role.max_session_s;
  if (auto used = usage_.find(role.id)) out.role_last_used = {{api::Timestamp{used->at_ms}, used->region}};
  return out;
}

wire::User user_shape(const User& user) {
  wire::User out;
  fill(out, user);
  out.user_name = user.name;
  out.user_id = user.id;
  out.arn = user.arn();
  return out;
}

wire::Group group_shape(const Group& group) {
  return {group.path, group.name, group.id, group.arn(), {group.created_ms}};
}

wire::PolicyVersion version_shape(const PolicyVersion& version, bool is_default) {
  return {document_shape(version.document), version.id, is_default, api::Timestamp{version.created_ms}};
}

std::vector<wire::AttachedPolicy> attached_shapes(const Identity& identity) {
  std::vector<wire::AttachedPolicy> out;
  for (const std::string& arn : identity.attached) out.push_back({arn.substr(arn.rfind('/') + 1), arn});
  return out;
}

api::Tags tags_of(const std::optional<std::vector<wire::Tag>>& tags) {
  api::Tags out;
  if (!tags) return out;
  for (const wire::Tag& tag : *tags) out[tag.key] = tag.value;
  return out;
}

void add_resource_tags(ConditionContext& extra, const std::map<std::string, std::string>& tags) {
  extra.merge(api::resource_tags(tags));
  for (const auto& [key, value] : tags) extra["iam:ResourceTag/" + key] = {value};
}

// Keys keep the case they were first given in, and are equal without it.
Status add_tags(std::map<std::string, std::string>& tags, const std::vector<wire::Tag>& added) {
  std::set<std::string> seen;
  for (const wire::Tag& tag : added) {
    const std::string key = codec::lower_case(tag.key);
    if (key.starts_with("aws:")) return invalid_input("Tag keys must not begin with aws:.");
    if (!seen.insert(key).second) {
      return invalid_input("Duplicate tag keys found. Please note that Tag keys are case insensitive.");
    }
    std::erase_if(tags, [&](const auto& known) { return codec::lower_case(known.first) == key; });
    tags[tag.key] = tag.value;
  }
  if (tags.size() > api::tags_max)
    return Error{"LimitExceeded", "Cannot exceed quota for TagsPerEntity: 50", 409};
  return ok();
}

Status remove_tags(std::map<std::string, std::string>& tags, const std::vector<std::string>& keys) {
  for (const std::string& key : keys) {
    std::erase_if(tags, [&](const auto& known) { return codec::equal_no_case(known.first, key); });
  }
  return ok();
}

}  // namespace mekong::iam
