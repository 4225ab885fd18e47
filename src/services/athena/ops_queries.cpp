#include <fmt/format.h>
#include <fmt/ranges.h>

#include "services/athena/service.h"
#include "services/athena/shared.h"

namespace mekong::athena {
namespace {

Status refuse_unbuilt(const model::StartQueryExecutionInput& request) {
  const auto unbuilt = [](std::string_view name) { return athena::unbuilt("StartQueryExecution", name); };
  if (request.engine_configuration) return unbuilt("EngineConfiguration");
  const auto& reuse = request.result_reuse_configuration;
  if (reuse && reuse->result_reuse_by_age_configuration &&
      reuse->result_reuse_by_age_configuration->enabled) {
    return unbuilt("ResultReuseConfiguration");
  }
  if (request.result_configuration) {
    const auto& result = *request.result_configuration;
    if (result.encryption_configuration) return unbuilt("ResultConfiguration.EncryptionConfiguration");
    if (result.expected_bucket_owner) return unbuilt("ResultConfiguration.ExpectedBucketOwner");
    if (result.acl_configuration) return unbuilt("ResultConfiguration.AclConfiguration");
  }
  const auto& context = request.query_execution_context;
  if (context && context->catalog && catalog::fold_name(*context->catalog) != "awsdatacatalog") {
    return unbuilt("QueryExecutionContext.Catalog other than AwsDataCatalog");
  }
  return ok();
}

Result<std::string> output_location(const model::StartQueryExecutionInput& request, const WorkGroup& group) {
  std::string location;
  if (request.result_configuration) location = request.result_configuration->output_location.value_or("");
  if (location.empty() || (group.enforced && !group.output_location.empty()))
    location = group.output_location;
  if (location.empty()) {
    return invalid(
        "No output location provided. An output location is required either through the Workgroup "
        "result configuration setting or as an API input.");
  }
  if (!objects::parse_location(location).ok()) return invalid("outputLocation is not a valid S3 path.");
  return location;
}

// AWS SDK for pandas gives the name in backquotes for statements of Hive, and Athena takes it.
std::string plain_name(std::string_view name) {
  if (name.size() > 2 && name.starts_with('`') && name.ends_with('`')) name = name.substr(1, name.size() - 2);
  return catalog::fold_name(name);
}

// What one token must stand for always.
std::string fingerprint(const model::StartQueryExecutionInput& request, const Execution& execution) {
  return fmt::format("{}\n{}\n{}\n{}\n{}", execution.work_group, execution.database,
                     execution.output_location, fmt::join(execution.parameters, "\n"), request.query_string);
}

model::QueryExecution shape(const Execution& execution) {
  model::QueryExecution out;
  out.query_execution_id = execution.id;
  out.query = execution.query;
  if (!execution.statement_type.empty()) out.statement_type = execution.statement_type;
  out.result_configuration.emplace().output_location = execution.output_location;
  auto& context = out.query_execution_context.emplace();
  if (!execution.database.empty()) context.database = execution.database;
  out.work_group = execution.work_group;
  if (!execution.parameters.empty()) out.execution_parameters = execution.parameters;
  if (!execution.substatement_type.empty()) out.substatement_type = execution.substatement_type;
  out.engine_version = model::EngineVersion{"AUTO", "Athena engine version 3"};
  auto& status = out.status.emplace();
  status.state = execution.state;
  status.submission_date_time = api::Timestamp{execution.submitted_ms};
  if (execution.completed_ms > 0) status.completion_date_time = api::Timestamp{execution.completed_ms};
  if (!execution.reason.empty()) status.state_change_reason = execution.reason;
  if (execution.error_category > 0) {
    status.athena_error = model::AthenaError{execution.error_category, {}, false, execution.reason};
  }
  auto& statistics = out.statistics.emplace();
  statistics.data_scanned_in_bytes = execution.scanned_bytes;
  statistics.engine_execution_time_in_millis = execution.engine_ms;
  if (!execution.manifest_location.empty()) {
    statistics.data_manifest_location = execution.manifest_location;
  }
  if (execution.planning_ms > 0) statistics.query_planning_time_in_millis = execution.planning_ms;
  if (execution.started_ms > 0) {
    statistics.query_queue_time_in_millis = execution.started_ms - execution.submitted_ms;
  }
  if (execution.completed_ms > 0) {
    statistics.total_execution_time_in_millis = execution.completed_ms - execution.submitted_ms;
  }
  return out;
}

}  // namespace

Result<Execution> Service::execution(api::Context& ctx, const std::string& id) const {
  MEKONG_TRY_ASSIGN(auto found, records_.execution(ctx.scope(), id));
  MEKONG_TRY(ctx.authorise(group_arn(ctx, found ? found->work_group : "primary")));
  if (!found) return invalid(fmt::format("QueryExecution {} was not found", id));
  return std::move(*found);
}

Result<Execution> Service::make_execution(api::Context& ctx, const model::StartQueryExecutionInput& request,
                                          const WorkGroup& group) {
  MEKONG_TRY(refuse_unbuilt(request));
  if (group.disabled) return invalid(fmt::format("WorkGroup {} is disabled.", group.name));
  Execution execution;
  execution.account = ctx.account.value;
  execution.region = ctx.region.value;
  execution.id = engines_.random.uuid();
  execution.query = request.query_string;
  execution.work_group = group.name;
  execution.scanned_bytes_max = group.scanned_bytes_max;
  execution.database = "default";
  const auto& context = request.query_execution_context;
  if (context && context->database) execution.database = plain_name(*context->database);
  if (request.execution_parameters) execution.parameters = *request.execution_parameters;
  MEKONG_TRY_ASSIGN(execution.output_location, output_location(request, group));
  execution.state = "QUEUED";
  execution.submitted_ms = engines_.clock.wall_ms();
  return execution;
}

Result<model::StartQueryExecutionOutput> Service::start_query_execution(
    api::Context& ctx, const model::StartQueryExecutionInput& request) {
  MEKONG_TRY_ASSIGN(const auto group, this->group(ctx, request.work_group.value_or("primary")));
  MEKONG_TRY_ASSIGN(const auto execution, make_execution(ctx, request, group));
  const auto token = request.client_request_token.value_or("");
  const auto print = fingerprint(request, execution);
  const auto added = records_.add(execution, token, print);
  if (!added.ok() && added.error().code == "ConditionFailed") {
    MEKONG_TRY_ASSIGN(const auto known, records_.token(ctx.scope(), token));
    if (!known || known->request != print) return invalid("Idempotent parameters do not match");
    return model::StartQueryExecutionOutput{known->execution_id};
  }
  if (!added.ok()) return added.error();
  runner_.start(execution, ctx.principal);
  return model::StartQueryExecutionOutput{execution.id};
}

Result<model::GetQueryExecutionOutput> Service::get_query_execution(
    api::Context& ctx, const model::GetQueryExecutionInput& request) {
  MEKONG_TRY_ASSIGN(const auto found, execution(ctx, request.query_execution_id));
  return model::GetQueryExecutionOutput{shape(found)};
}

Result<model::BatchGetQueryExecutionOutput> Service::batch_get_query_execution(
    api::Context& ctx, const model::BatchGetQueryExecutionInput& request) {
  model::BatchGetQueryExecutionOutput out;
  auto& executions = out.query_executions.emplace();
  auto& missing = out.unprocessed_query_execution_ids.emplace();
  for (const auto& id : request.query_execution_ids) {
    const auto found = execution(ctx, id);
    if (found.ok()) {
      executions.push_back(shape(*found));
    } else if (found.error().code == "InvalidRequestException") {
      missing.push_back({id, "INVALID_INPUT", found.error().message});
    } else {
      return found.error();
    }
  }
  return out;
}

Result<model::GetQueryRuntimeStatisticsOutput> Service::get_query_runtime_statistics(
    api::Context& ctx, const model::GetQueryRuntimeStatisticsInput& request) {
  MEKONG_TRY_ASSIGN(const auto found, execution(ctx, request.query_execution_id));
  const auto whole = shape(found);
  model::QueryRuntimeStatistics out;
  auto& timeline = out.timeline.emplace();
  timeline.query_queue_time_in_millis = whole.statistics->query_queue_time_in_millis;
  timeline.query_planning_time_in_millis = found.planning_ms;
  timeline.engine_execution_time_in_millis = found.engine_ms;
  timeline.total_execution_time_in_millis = whole.statistics->total_execution_time_in_millis;
  auto& rows = out.rows.emplace();
  rows.input_bytes = found.scanned_bytes;
  rows.output_rows = found.output_rows;
  rows.output_bytes = found.output_bytes;
  return model::GetQueryRuntimeStatisticsOutput{std::move(out)};
}

Result<model::StopQueryExecutionOutput> Service::stop_query_execution(
    api::Context& ctx, const model::StopQueryExecutionInput& request) {
  MEKONG_TRY_ASSIGN(const auto found, execution(ctx, request.query_execution_id));
  runner_.cancel(found.id);
  return model::StopQueryExecutionOutput{};
}

Result<model::ListQueryExecutionsOutput> Service::list_query_executions(
    api::Context& ctx, const model::ListQueryExecutionsInput& request) {
  MEKONG_TRY_ASSIGN(const auto group, this->group(ctx, request.work_group.value_or("primary")));
  MEKONG_TRY_ASSIGN(const auto after, after_of(request.next_token));
  const auto limit = limit_of(request.max_results, 50);
  MEKONG_TRY_ASSIGN(auto page, records_.list(ctx.scope(), group.name, after, limit));
  model::ListQueryExecutionsOutput out;
  out.query_execution_ids = std::move(page.ids);
  out.next_token = token_of(page.next);
  return out;
}

}  // namespace mekong::athena
