#include <algorithm>

#include <fmt/format.h>

#include "services/emr_serverless/idle_stop.h"
#include "services/emr_serverless/pages.h"
#include "services/emr_serverless/service.h"
#include "services/emr_serverless/shapes.h"
#include "services/emr_serverless/spark_command.h"

namespace mekong::emr_serverless {

namespace {

constexpr int32_t grace_s_default = 15;

}  // namespace

EmrServerless::EmrServerless(Config config, meta::Store& meta, timers::Timers& timers,
                             jobs::Supervisor& supervisor, PutObject put, const os::Clock& clock,
                             os::Random& random, Logger& logger)
    : config_(std::move(config)),
      records_(meta, timers),
      clock_(clock),
      random_(random),
      runner_(config_, records_, supervisor, std::move(put), clock, random, logger) {
  timers.handle(timer_owner, [this](const timers::Timer& timer, timers::Change& change) {
    return stop_when_idle(records_, clock_, timer, change);
  });
}

Status EmrServerless::start() {
  return runner_.start();
}

void EmrServerless::stop() {
  runner_.stop();
}

std::string EmrServerless::new_id() {
  return "00" + random_.from_alphabet("0123456789abcdefghijklmnopqrstuvwxyz", 14);
}

Result<Application> EmrServerless::startable(const Scope& scope, const std::string& id) {
  return records_.update(scope, id, [&](Application& record) -> Status {
    if (record.state == "STARTED") {
      record.idle_since_ms = clock_.service_ms();  // its idle stop must not come before the run is there
      return ok();
    }
    if (record.state == "TERMINATED" || !record.auto_start) {
      return Error{"ConflictException",
                   fmt::format("Application {} is {} and does not start by itself.", id, record.state)};
    }
    mark_started(record, clock_);
    return ok();
  });
}

Result<wire::StartJobRunResponse> EmrServerless::start_job_run(api::Context& ctx,
                                                               const wire::StartJobRunRequest& request) {
  const auto& application_id = request.application_id;
  MEKONG_TRY_ASSIGN(const auto application, records_.application(ctx.scope(), application_id));
  MEKONG_TRY_ASSIGN(auto record, job_run_from(request, application));
  record.request_hash = request_hash(record);
  const auto operation = "StartJobRun/" + application_id;
  MEKONG_TRY_ASSIGN(const auto known, records_.token(ctx.scope(), operation, request.client_token));
  if (known) {
    MEKONG_TRY_ASSIGN(const auto made, records_.run({ctx.scope(), application_id, *known}));
    if (made.request_hash != record.request_hash) {
      return Error{"ConflictException", "The client token was used for another request."};
    }
    return wire::StartJobRunResponse{application_id, made.id, made.arn};
  }
  MEKONG_TRY(startable(ctx.scope(), application_id));
  record.account = ctx.account.value;
  record.region = ctx.region.value;
  record.application_id = application_id;
  record.id = new_id();
  record.arn = application.arn + "/jobruns/" + record.id;
  record.created_by = ctx.principal->arn;
  record.state = "SUBMITTED";
  record.created_ms = record.updated_ms = clock_.wall_ms();
  const auto added = records_.add(record, request.client_token);
  if (!added.ok() && added.error().code == "ConditionFailed") {
    return Error{"ConflictException", "Another request with this client token is in progress."};
  }
  if (!added.ok()) return added.error();
  runner_.submit(key_of(record));
  return wire::StartJobRunResponse{application_id, record.id, record.arn};
}

Result<wire::GetJobRunResponse> EmrServerless::get_job_run(api::Context& ctx,
                                                           const wire::GetJobRunRequest& request) {
  MEKONG_TRY_ASSIGN(const auto record,
                    records_.run({ctx.scope(), request.application_id, request.job_run_id}));
  if (!request.attempt || *request.attempt == record.attempt) {
    return wire::GetJobRunResponse{job_run_shape(record, clock_.wall_ms())};
  }
  for (const auto& then : attempts_of(record)) {
    if (then.attempt == *request.attempt)
      return wire::GetJobRunResponse{job_run_shape(then, clock_.wall_ms())};
  }
  return Error{"ResourceNotFoundException",
               fmt::format("JobRun {} has no attempt {}", record.id, *request.attempt)};
}

Result<wire::ListJobRunAttemptsResponse> EmrServerless::list_job_run_attempts(
    api::Context& ctx, const wire::ListJobRunAttemptsRequest& request) {
  MEKONG_TRY_ASSIGN(const auto record,
                    records_.run({ctx.scope(), request.application_id, request.job_run_id}));
  auto attempts = attempts_of(record);
  // Pages go by what is unique in them.
  for (auto& then : attempts) {
    then.id = std::to_string(then.attempt);
    then.created_ms = then.attempt_created_ms;
  }
  wire::ListJobRunAttemptsResponse out;
  MEKONG_TRY_ASSIGN(out.next_token, take_page(attempts, request.next_token, request.max_results));
  for (const auto& then : attempts) out.job_run_attempts.push_back(attempt_summary(record, then));
  return out;
}

Result<wire::ListJobRunsResponse> EmrServerless::list_job_runs(api::Context& ctx,
                                                               const wire::ListJobRunsRequest& request) {
  MEKONG_TRY(records_.application(ctx.scope(), request.application_id));
  MEKONG_TRY_ASSIGN(auto records, records_.runs(ctx.scope(), request.application_id));
  std::erase_if(records, [&](const JobRun& record) {
    const auto& states = request.states;
    if (states && !states->empty() &&
        std::find(states->begin(), states->end(), record.state) == states->end()) {
      return true;
    }
    if (request.mode && *request.mode != record.mode) return true;
    if (request.created_at_after && record.created_ms < request.created_at_after->ms) return true;
    return request.created_at_before && record.created_ms > request.created_at_before->ms;
  });
  wire::ListJobRunsResponse out;
  MEKONG_TRY_ASSIGN(out.next_token, take_page(records, request.next_token, request.max_results));
  for (const auto& record : records) out.job_runs.push_back(job_run_summary(record));
  return out;
}

Result<wire::CancelJobRunResponse> EmrServerless::cancel_job_run(api::Context& ctx,
                                                                 const wire::CancelJobRunRequest& request) {
  const auto grace_s = request.shutdown_grace_period_in_seconds.value_or(grace_s_default);
  MEKONG_TRY(runner_.cancel({ctx.scope(), request.application_id, request.job_run_id}, grace_s * 1000LL));
  return wire::CancelJobRunResponse{request.application_id, request.job_run_id};
}

Result<wire::GetDashboardForJobRunResponse> EmrServerless::get_dashboard_for_job_run(
    api::Context& ctx, const wire::GetDashboardForJobRunRequest& request) {
  const RunKey key{ctx.scope(), request.application_id, request.job_run_id};
  MEKONG_TRY_ASSIGN(const auto record, records_.run(key));
  if (is_terminal(record)) {
    return Error{"NotImplemented",
                 "GetDashboardForJobRun: the history server of ended runs is not implemented.", 501};
  }
  const auto token = runner_.dashboard_token(key);
  if (!token) {
    return Error{
        "ValidationException",
        fmt::format("The dashboard of job run {} is not available in state {}.", record.id, record.state)};
  }
  return wire::GetDashboardForJobRunResponse{config_.public_endpoint + std::string(dashboard_prefix) +
                                             *token + "/"};
}

}  // namespace mekong::emr_serverless
