#include "services/iam/shared.h"

#include "policy/document.h"

namespace mekong::iam {
namespace {

template <class Shape>
void fill(Shape& out, const Identity& identity) {
  out.path = identity.path;
  out.create_date = {identity.created_ms};
  if (!identity.tags.empty()) out.tags = tag_shapes(identity.tags);
  if (!identity.boundary.empty()) out.permissions_boundary = {{"Policy", identity.boundary}};
}

Error no_policy(const std::string& name) {
  return {"NoSuchEntity", "The policy with name " + name + " cannot be found.", 404};
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

wire::Role role_shape(const Role& role) {
  wire::Role out;
  fill(out, role);
  out.role_name = role.name;
  out.role_id = role.id;
  out.arn = role.arn();
  out.assume_role_policy_document = document_shape(role.trust);
  if (!role.description.empty()) out.description = role.description;
  out.max_session_duration = role.max_session_s;
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

std::vector<wire::AttachedPolicy> attached_shapes(const Identity& identity) {
  std::vector<wire::AttachedPolicy> out;
  for (const std::string& arn : identity.attached) out.push_back({arn.substr(arn.rfind('/') + 1), arn});
  return out;
}

Status add_tags(std::map<std::string, std::string>& tags, const std::vector<wire::Tag>& added) {
  for (const wire::Tag& tag : added) tags[tag.key] = tag.value;
  if (tags.size() > tags_max) return Error{"LimitExceeded", "Cannot exceed quota for TagsPerEntity: 50", 409};
  return ok();
}

Status put_inline(Identity& identity, const std::string& name, const std::string& document) {
  MEKONG_TRY(policy::parse_document(document, policy::DocumentKind::identity));
  identity.inline_policies[name] = document;
  return ok();
}

Status delete_inline(Identity& identity, const std::string& name) {
  if (identity.inline_policies.erase(name) == 0) return no_policy(name);
  return ok();
}

Result<std::string> find_inline(const Identity& identity, const std::string& name) {
  auto at = identity.inline_policies.find(name);
  if (at == identity.inline_policies.end()) return no_policy(name);
  return at->second;
}

Status attach(Identity& identity, const std::string& arn) {
  auto& attached = identity.attached;
  if (std::find(attached.begin(), attached.end(), arn) != attached.end()) return ok();
  if (attached.size() >= attached_policies_max) {
    return Error{"LimitExceeded", "Cannot exceed quota for PoliciesPerEntity: 10", 409};
  }
  attached.push_back(arn);
  return ok();
}

Status detach(Identity& identity, const std::string& arn) {
  if (std::erase(identity.attached, arn) == 0) {
    return Error{"NoSuchEntity", "Policy " + arn + " was not found.", 404};
  }
  return ok();
}

}  // namespace mekong::iam
