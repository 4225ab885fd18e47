#include <array>

#include "iam/managed_policies.h"
#include "policy/document.h"
#include "services/iam/service.h"
#include "services/iam/shared.h"

namespace mekong::iam {
namespace {

constexpr int32_t session_s_default = 3600;
constexpr size_t trust_characters_max = 2048;

Status check_trust(const Directory& directory, const std::string& document) {
  MEKONG_TRY_ASSIGN(const auto parsed, policy::parse_document(document, policy::DocumentKind::trust));
  for (const auto& statement : parsed->statements) {
    for (const std::string& name : statement.principal.aws) {
      if (!directory.may_be_named(name))
        return Error{"MalformedPolicyDocument", "Invalid principal in policy: \"AWS\":\"" + name + "\"", 400};
    }
  }
  if (policy::counted_size(document) <= trust_characters_max) return ok();
  return Error{"LimitExceeded", "Cannot exceed quota for ACLSizePerRole: 2048", 409};
}

// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_aws-services-that-work-with-iam.html, those that
// this server has a face for.
struct LinkedRole {
  std::string_view service, role, policy;
};
constexpr std::array linked_roles = {
    LinkedRole{"kafka.amazonaws.com", "AWSServiceRoleForKafka", "KafkaServiceRolePolicy"},
    LinkedRole{"ops.emr-serverless.amazonaws.com", "AWSServiceRoleForAmazonEMRServerless",
               "AmazonEMRServerlessServiceRolePolicy"},
    LinkedRole{"elasticmapreduce.amazonaws.com", "AWSServiceRoleForEMRCleanup", "AmazonEMRCleanupPolicy"},
    LinkedRole{"emr-containers.amazonaws.com", "AWSServiceRoleForAmazonEMRContainers",
               "AmazonEMRContainersServiceRolePolicy"},
    LinkedRole{"airflow.amazonaws.com", "AWSServiceRoleForAmazonMWAA", "AmazonMWAAServiceRolePolicy"},
    LinkedRole{"lakeformation.amazonaws.com", "AWSServiceRoleForLakeFormationDataAccess",
               "LakeFormationDataAccessServiceRolePolicy"},
};

std::string linked_policy_arn(const LinkedRole& known) {
  return "arn:aws:iam::aws:policy/aws-service-role/" + std::string(known.policy);
}

}  // namespace

Result<wire::CreateRoleResponse> Service::create_role(api::Context& ctx,
                                                      const wire::CreateRoleRequest& request) {
  Role role;
  role.account = ctx.account.value;
  role.name = request.role_name;
  role.path = request.path.value_or("/");
  role.trust = request.assume_role_policy_document;
  role.description = request.description.value_or("");
  role.max_session_s = request.max_session_duration.value_or(session_s_default);
  role.boundary = request.permissions_boundary.value_or("");
  ConditionContext extra = api::request_tags(tags_of(request.tags));
  if (!role.boundary.empty()) extra["iam:PermissionsBoundary"] = {role.boundary};
  MEKONG_TRY(ctx.authorise(role.arn(), std::move(extra)));
  if (role.path.starts_with("/aws-service-role/")) {
    return Error{"InvalidInput", "Path is reserved for service-linked roles.", 400};
  }
  MEKONG_TRY(check_trust(directory_, role.trust));
  if (request.tags) MEKONG_TRY(add_tags(role.tags, *request.tags));
  MEKONG_TRY_ASSIGN(auto made, directory_.create_role(std::move(role)));
  return wire::CreateRoleResponse{role_shape(*made)};
}

Result<wire::GetRoleResponse> Service::get_role(api::Context& ctx, const wire::GetRoleRequest& request) {
  MEKONG_TRY_ASSIGN(auto found, entity<Role>(ctx, request.role_name));
  return wire::GetRoleResponse{role_shape(*found)};
}

Result<wire::ListRolesResponse> Service::list_roles(api::Context& ctx,
                                                    const wire::ListRolesRequest& request) {
  std::vector<wire::Role> all;
  for (const auto& found : directory_.list<Role>(ctx.account)) {
    if (!found->path.starts_with(request.path_prefix.value_or("/"))) continue;
    all.push_back(role_shape(*found));
    // As in AWS: lists leave out what GetRole alone shows.
    all.back().tags.reset();
    all.back().permissions_boundary.reset();
    all.back().role_last_used.reset();
  }
  wire::ListRolesResponse out;
  MEKONG_TRY(
      paginate(request, std::move(all), out.roles, out, [](const wire::Role& r) { return r.role_name; }));
  return out;
}

Result<wire::DeleteRoleResponse> Service::delete_role(api::Context& ctx,
                                                      const wire::DeleteRoleRequest& request) {
  MEKONG_TRY(change<Role>(ctx, request.role_name, [](Role&) { return ok(); }));
  MEKONG_TRY(directory_.delete_role(ctx.account, request.role_name));
  return wire::DeleteRoleResponse{};
}

Result<wire::UpdateRoleResponse> Service::update_role(api::Context& ctx,
                                                      const wire::UpdateRoleRequest& request) {
  MEKONG_TRY(change<Role>(ctx, request.role_name, [&](Role& r) {
    r.description = request.description.value_or("");
    r.max_session_s = request.max_session_duration.value_or(session_s_default);
    return ok();
  }));
  return wire::UpdateRoleResponse{};
}

Result<wire::UpdateRoleDescriptionResponse> Service::update_role_description(
    api::Context& ctx, const wire::UpdateRoleDescriptionRequest& request) {
  MEKONG_TRY(entity<Role>(ctx, request.role_name));
  MEKONG_TRY(directory_.change<Role>(ctx.account, request.role_name, [&](Role& r) {
    r.description = request.description;
    return ok();
  }));
  auto changed = directory_.find_role(ctx.account, request.role_name);
  if (!changed) return Error{"NoSuchEntity", "The role has just been deleted.", 404};
  return wire::UpdateRoleDescriptionResponse{role_shape(*changed)};
}

Result<wire::UpdateAssumeRolePolicyResponse> Service::update_assume_role_policy(
    api::Context& ctx, const wire::UpdateAssumeRolePolicyRequest& request) {
  MEKONG_TRY(change<Role>(ctx, request.role_name, [&](Role& r) -> Status {
    MEKONG_TRY(check_trust(directory_, request.policy_document));
    r.trust = request.policy_document;
    return ok();
  }));
  return wire::UpdateAssumeRolePolicyResponse{};
}

Result<wire::CreateServiceLinkedRoleResponse> Service::create_service_linked_role(
    api::Context& ctx, const wire::CreateServiceLinkedRoleRequest& request) {
  const std::string& service = request.aws_service_name;
  const std::string path = "/aws-service-role/" + service + "/";
  const auto* known = std::find_if(linked_roles.begin(), linked_roles.end(),
                                   [&](const LinkedRole& l) { return l.service == service; });
  const std::string name = known == linked_roles.end() ? "*" : std::string(known->role);
  MEKONG_TRY(ctx.authorise("arn:aws:iam::" + ctx.account.value + ":role" + path + name,
                           {{"iam:AWSServiceName", {service}}}));
  if (known == linked_roles.end()) {
    return Error{"InvalidInput", service + " has no service-linked role here.", 400};
  }
  if (request.custom_suffix) {
    return Error{"InvalidInput", "Custom suffix is not allowed for " + service, 400};
  }
  Role role;
  role.account = ctx.account.value;
  role.name = name;
  role.path = path;
  role.linked_service = service;
  role.description = request.description.value_or("");
  role.trust = R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":")" +
               service + R"("},"Action":"sts:AssumeRole"}]})";
  if (find_aws_managed_policy(linked_policy_arn(*known))) role.attached = {linked_policy_arn(*known)};
  auto made = directory_.create_role(std::move(role));
  if (!made.ok() && made.error().code == "EntityAlreadyExists") {
    return Error{
        "InvalidInput",
        "Service role name " + name + " has been taken in this account, please try a different suffix.", 400};
  }
  if (!made.ok()) return made.error();
  return wire::CreateServiceLinkedRoleResponse{role_shape(**made)};
}

Result<wire::DeleteServiceLinkedRoleResponse> Service::delete_service_linked_role(
    api::Context& ctx, const wire::DeleteServiceLinkedRoleRequest& request) {
  MEKONG_TRY_ASSIGN(auto role, entity<Role>(ctx, request.role_name));
  if (role->linked_service.empty()) {
    return Error{"InvalidInput", request.role_name + " is no service-linked role.", 400};
  }
  MEKONG_TRY(directory_.delete_role(ctx.account, request.role_name));
  return wire::DeleteServiceLinkedRoleResponse{"task" + role->path + role->name + "/" + role->id};
}

// Deleting is done when it is answered; the task's name alone tells the role.
Result<wire::GetServiceLinkedRoleDeletionStatusResponse> Service::get_service_linked_role_deletion_status(
    api::Context& ctx, const wire::GetServiceLinkedRoleDeletionStatusRequest& request) {
  const std::string& task = request.deletion_task_id;
  const size_t end = task.rfind('/');
  const std::string resource = "arn:aws:iam::" + ctx.account.value + ":role" +
                               (task.starts_with("task/") ? task.substr(4, end - 4) : "/" + task);
  MEKONG_TRY(ctx.authorise(resource));
  if (!task.starts_with("task/aws-service-role/")) {
    return Error{"NoSuchEntity", "Deletion task " + task + " was not found.", 404};
  }
  return wire::GetServiceLinkedRoleDeletionStatusResponse{.status = "SUCCEEDED"};
}

}  // namespace mekong::iam
