// Between wire shapes and records. Pure functions. What a request sets and this platform does not do is
// refused here by name ("NotImplemented"), never kept and ignored.
#pragma once
#include "api/context.h"
#include "gen/emr_serverless/types.h"
#include "services/emr_serverless/records.h"

namespace mekong::emr_serverless {

namespace wire = gen::emr_serverless;

// Without id, arn, times and state.
Result<Application> application_from(const wire::CreateApplicationRequest& request);
// Replaces what the request names.
Status change_application(const wire::UpdateApplicationRequest& request, Application& record);
wire::Application application_shape(const Application& record);
wire::ApplicationSummary application_summary(const Application& record);

Result<JobRun> job_run_from(const wire::StartJobRunRequest& request, const Application& application);
wire::JobRun job_run_shape(const JobRun& record, int64_t now_ms);
wire::JobRunSummary job_run_summary(const JobRun& record);
// `then`: one of attempts_of(record).
wire::JobRunAttemptSummary attempt_summary(const JobRun& record, const JobRun& then);

// What a client token stands for: two requests with one token must be the same.
std::string request_hash(const Application& record);
std::string request_hash(const JobRun& record);

}  // namespace mekong::emr_serverless
