// EMR Serverless: applications and job runs that run on this machine's real Spark.
// https://docs.aws.amazon.com/emr-serverless/latest/APIReference/Welcome.html; differences: docs/compat.
#pragma once
#include <string>

#include "base/logging.h"
#include "gen/emr_serverless/service.h"
#include "jobs/supervisor.h"
#include "meta/store.h"
#include "os/clock.h"
#include "os/random.h"
#include "services/emr_serverless/config.h"
#include "services/emr_serverless/records.h"
#include "services/emr_serverless/runner.h"
#include "timers/timers.h"

namespace mekong::emr_serverless {

namespace wire = gen::emr_serverless;

// Meta family: "emr-serverless". Thread safe. Everything given must outlive the service; the supervisor and
// the timers must be stopped before the service is destroyed, and the timers not be started before it is
// made.
class EmrServerless final : public wire::Service {
 public:
  EmrServerless(Config config, meta::Store& meta, timers::Timers& timers, jobs::Supervisor& supervisor,
                PutObject put, const os::Clock& clock, os::Random& random, Logger& logger);

  // After Supervisor::recover(): ends or resumes what an earlier run of the server left, then takes jobs.
  Status start();
  // No new attempts; what runs is the supervisor's to stop.
  void stop();
  // For the dashboard proxy: the loopback port of the Spark UI behind a token.
  std::optional<uint16_t> dashboard_port(std::string_view token) const {
    return runner_.dashboard_port(token);
  }

  std::vector<Owed> owed() const { return runner_.owed(); }

  Result<wire::CreateApplicationResponse> create_application(
      api::Context& ctx, const wire::CreateApplicationRequest& request) override;
  Result<wire::GetApplicationResponse> get_application(api::Context& ctx,
                                                       const wire::GetApplicationRequest& request) override;
  Result<wire::UpdateApplicationResponse> update_application(
      api::Context& ctx, const wire::UpdateApplicationRequest& request) override;
  Result<wire::ListApplicationsResponse> list_applications(
      api::Context& ctx, const wire::ListApplicationsRequest& request) override;
  Result<wire::StartApplicationResponse> start_application(
      api::Context& ctx, const wire::StartApplicationRequest& request) override;
  Result<wire::StopApplicationResponse> stop_application(
      api::Context& ctx, const wire::StopApplicationRequest& request) override;
  Result<wire::DeleteApplicationResponse> delete_application(
      api::Context& ctx, const wire::DeleteApplicationRequest& request) override;
  Result<wire::StartJobRunResponse> start_job_run(api::Context& ctx,
                                                  const wire::StartJobRunRequest& request) override;
  Result<wire::GetJobRunResponse> get_job_run(api::Context& ctx,
                                              const wire::GetJobRunRequest& request) override;
  Result<wire::ListJobRunAttemptsResponse> list_job_run_attempts(
      api::Context& ctx, const wire::ListJobRunAttemptsRequest& request) override;
  Result<wire::ListJobRunsResponse> list_job_runs(api::Context& ctx,
                                                  const wire::ListJobRunsRequest& request) override;
  Result<wire::CancelJobRunResponse> cancel_job_run(api::Context& ctx,
                                                    const wire::CancelJobRunRequest& request) override;
  Result<wire::GetDashboardForJobRunResponse> get_dashboard_for_job_run(
      api::Context& ctx, const wire::GetDashboardForJobRunRequest& request) override;
  Result<wire::TagResourceResponse> tag_resource(api::Context& ctx,
                                                 const wire::TagResourceRequest& request) override;
  Result<wire::UntagResourceResponse> untag_resource(api::Context& ctx,
                                                     const wire::UntagResourceRequest& request) override;
  Result<wire::ListTagsForResourceResponse> list_tags_for_resource(
      api::Context& ctx, const wire::ListTagsForResourceRequest& request) override;

 private:
  std::string new_id();
  // The application, ready to take a job: started now where autoStart says so.
  Result<Application> startable(const Scope& scope, const std::string& id);
  using ChangeTags = std::function<Status(std::map<std::string, std::string>&)>;
  Status change_tags(const Scope& scope, std::string_view arn, const ChangeTags& change);

  Config config_;
  Records records_;
  const os::Clock& clock_;
  os::Random& random_;
  Runner runner_;
};

}  // namespace mekong::emr_serverless
