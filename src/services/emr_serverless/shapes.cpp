#include "services/emr_serverless/shapes.h"

#include <fmt/format.h>

#include "codec/hash.h"
#include "codec/record.h"
#include "codec/text.h"
#include "services/emr_serverless/driver_logs.h"
#include "services/emr_serverless/sizes.h"
#include "services/emr_serverless/spark_command.h"

namespace mekong::emr_serverless {

namespace {

constexpr int64_t batch_timeout_minutes = 720;
constexpr int32_t streaming_failures_per_hour = 5;
constexpr int32_t idle_timeout_minutes_default = 15;

Error invalid(std::string message) {
  return Error{"ValidationException", std::move(message)};
}

Status refuse(bool present, std::string_view member) {
  if (!present) return ok();
  return Error{"NotImplemented", fmt::format("{} is not implemented.", member), 501};
}

Status read_configurations(const std::optional<std::vector<wire::Configuration>>& configurations,
                           std::map<std::string, std::string>& spark_defaults) {
  if (!configurations) return ok();
  for (const auto& configuration : *configurations) {
    const bool known = configuration.classification == "spark-defaults";
    MEKONG_TRY(refuse(!known, "classification " + configuration.classification));
    MEKONG_TRY(refuse(configuration.configurations && !configuration.configurations->empty(),
                      "configurations inside of spark-defaults"));
    if (!configuration.properties) continue;
    for (const auto& [name, value] : *configuration.properties) spark_defaults[name] = value;
  }
  return ok();
}

Status read_monitoring(const std::optional<wire::MonitoringConfiguration>& monitoring, std::string& log_uri,
                       bool& managed_logs) {
  if (!monitoring) return ok();
  const auto& cloud_watch = monitoring->cloud_watch_logging_configuration;
  MEKONG_TRY(refuse(cloud_watch && cloud_watch->enabled, "cloudWatchLoggingConfiguration"));
  MEKONG_TRY(refuse(monitoring->prometheus_monitoring_configuration.has_value(),
                    "prometheusMonitoringConfiguration"));
  if (const auto& managed = monitoring->managed_persistence_monitoring_configuration) {
    MEKONG_TRY(refuse(managed->encryption_key_arn.has_value(), "managedPersistence encryptionKeyArn"));
    managed_logs = managed->enabled.value_or(true);
  }
  if (const auto& s3 = monitoring->s3_monitoring_configuration) {
    MEKONG_TRY(refuse(s3->encryption_key_arn.has_value(), "s3MonitoringConfiguration encryptionKeyArn"));
    if (s3->log_uri) {
      MEKONG_TRY(parse_log_uri(*s3->log_uri));
      log_uri = *s3->log_uri;
    }
  }
  return ok();
}

Status read_capacity(const std::optional<wire::MaximumAllowedResources>& maximum, Application& record) {
  if (!maximum) return ok();
  if (!parse_vcpus(maximum->cpu)) return invalid("maximumCapacity.cpu must be like '16 vCPU'.");
  if (!parse_gigabytes(maximum->memory)) return invalid("maximumCapacity.memory must be like '64 GB'.");
  if (maximum->disk && !parse_gigabytes(*maximum->disk)) {
    return invalid("maximumCapacity.disk must be like '200 GB'.");
  }
  record.maximum_cpu = maximum->cpu;
  record.maximum_memory = maximum->memory;
  record.maximum_disk = maximum->disk.value_or("");
  return ok();
}

// Of CreateApplication and UpdateApplication.
template <class Request>
Status refuse_unbuilt(const Request& request) {
  MEKONG_TRY(refuse(request.initial_capacity && !request.initial_capacity->empty(), "initialCapacity"));
  MEKONG_TRY(refuse(request.image_configuration.has_value(), "imageConfiguration"));
  MEKONG_TRY(refuse(request.worker_type_specifications.has_value(), "workerTypeSpecifications"));
  MEKONG_TRY(refuse(request.disk_encryption_configuration.has_value(), "diskEncryptionConfiguration"));
  MEKONG_TRY(refuse(request.scheduler_configuration.has_value(), "schedulerConfiguration"));
  MEKONG_TRY(refuse(request.identity_center_configuration.has_value(), "identityCenterConfiguration"));
  MEKONG_TRY(refuse(request.job_level_cost_allocation_configuration.has_value(),
                    "jobLevelCostAllocationConfiguration"));
  if (const auto& interactive = request.interactive_configuration) {
    MEKONG_TRY(refuse(interactive->livy_endpoint_enabled.value_or(false), "livyEndpointEnabled"));
    MEKONG_TRY(refuse(interactive->studio_enabled.value_or(false), "studioEnabled"));
    MEKONG_TRY(refuse(interactive->session_enabled.value_or(false), "sessionEnabled"));
  }
  return ok();
}

Status read_release(const std::string& label, Application& record) {
  if (!is_supported_release(label)) {
    return invalid(fmt::format(
        "Release label {} is not installed here: emr-7.2.0 and emr-7.3.0 (Spark 3.5.1) are.", label));
  }
  record.release_label = label;
  return ok();
}

// What CreateApplication and UpdateApplication both say; what is not given stays.
template <class Request>
Status read_settings(const Request& request, Application& record) {
  MEKONG_TRY(refuse_unbuilt(request));
  MEKONG_TRY(refuse(request.architecture.value_or("X86_64") != "X86_64", "architecture ARM64"));
  MEKONG_TRY(read_capacity(request.maximum_capacity, record));
  if (request.runtime_configuration) record.spark_defaults.clear();
  MEKONG_TRY(read_configurations(request.runtime_configuration, record.spark_defaults));
  MEKONG_TRY(effective_parameters(record.spark_defaults, ""));
  MEKONG_TRY(read_monitoring(request.monitoring_configuration, record.log_uri, record.managed_logs));
  if (const auto& start = request.auto_start_configuration) record.auto_start = start->enabled.value_or(true);
  if (const auto& stop = request.auto_stop_configuration) {
    record.auto_stop = stop->enabled.value_or(true);
    record.idle_timeout_minutes = stop->idle_timeout_minutes.value_or(idle_timeout_minutes_default);
  }
  if (const auto& network = request.network_configuration) {
    record.subnet_ids = network->subnet_ids.value_or(std::vector<std::string>{});
    record.security_group_ids = network->security_group_ids.value_or(std::vector<std::string>{});
  }
  return ok();
}

std::optional<std::string> present(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional(text);
}

wire::MonitoringConfiguration monitoring_shape(const std::string& log_uri, bool managed_logs) {
  wire::MonitoringConfiguration out;
  if (!log_uri.empty()) out.s3_monitoring_configuration.emplace().log_uri = log_uri;
  out.managed_persistence_monitoring_configuration.emplace().enabled = managed_logs;
  return out;
}

std::vector<wire::Configuration> configurations_shape(
    const std::map<std::string, std::string>& spark_defaults) {
  wire::Configuration configuration;
  configuration.classification = "spark-defaults";
  configuration.properties = spark_defaults;
  return {configuration};
}

Status read_retry_policy(const wire::StartJobRunRequest& request, JobRun& record) {
  record.failures_per_hour_max = record.mode == "STREAMING" ? streaming_failures_per_hour : 0;
  if (!request.retry_policy) return ok();
  const auto& policy = *request.retry_policy;
  if (policy.max_attempts) {
    if (record.mode == "STREAMING" && *policy.max_attempts != 1) {
      return invalid(
          "retryPolicy.maxAttempts is for BATCH job runs; STREAMING takes maxFailedAttemptsPerHour.");
    }
    record.attempts_max = *policy.max_attempts;
  }
  if (policy.max_failed_attempts_per_hour) {
    if (record.mode != "STREAMING") {
      return invalid("retryPolicy.maxFailedAttemptsPerHour is for STREAMING job runs.");
    }
    record.failures_per_hour_max = *policy.max_failed_attempts_per_hour;
  }
  return ok();
}

Status read_driver(const wire::StartJobRunRequest& request, JobRun& record) {
  if (!request.job_driver) return invalid("jobDriver is required.");
  MEKONG_TRY(refuse(request.job_driver->hive.has_value(), "jobDriver.hive"));
  if (!request.job_driver->spark_submit) return invalid("jobDriver.sparkSubmit is required.");
  const auto& submit = *request.job_driver->spark_submit;
  // spark-submit would read it as one of its options.
  if (submit.entry_point.starts_with('-')) return invalid("entryPoint must be the location of a program.");
  record.entry_point = submit.entry_point;
  record.arguments = submit.entry_point_arguments.value_or(std::vector<std::string>{});
  record.submit_parameters = submit.spark_submit_parameters.value_or("");
  return ok();
}

}  // namespace

Result<Application> application_from(const wire::CreateApplicationRequest& request) {
  Application record;
  if (codec::lower_case(request.type) != "spark") {
    return Error{"NotImplemented", fmt::format("Applications of type {} are not implemented.", request.type),
                 501};
  }
  MEKONG_TRY(read_release(request.release_label, record));
  MEKONG_TRY(read_settings(request, record));
  record.name = request.name.value_or("");
  record.type = "Spark";
  record.architecture = "X86_64";
  record.tags = request.tags.value_or(std::map<std::string, std::string>{});
  return record;
}

Status change_application(const wire::UpdateApplicationRequest& request, Application& record) {
  if (request.release_label) MEKONG_TRY(read_release(*request.release_label, record));
  return read_settings(request, record);
}

wire::Application application_shape(const Application& record) {
  wire::Application out;
  out.application_id = record.id;
  out.name = present(record.name);
  out.arn = record.arn;
  out.release_label = record.release_label;
  out.type = record.type;
  out.state = record.state;
  out.state_details = present(record.state_details);
  out.created_at = {record.created_ms};
  out.updated_at = {record.updated_ms};
  out.tags = record.tags;
  out.auto_start_configuration.emplace().enabled = record.auto_start;
  auto& auto_stop = out.auto_stop_configuration.emplace();
  auto_stop.enabled = record.auto_stop;
  auto_stop.idle_timeout_minutes = record.idle_timeout_minutes;
  if (!record.maximum_cpu.empty()) {
    out.maximum_capacity = wire::MaximumAllowedResources{record.maximum_cpu, record.maximum_memory,
                                                         present(record.maximum_disk)};
  }
  if (!record.subnet_ids.empty() || !record.security_group_ids.empty()) {
    out.network_configuration = wire::NetworkConfiguration{record.subnet_ids, record.security_group_ids};
  }
  out.architecture = record.architecture;
  if (!record.spark_defaults.empty()) out.runtime_configuration = configurations_shape(record.spark_defaults);
  out.monitoring_configuration = monitoring_shape(record.log_uri, record.managed_logs);
  return out;
}

wire::ApplicationSummary application_summary(const Application& record) {
  wire::ApplicationSummary out;
  out.id = record.id;
  out.name = present(record.name);
  out.arn = record.arn;
  out.release_label = record.release_label;
  out.type = record.type;
  out.state = record.state;
  out.state_details = present(record.state_details);
  out.created_at = {record.created_ms};
  out.updated_at = {record.updated_ms};
  out.architecture = record.architecture;
  return out;
}

Result<JobRun> job_run_from(const wire::StartJobRunRequest& request, const Application& application) {
  JobRun record;
  MEKONG_TRY(refuse(request.execution_iam_policy.has_value(), "executionIamPolicy"));
  MEKONG_TRY(
      refuse(request.flex_execution && request.flex_execution->enabled.value_or(false), "flexExecution"));
  record.mode = request.mode.value_or("BATCH");
  MEKONG_TRY(read_driver(request, record));
  MEKONG_TRY(read_retry_policy(request, record));
  record.timeout_minutes =
      request.execution_timeout_minutes.value_or(record.mode == "STREAMING" ? 0 : batch_timeout_minutes);
  record.spark_defaults = application.spark_defaults;
  record.log_uri = application.log_uri;
  record.managed_logs = application.managed_logs;
  if (const auto& overrides = request.configuration_overrides) {
    MEKONG_TRY(refuse(overrides->disk_encryption_configuration.has_value(), "diskEncryptionConfiguration"));
    MEKONG_TRY(read_configurations(overrides->application_configuration, record.spark_defaults));
    MEKONG_TRY(read_monitoring(overrides->monitoring_configuration, record.log_uri, record.managed_logs));
  }
  MEKONG_TRY(effective_parameters(record.spark_defaults, record.submit_parameters));
  record.name = request.name.value_or("");
  record.role_arn = request.execution_role_arn;
  record.tags = request.tags.value_or(std::map<std::string, std::string>{});
  record.release_label = application.release_label;
  return record;
}

wire::JobRun job_run_shape(const JobRun& record, int64_t now_ms) {
  wire::JobRun out;
  out.application_id = record.application_id;
  out.job_run_id = record.id;
  out.name = present(record.name);
  out.arn = record.arn;
  out.created_by = record.created_by;
  out.created_at = {record.created_ms};
  out.updated_at = {record.updated_ms};
  out.execution_role = record.role_arn;
  out.state = record.state;
  out.state_details = record.state_details;
  out.release_label = record.release_label;
  auto& overrides = out.configuration_overrides.emplace();
  if (!record.spark_defaults.empty())
    overrides.application_configuration = configurations_shape(record.spark_defaults);
  overrides.monitoring_configuration = monitoring_shape(record.log_uri, record.managed_logs);
  auto& submit = out.job_driver.spark_submit.emplace();
  submit.entry_point = record.entry_point;
  submit.entry_point_arguments = record.arguments;
  submit.spark_submit_parameters = present(record.submit_parameters);
  out.tags = record.tags;
  out.execution_timeout_minutes = record.timeout_minutes;
  out.mode = record.mode;
  auto& policy = out.retry_policy.emplace();
  policy.max_attempts = record.attempts_max;
  if (record.mode == "STREAMING") policy.max_failed_attempts_per_hour = record.failures_per_hour_max;
  if (record.attempt > 0) out.attempt = record.attempt;
  if (record.attempt_created_ms > 0) {
    out.attempt_created_at = api::Timestamp{record.attempt_created_ms};
    out.attempt_updated_at = api::Timestamp{record.updated_ms};
  }
  if (record.ended_ms > 0) out.ended_at = api::Timestamp{record.ended_ms};
  if (record.started_ms == 0) return out;
  out.started_at = api::Timestamp{record.started_ms};
  const auto seconds = ((record.ended_ms > 0 ? record.ended_ms : now_ms) - record.started_ms) / 1000;
  out.total_execution_duration_seconds = static_cast<int32_t>(seconds);
  if (!is_terminal(record)) return out;
  const double hours = static_cast<double>(seconds) / 3600;
  auto& total = out.total_resource_utilization.emplace();
  total.v_cpu_hour = hours * record.cores;
  total.memory_gb_hour = hours * static_cast<double>(record.heap_bytes) / (1ULL << 30);
  return out;
}

wire::JobRunSummary job_run_summary(const JobRun& record) {
  wire::JobRunSummary out;
  out.application_id = record.application_id;
  out.id = record.id;
  out.name = present(record.name);
  out.mode = record.mode;
  out.arn = record.arn;
  out.created_by = record.created_by;
  out.created_at = {record.created_ms};
  out.updated_at = {record.updated_ms};
  out.execution_role = record.role_arn;
  out.state = record.state;
  out.state_details = record.state_details;
  out.release_label = record.release_label;
  out.type = "SPARK";
  if (record.attempt > 0) out.attempt = record.attempt;
  return out;
}

wire::JobRunAttemptSummary attempt_summary(const JobRun& record, const JobRun& then) {
  wire::JobRunAttemptSummary out;
  out.application_id = record.application_id;
  out.id = record.id;
  out.name = present(record.name);
  out.mode = record.mode;
  out.arn = record.arn;
  out.created_by = record.created_by;
  out.job_created_at = {record.created_ms};
  out.created_at = {then.attempt_created_ms};
  out.updated_at = {then.updated_ms};
  out.execution_role = record.role_arn;
  out.state = then.state;
  out.state_details = then.state_details;
  out.release_label = record.release_label;
  out.type = "SPARK";
  out.attempt = then.attempt;
  return out;
}

std::string request_hash(const Application& record) {
  return codec::hex_encode(codec::sha256(codec::encode_record(record)));
}

std::string request_hash(const JobRun& record) {
  return codec::hex_encode(codec::sha256(codec::encode_record(record)));
}

}  // namespace mekong::emr_serverless
