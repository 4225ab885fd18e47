#include "services/athena/service.h"

#include <fmt/format.h>

namespace mekong::athena {
namespace {

Error invalid(std::string message) {
  return {"InvalidRequestException", std::move(message), 0, {{"AthenaErrorCode", "INVALID_INPUT"}}};
}

// The name of the first setting that is given and not built.
std::string_view unbuilt_setting(const model::WorkGroupConfiguration& settings) {
  if (settings.managed_query_results_configuration) return "ManagedQueryResultsConfiguration";
  if (settings.publish_cloud_watch_metrics_enabled.value_or(false)) return "PublishCloudWatchMetricsEnabled";
  if (settings.bytes_scanned_cutoff_per_query) return "BytesScannedCutoffPerQuery";
  if (settings.requester_pays_enabled.value_or(false)) return "RequesterPaysEnabled";
  if (settings.engine_version) return "EngineVersion";
  if (settings.additional_configuration) return "AdditionalConfiguration";
  if (settings.execution_role) return "ExecutionRole";
  if (settings.monitoring_configuration) return "MonitoringConfiguration";
  if (settings.engine_configuration) return "EngineConfiguration";
  if (settings.customer_content_encryption_configuration) return "CustomerContentEncryptionConfiguration";
  if (settings.enable_minimum_encryption_configuration) return "EnableMinimumEncryptionConfiguration";
  if (settings.identity_center_configuration) return "IdentityCenterConfiguration";
  if (settings.query_results_s3_access_grants_configuration) return "QueryResultsS3AccessGrantsConfiguration";
  if (settings.system_table_statuses) return "SystemTableStatuses";
  if (!settings.result_configuration) return "";
  const auto& result = *settings.result_configuration;
  if (result.encryption_configuration) return "ResultConfiguration.EncryptionConfiguration";
  if (result.expected_bucket_owner) return "ResultConfiguration.ExpectedBucketOwner";
  return result.acl_configuration ? "ResultConfiguration.AclConfiguration" : "";
}

}  // namespace

Service::Service(Engines engines, meta::Store& meta, os::Random& random, int concurrent)
    : engines_(engines), random_(random), records_(meta), runner_(engines, records_, concurrent) {}

Status Service::start() {
  MEKONG_TRY_ASSIGN(auto left, records_.unfinished());
  for (auto& execution : left) {
    execution.state = "FAILED";
    execution.reason = "The server was restarted while the query ran";
    execution.error_category = 1;
    execution.completed_ms = engines_.clock.wall_ms();
    MEKONG_TRY(records_.put(execution));
  }
  return ok();
}

Result<WorkGroup> Service::group(api::Context& ctx, const std::string& name) const {
  MEKONG_TRY_ASSIGN(auto found, records_.work_group(ctx.scope(), name));
  if (!found) return invalid(fmt::format("WorkGroup {} is not found.", name));
  return std::move(*found);
}

Result<model::GetWorkGroupOutput> Service::get_work_group(api::Context& ctx,
                                                          const model::GetWorkGroupInput& request) {
  MEKONG_TRY_ASSIGN(const auto found, group(ctx, request.work_group));
  model::WorkGroup out;
  out.name = found.name;
  out.state = "ENABLED";
  if (!found.description.empty()) out.description = found.description;
  if (found.created_ms > 0) out.creation_time = api::Timestamp{found.created_ms};
  auto& settings = out.configuration.emplace();
  auto& result = settings.result_configuration.emplace();
  if (!found.output_location.empty()) result.output_location = found.output_location;
  settings.enforce_work_group_configuration = found.enforced;
  settings.publish_cloud_watch_metrics_enabled = false;
  settings.requester_pays_enabled = false;
  settings.engine_version = model::EngineVersion{"AUTO", "Athena engine version 3"};
  return model::GetWorkGroupOutput{std::move(out)};
}

Result<model::CreateWorkGroupOutput> Service::create_work_group(api::Context& ctx,
                                                                const model::CreateWorkGroupInput& request) {
  const auto unbuilt = [](std::string_view name) {
    return Error{"NotImplemented", fmt::format("CreateWorkGroup: parameter {} is not implemented", name)};
  };
  if (request.tags && !request.tags->empty()) return unbuilt("Tags");
  WorkGroup made;
  made.name = request.name;
  made.description = request.description.value_or("");
  made.created_ms = engines_.clock.wall_ms();
  if (request.configuration) {
    const auto name = unbuilt_setting(*request.configuration);
    if (!name.empty()) return unbuilt(name);
    made.enforced = request.configuration->enforce_work_group_configuration.value_or(true);
    const auto& result = request.configuration->result_configuration;
    made.output_location = result ? result->output_location.value_or("") : "";
    if (!made.output_location.empty() && !objects::parse_location(made.output_location).ok()) {
      return invalid("outputLocation is not a valid S3 path.");
    }
  }
  if (made.name == "primary") return invalid("WorkGroup primary is already created");
  const auto added = records_.add(ctx.scope(), made);
  if (!added.ok() && added.error().code == "ConditionFailed") {
    return invalid(fmt::format("WorkGroup {} is already created", made.name));
  }
  if (!added.ok()) return added.error();
  return model::CreateWorkGroupOutput{};
}

}  // namespace mekong::athena
