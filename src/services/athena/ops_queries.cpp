#include <fmt/format.h>

#include "codec/text.h"
#include "services/athena/result_files.h"
#include "services/athena/service.h"

namespace mekong::athena {
namespace {

constexpr size_t page_rows_max = 1000;

Error invalid(std::string message, const char* code = "INVALID_INPUT") {
  return {"InvalidRequestException", std::move(message), 0, {{"AthenaErrorCode", code}}};
}

Status refuse_unbuilt(const model::StartQueryExecutionInput& request) {
  const auto unbuilt = [](std::string_view name) {
    return Error{"NotImplemented", fmt::format("StartQueryExecution: parameter {} is not implemented", name)};
  };
  if (request.execution_parameters) return unbuilt("ExecutionParameters");
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

// What one token must stand for always.
std::string fingerprint(const model::StartQueryExecutionInput& request, const Execution& execution) {
  return fmt::format("{}\n{}\n{}\n{}", execution.work_group, execution.database, execution.output_location,
                     request.query_string);
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
  if (execution.planning_ms > 0) statistics.query_planning_time_in_millis = execution.planning_ms;
  if (execution.started_ms > 0) {
    statistics.query_queue_time_in_millis = execution.started_ms - execution.submitted_ms;
  }
  if (execution.completed_ms > 0) {
    statistics.total_execution_time_in_millis = execution.completed_ms - execution.submitted_ms;
  }
  return out;
}

model::ColumnInfo column_info(const sql::ResultColumn& column) {
  model::ColumnInfo out;
  out.catalog_name = "hive";
  out.schema_name = "";
  out.table_name = "";
  out.name = column.name;
  out.label = column.name;
  out.type = column.type;
  out.precision = column.precision;
  out.scale = column.scale;
  out.nullable = "UNKNOWN";
  out.case_sensitive = column.type == "varchar";
  return out;
}

Result<size_t> row_of(const std::optional<std::string>& token) {
  if (!token) return size_t{0};
  if (token->empty() || token->size() > 9 || token->find_first_not_of("0123456789") != std::string::npos) {
    return invalid("NextToken is not one that was handed out.");
  }
  return static_cast<size_t>(std::stoul(*token));
}

}  // namespace

Result<Execution> Service::execution(api::Context& ctx, const std::string& id) const {
  MEKONG_TRY_ASSIGN(auto found, records_.execution(ctx.scope(), id));
  const std::string group = found ? found->work_group : "primary";
  MEKONG_TRY(ctx.authorise(
      fmt::format("arn:aws:athena:{}:{}:workgroup/{}", ctx.region.value, ctx.account.value, group)));
  if (!found) return invalid(fmt::format("QueryExecution {} was not found", id));
  return std::move(*found);
}

Result<model::StartQueryExecutionOutput> Service::start_query_execution(
    api::Context& ctx, const model::StartQueryExecutionInput& request) {
  MEKONG_TRY(refuse_unbuilt(request));
  MEKONG_TRY_ASSIGN(const auto group, this->group(ctx, request.work_group.value_or("primary")));
  Execution execution;
  execution.account = ctx.account.value;
  execution.region = ctx.region.value;
  execution.id = random_.uuid();
  execution.query = request.query_string;
  execution.work_group = group.name;
  if (request.query_execution_context) {
    execution.database = catalog::fold_name(request.query_execution_context->database.value_or("default"));
  } else {
    execution.database = "default";
  }
  MEKONG_TRY_ASSIGN(execution.output_location, output_location(request, group));
  execution.state = "QUEUED";
  execution.submitted_ms = engines_.clock.wall_ms();
  const auto token = request.client_request_token.value_or("");
  const auto print = fingerprint(request, execution);
  const auto added = records_.add(execution, token, print);
  if (!added.ok() && added.error().code == "ConditionFailed") {
    MEKONG_TRY_ASSIGN(const auto known, records_.token(ctx.scope(), token));
    if (!known || known->request != print) {
      return invalid("Idempotent parameters do not match", "INVALID_INPUT");
    }
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

Result<model::GetQueryResultsOutput> Service::get_query_results(api::Context& ctx,
                                                                const model::GetQueryResultsInput& request) {
  MEKONG_TRY_ASSIGN(const auto found, execution(ctx, request.query_execution_id));
  if (request.query_result_type.value_or("DATA_ROWS") != "DATA_ROWS") {
    return Error{"NotImplemented",
                 "GetQueryResults: QueryResultType other than DATA_ROWS is not implemented"};
  }
  if (found.state != "SUCCEEDED") {
    return invalid(found.ended() ? "Query did not finish successfully. Final query state: " + found.state
                                 : "Query has not yet finished. Current state: " + found.state,
                   "INVALID_QUERY_EXECUTION_STATE");
  }
  MEKONG_TRY_ASSIGN(const size_t first, row_of(request.next_token));
  MEKONG_TRY_ASSIGN(const auto place, objects::parse_location(found.output_location));
  const objects::ObjectAccess access(engines_.objects, engines_.authoriser, ctx.principal);
  MEKONG_TRY_ASSIGN(const auto text, access.get(place.bucket, place.key));
  const auto rows = found.statement_type == "DML" ? parse_csv(text) : parse_tabs(text);
  const size_t size =
      std::min(static_cast<size_t>(request.max_results.value_or(page_rows_max)), page_rows_max);
  const size_t end = std::min(rows.size(), first + std::max<size_t>(size, 1));
  model::GetQueryResultsOutput out;
  out.update_count = 0;
  auto& result = out.result_set.emplace();
  auto& page = result.rows.emplace();
  for (size_t i = first; i < end; ++i) {
    auto& data = page.emplace_back().data.emplace();
    for (const auto& value : rows[i]) data.push_back({value});
  }
  auto& columns = result.result_set_metadata.emplace().column_info.emplace();
  for (const auto& column : found.columns) columns.push_back(column_info(column));
  if (end < rows.size()) out.next_token = std::to_string(end);
  return out;
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
  std::string after;
  if (request.next_token) {
    const auto decoded = codec::base64_decode(*request.next_token);
    if (!decoded) return invalid("NextToken is not one that was handed out.");
    after = *decoded;
  }
  const auto limit = static_cast<size_t>(std::clamp(request.max_results.value_or(50), 1, 50));
  MEKONG_TRY_ASSIGN(auto page, records_.list(ctx.scope(), group.name, after, limit));
  model::ListQueryExecutionsOutput out;
  out.query_execution_ids = std::move(page.ids);
  if (!page.next.empty()) out.next_token = codec::base64_encode(page.next);
  return out;
}

}  // namespace mekong::athena
