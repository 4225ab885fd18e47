#include <fmt/format.h>

#include "services/athena/service.h"
#include "services/athena/shared.h"

namespace mekong::athena {
namespace {

constexpr int64_t cutoff_bytes_min = 10'000'000;  // the API's own bound
constexpr size_t tags_max = 50;

// The name of the first setting that is given and not built; for both shapes of settings.
template <class Settings>
std::string_view unbuilt_setting(const Settings& settings) {
  if (settings.publish_cloud_watch_metrics_enabled.value_or(false)) return "PublishCloudWatchMetricsEnabled";
  if (settings.requester_pays_enabled.value_or(false)) return "RequesterPaysEnabled";
  if (settings.additional_configuration) return "AdditionalConfiguration";
  if (settings.execution_role) return "ExecutionRole";
  if (settings.monitoring_configuration) return "MonitoringConfiguration";
  if (settings.engine_configuration) return "EngineConfiguration";
  if (settings.customer_content_encryption_configuration) return "CustomerContentEncryptionConfiguration";
  if (settings.enable_minimum_encryption_configuration.value_or(false)) {
    return "EnableMinimumEncryptionConfiguration";
  }
  if (settings.query_results_s3_access_grants_configuration) return "QueryResultsS3AccessGrantsConfiguration";
  return "";
}

template <class ResultSettings>
std::string_view unbuilt_result_setting(const ResultSettings& result) {
  if (result.encryption_configuration) return "ResultConfiguration.EncryptionConfiguration";
  if (result.expected_bucket_owner) return "ResultConfiguration.ExpectedBucketOwner";
  return result.acl_configuration ? "ResultConfiguration.AclConfiguration" : "";
}

bool is_our_engine(const std::string& version) {
  return version == "AUTO" || version == "Athena engine version 3";
}

template <class Settings>
Status check_settings(std::string_view operation, const Settings& settings) {
  if (const auto name = unbuilt_setting(settings); !name.empty()) return unbuilt(operation, name);
  if (settings.engine_version && settings.engine_version->selected_engine_version &&
      !is_our_engine(*settings.engine_version->selected_engine_version)) {
    return unbuilt(operation, "EngineVersion other than Athena engine version 3");
  }
  const auto cutoff = settings.bytes_scanned_cutoff_per_query;
  if (cutoff && *cutoff < cutoff_bytes_min) {
    return invalid(fmt::format("BytesScannedCutoffPerQuery must be at least {}", cutoff_bytes_min));
  }
  return ok();
}

Status check_location(const std::string& location) {
  if (location.empty() || objects::parse_location(location).ok()) return ok();
  return invalid("outputLocation is not a valid S3 path.");
}

model::EngineVersion engine_version() {
  return {"AUTO", "Athena engine version 3"};
}

model::WorkGroup shape(const WorkGroup& group) {
  model::WorkGroup out;
  out.name = group.name;
  out.state = group.disabled ? "DISABLED" : "ENABLED";
  if (!group.description.empty()) out.description = group.description;
  if (group.created_ms > 0) out.creation_time = api::Timestamp{group.created_ms};
  auto& settings = out.configuration.emplace();
  auto& result = settings.result_configuration.emplace();
  if (!group.output_location.empty()) result.output_location = group.output_location;
  settings.enforce_work_group_configuration = group.enforced;
  settings.publish_cloud_watch_metrics_enabled = false;
  settings.requester_pays_enabled = false;
  if (group.scanned_bytes_max > 0) settings.bytes_scanned_cutoff_per_query = group.scanned_bytes_max;
  settings.engine_version = engine_version();
  return out;
}

Status add_tags(std::map<std::string, std::string>& tags, const std::vector<model::Tag>& added) {
  for (const auto& tag : added) {
    if (!tag.key || tag.key->empty()) return invalid("A tag needs a key");
    tags[*tag.key] = tag.value.value_or("");
  }
  return tags.size() <= tags_max ? ok() : Status(invalid("A resource has at most 50 tags"));
}

// All of the settings that are given; nothing is written where one of them is refused.
Status change_result(WorkGroup& group, const model::ResultConfigurationUpdates& result) {
  if (const auto name = unbuilt_result_setting(result); !name.empty())
    return unbuilt("UpdateWorkGroup", name);
  if (result.remove_output_location.value_or(false)) group.output_location.clear();
  if (result.output_location) group.output_location = *result.output_location;
  return check_location(group.output_location);
}

Status change(WorkGroup& group, const model::UpdateWorkGroupInput& request) {
  if (request.description) group.description = *request.description;
  if (request.state) group.disabled = *request.state == "DISABLED";
  if (!request.configuration_updates) return ok();
  const auto& updates = *request.configuration_updates;
  MEKONG_TRY(check_settings("UpdateWorkGroup", updates));
  if (updates.managed_query_results_configuration_updates) {
    return unbuilt("UpdateWorkGroup", "ManagedQueryResultsConfigurationUpdates");
  }
  if (updates.enforce_work_group_configuration) group.enforced = *updates.enforce_work_group_configuration;
  if (updates.remove_bytes_scanned_cutoff_per_query.value_or(false)) group.scanned_bytes_max = 0;
  if (updates.bytes_scanned_cutoff_per_query) {
    group.scanned_bytes_max = *updates.bytes_scanned_cutoff_per_query;
  }
  const auto& result = updates.result_configuration_updates;
  return result ? change_result(group, *result) : ok();
}

}  // namespace

Result<model::GetWorkGroupOutput> Service::get_work_group(api::Context& ctx,
                                                          const model::GetWorkGroupInput& request) {
  MEKONG_TRY_ASSIGN(const auto found, group(ctx, request.work_group));
  return model::GetWorkGroupOutput{shape(found)};
}

Result<model::CreateWorkGroupOutput> Service::create_work_group(api::Context& ctx,
                                                                const model::CreateWorkGroupInput& request) {
  WorkGroup made;
  made.name = request.name;
  made.description = request.description.value_or("");
  made.created_ms = engines_.clock.wall_ms();
  if (request.tags) MEKONG_TRY(add_tags(made.tags, *request.tags));
  if (request.configuration) {
    const auto& settings = *request.configuration;
    MEKONG_TRY(check_settings("CreateWorkGroup", settings));
    if (settings.managed_query_results_configuration &&
        settings.managed_query_results_configuration->enabled) {
      return unbuilt("CreateWorkGroup", "ManagedQueryResultsConfiguration");
    }
    if (settings.identity_center_configuration) {
      return unbuilt("CreateWorkGroup", "IdentityCenterConfiguration");
    }
    if (settings.system_table_statuses) return unbuilt("CreateWorkGroup", "SystemTableStatuses");
    made.enforced = settings.enforce_work_group_configuration.value_or(true);
    made.scanned_bytes_max = settings.bytes_scanned_cutoff_per_query.value_or(0);
    if (const auto& result = settings.result_configuration) {
      const auto name = unbuilt_result_setting(*result);
      if (!name.empty()) return unbuilt("CreateWorkGroup", name);
      made.output_location = result->output_location.value_or("");
      MEKONG_TRY(check_location(made.output_location));
    }
  }
  const auto added =
      made.name == "primary" ? Status(Error{"ConditionFailed", ""}) : records_.add(ctx.scope(), made);
  if (!added.ok() && added.error().code == "ConditionFailed") {
    return invalid(fmt::format("WorkGroup {} is already created", made.name));
  }
  if (!added.ok()) return added.error();
  return model::CreateWorkGroupOutput{};
}

Result<model::UpdateWorkGroupOutput> Service::update_work_group(api::Context& ctx,
                                                                const model::UpdateWorkGroupInput& request) {
  const auto changed = records_.update<WorkGroup>(ctx.scope(), request.work_group,
                                                  [&](WorkGroup& group) { return change(group, request); });
  if (!changed.ok() && changed.error().code == "NotFound") {
    return invalid(fmt::format("WorkGroup {} is not found.", request.work_group));
  }
  if (!changed.ok()) return changed.error();
  return model::UpdateWorkGroupOutput{};
}

Result<model::DeleteWorkGroupOutput> Service::delete_work_group(api::Context& ctx,
                                                                const model::DeleteWorkGroupInput& request) {
  if (request.work_group == "primary") return invalid("WorkGroup primary cannot be deleted");
  MEKONG_TRY_ASSIGN(const auto found, group(ctx, request.work_group));
  MEKONG_TRY_ASSIGN(const bool empty, records_.is_empty(ctx.scope(), found.name));
  if (!empty && !request.recursive_delete_option.value_or(false)) {
    return invalid(fmt::format("WorkGroup {} is not empty", found.name));
  }
  MEKONG_TRY(records_.remove_work_group(ctx.scope(), found.name));
  return model::DeleteWorkGroupOutput{};
}

Result<model::ListWorkGroupsOutput> Service::list_work_groups(api::Context& ctx,
                                                              const model::ListWorkGroupsInput& request) {
  MEKONG_TRY_ASSIGN(const auto after, after_of(request.next_token));
  const auto limit = limit_of(request.max_results, 50);
  MEKONG_TRY_ASSIGN(auto page, records_.list<WorkGroup>(ctx.scope(), "", after, limit));
  MEKONG_TRY_ASSIGN(const auto primary, records_.find<WorkGroup>(ctx.scope(), "primary"));
  model::ListWorkGroupsOutput out;
  auto& groups = out.work_groups.emplace();
  const auto add = [&](const WorkGroup& group) {
    auto whole = shape(group);
    groups.push_back({whole.name, whole.state, whole.description, whole.creation_time, engine_version(), {}});
  };
  // It may be in the store or not: always the first of the first page.
  if (after.empty()) add(*primary);
  for (const auto& group : page.items) {
    if (group.name != "primary") add(group);
  }
  out.next_token = token_of(page.next);
  return out;
}

Result<model::ListEngineVersionsOutput> Service::list_engine_versions(api::Context&,
                                                                      const model::ListEngineVersionsInput&) {
  model::ListEngineVersionsOutput out;
  out.engine_versions.emplace() = {engine_version(), {"Athena engine version 3", "Athena engine version 3"}};
  return out;
}

Status Service::with_tags(api::Context& ctx, const std::string& arn,
                          const std::function<Status(std::map<std::string, std::string>&)>& change) {
  const auto prefix = group_arn(ctx, "");
  const Error absent{
      "ResourceNotFoundException", fmt::format("Resource {} is not found", arn), 0, {{"ResourceName", arn}}};
  if (!arn.starts_with(prefix)) return absent;
  const auto changed = records_.update<WorkGroup>(ctx.scope(), arn.substr(prefix.size()),
                                                  [&](WorkGroup& group) { return change(group.tags); });
  return !changed.ok() && changed.error().code == "NotFound" ? Status(absent) : changed;
}

Result<model::TagResourceOutput> Service::tag_resource(api::Context& ctx,
                                                       const model::TagResourceInput& request) {
  MEKONG_TRY(with_tags(ctx, request.resource_arn, [&](auto& tags) { return add_tags(tags, request.tags); }));
  return model::TagResourceOutput{};
}

Result<model::UntagResourceOutput> Service::untag_resource(api::Context& ctx,
                                                           const model::UntagResourceInput& request) {
  MEKONG_TRY(with_tags(ctx, request.resource_arn, [&](auto& tags) {
    for (const auto& key : request.tag_keys) tags.erase(key);
    return ok();
  }));
  return model::UntagResourceOutput{};
}

Result<model::ListTagsForResourceOutput> Service::list_tags_for_resource(
    api::Context& ctx, const model::ListTagsForResourceInput& request) {
  model::ListTagsForResourceOutput out;
  auto& listed = out.tags.emplace();  // at most 50: one page
  const auto prefix = group_arn(ctx, "");
  std::optional<WorkGroup> group;
  if (request.resource_arn.starts_with(prefix)) {
    MEKONG_TRY_ASSIGN(group,
                      records_.find<WorkGroup>(ctx.scope(), request.resource_arn.substr(prefix.size())));
  }
  if (!group) {
    return Error{"ResourceNotFoundException",
                 fmt::format("Resource {} is not found", request.resource_arn),
                 0,
                 {{"ResourceName", request.resource_arn}}};
  }
  for (const auto& [key, value] : group->tags) listed.push_back({key, value});
  return out;
}

}  // namespace mekong::athena
