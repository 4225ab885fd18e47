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
  // For the dashboard proxy: the Spark UI behind a token.
  std::optional<Dashboard> dashboard(std::string_view token) const { return runner_.dashboard(token); }

  std::vector<Owed> owed() const { return runner_.owed(); }

#include "gen/emr_serverless/operations.inc"

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
