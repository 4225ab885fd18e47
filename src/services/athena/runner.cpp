#include "services/athena/runner.h"

#include <fmt/format.h>

#include "services/athena/result_files.h"

namespace mekong::athena {
namespace {

constexpr size_t result_bytes_max = 256ULL << 20;
constexpr int system_error = 1, user_error = 2;

bool is_ours(const Error& error) {
  return error.code == "WorkerLost" || error.code == "GENERIC_INTERNAL_ERROR" ||
         error.code == "StorageFailed";
}

}  // namespace

Runner::Runner(Engines engines, Records& records, int concurrent)
    : engines_(engines), records_(records), pool_("athena", concurrent) {}

Runner::~Runner() {
  std::vector<std::string> ids;
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    for (const auto& [id, run] : runs_) ids.push_back(id);
  }
  for (const auto& id : ids) cancel(id);
}

void Runner::start(Execution execution, PrincipalPtr principal) {
  auto state = std::make_shared<Run>();
  {
    std::lock_guard lock(mutex_);
    runs_[execution.id] = state;
    state->cancelled = stopping_;
  }
  pool_.post([this, execution = std::move(execution), principal = std::move(principal), state] {
    run(execution, principal, *state);
    std::lock_guard lock(mutex_);
    runs_.erase(execution.id);
    if (runs_.empty()) idle_.notify_all();
  });
}

void Runner::settle() {
  std::unique_lock lock(mutex_);
  idle_.wait(lock, [this] { return runs_.empty(); });
}

std::vector<Owed> Runner::owed() {
  const std::lock_guard lock(mutex_);
  if (runs_.empty()) return {};
  return {{"athena", "queries queued or running", static_cast<int64_t>(runs_.size())}};
}

void Runner::cancel(const std::string& id) {
  std::shared_ptr<Run> state;
  {
    std::lock_guard lock(mutex_);
    const auto found = runs_.find(id);
    if (found == runs_.end()) return;
    state = found->second;
  }
  std::lock_guard lock(state->mutex);
  state->cancelled = true;
  if (state->worker) state->worker->kill();
}

void Runner::run(Execution execution, const PrincipalPtr& principal, Run& state) {
  const Status outcome = execute(execution, principal, state);
  bool cancelled = false;
  {
    std::lock_guard lock(state.mutex);
    cancelled = state.cancelled;
    state.worker = nullptr;
  }
  execution.completed_ms = engines_.clock.wall_ms();
  execution.engine_ms = std::max<int64_t>(0, execution.completed_ms - execution.started_ms);
  execution.state = outcome.ok() ? "SUCCEEDED" : cancelled ? "CANCELLED" : "FAILED";
  if (cancelled && !outcome.ok()) execution.reason = "Query cancelled by user";
  if (!cancelled && !outcome.ok()) {
    execution.reason = outcome.error().code + ": " + outcome.error().message;
    execution.error_category = is_ours(outcome.error()) ? system_error : user_error;
  }
  if (const auto stored = records_.put(execution); !stored.ok()) {
    engines_.logger.error("athena", "outcome not stored",
                          {{"query", execution.id}, {"error", stored.error().message}});
  }
}

Status Runner::execute(Execution& execution, const PrincipalPtr& principal, Run& state) {
  execution.started_ms = engines_.clock.wall_ms();
  execution.state = "RUNNING";
  MEKONG_TRY_ASSIGN(const auto worker, engines_.workers.take());
  {
    std::lock_guard lock(state.mutex);
    if (state.cancelled) return Error{"Cancelled", "cancelled before it began"};
    state.worker = worker;
  }
  MEKONG_TRY(records_.put(execution));
  Work work{execution, {engines_.objects, engines_.authoriser, principal}, principal, *worker};
  MEKONG_TRY_ASSIGN(const auto statement, worker->parse(execution.query, execution.database));
  execution.statement_type = statement.is_query ? "DML" : "DDL";
  return statement.is_query ? query(work, statement) : ddl(work, statement);
}

Status Runner::query(Work& work, const sql::Statement& statement) {
  sql::Query query{statement.sql, {}, nullptr};
  std::vector<sql::InputFile> files;
  for (const auto& name : statement.tables) {
    MEKONG_TRY_ASSIGN(auto table, load_table(work, name, files));
    query.tables.push_back(std::move(table));
  }
  query.files = &files;
  work.execution.planning_ms = engines_.clock.wall_ms() - work.execution.started_ms;
  std::string csv;
  sql::ResultSink sink;
  sink.columns = [&](const std::vector<sql::ResultColumn>& columns) -> Status {
    work.execution.columns = columns;
    sql::ResultRow header;
    for (const auto& column : columns) header.push_back(column.name);
    append_csv(csv, header);
    return ok();
  };
  sink.row = [&](const sql::ResultRow& row) -> Status {
    append_csv(csv, row);
    if (csv.size() <= result_bytes_max) return ok();
    return Error{"NotImplemented", "a result above 256 MiB is not implemented"};
  };
  MEKONG_TRY(work.worker.run(query, sink));
  return write_result(work, ".csv", csv);
}

Status Runner::write_result(Work& work, std::string_view extension, std::string_view content) {
  auto& location = work.execution.output_location;
  if (!location.ends_with('/')) location += '/';
  location += work.execution.id;
  location += extension;
  MEKONG_TRY_ASSIGN(const auto place, objects::parse_location(location));
  objects::PutOptions options;
  options.headers["Content-Type"] = extension == ".csv" ? "text/csv" : "text/plain";
  // The result last: whoever sees it finds its description, too.
  MEKONG_TRY(work.access.put(place.bucket, place.key + ".metadata", metadata_file(work.execution.columns)));
  return work.access.put(place.bucket, place.key, content, std::move(options));
}

Status Runner::may(const Work& work, std::string_view action, const sql::TableName& name) const {
  const auto& execution = work.execution;
  const auto base = fmt::format("arn:aws:glue:{}:{}:", execution.region, execution.account);
  std::vector<std::string> resources = {base + "catalog"};
  if (!name.database.empty()) resources.push_back(base + "database/" + name.database);
  if (!name.table.empty()) resources.push_back(base + "table/" + name.database + "/" + name.table);
  for (const auto& resource : resources) {
    const auto decision =
        engines_.authoriser.decide({.principal = *work.principal, .action = action, .resource = resource});
    if (decision.allowed) continue;
    return Error{"AccessDeniedException",
                 fmt::format("User: {} is not authorized to perform: {} on resource: {} {}",
                             work.principal->arn, action, resource, decision.reason)};
  }
  return ok();
}

}  // namespace mekong::athena
