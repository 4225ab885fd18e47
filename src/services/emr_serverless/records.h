// What emr-serverless keeps in meta, and reads and writes of it. Family "emr-serverless":
//   app/<account>/<region>/<application>          Application
//   run/<account>/<region>/<application>/<run>    JobRun
//   token/<account>/<region>/<operation>/<token>  the id that the client token made
// Each write of an application sets or takes away the timer that stops it when it has been idle for its
// timeout (idle_stop.h), in the same batch. Read-modify-write goes through update, one at a time; a timer's
// change that came between is seen and the change made anew. Pool threads: commits are awaited.
#pragma once
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "meta/store.h"
#include "os/clock.h"
#include "timers/timers.h"

namespace mekong::emr_serverless {

struct Application {
  std::string account, region, id, arn;
  std::string name, release_label, type, architecture;
  std::string state, state_details;
  int64_t created_ms = 0, updated_ms = 0;
  // Service clock: when it started, a job was last submitted or ended, whichever was latest.
  int64_t idle_since_ms = 0;
  std::map<std::string, std::string> tags;
  bool auto_start = true, auto_stop = true;
  int32_t idle_timeout_minutes = 15;
  std::string maximum_cpu, maximum_memory, maximum_disk;
  std::vector<std::string> subnet_ids, security_group_ids;
  std::map<std::string, std::string> spark_defaults;
  std::string log_uri;
  bool managed_logs = true;
  std::string request_hash;  // of the request that made it, for its client token

  template <class F>
  void each_field(F&& f) {
    f("Account", account), f("Region", region), f("Id", id), f("Arn", arn), f("Name", name);
    f("ReleaseLabel", release_label), f("Type", type), f("Architecture", architecture), f("State", state);
    f("StateDetails", state_details), f("CreatedMs", created_ms), f("UpdatedMs", updated_ms);
    f("IdleSinceMs", idle_since_ms), f("Tags", tags), f("AutoStart", auto_start), f("AutoStop", auto_stop);
    f("IdleTimeoutMinutes", idle_timeout_minutes), f("MaximumCpu", maximum_cpu);
    f("MaximumMemory", maximum_memory), f("MaximumDisk", maximum_disk), f("SubnetIds", subnet_ids),
        f("SecurityGroupIds", security_group_ids);
    f("SparkDefaults", spark_defaults), f("LogUri", log_uri), f("ManagedLogs", managed_logs);
    f("RequestHash", request_hash);
  }
};

void mark_started(Application& application, const os::Clock& clock);

// An attempt that failed and was followed by another one.
struct PastAttempt {
  int32_t number = 0;
  int64_t created_ms = 0, ended_ms = 0;
  std::string state_details;
  template <class F>
  void each_field(F&& f) {
    f("Number", number), f("CreatedMs", created_ms), f("EndedMs", ended_ms), f("StateDetails", state_details);
  }
};
inline constexpr size_t past_attempts_max = 100;  // the oldest go first

struct JobRun {
  std::string account, region, application_id, id, arn;
  std::string name, created_by, role_arn, release_label, mode;
  std::string state, state_details;
  std::string entry_point, submit_parameters;
  std::vector<std::string> arguments;
  std::map<std::string, std::string> spark_defaults;
  std::string log_uri;
  bool managed_logs = true;
  std::map<std::string, std::string> tags;
  int64_t timeout_minutes = 0;        // 0: none
  int32_t attempts_max = 1;           // BATCH
  int32_t failures_per_hour_max = 0;  // STREAMING
  int32_t attempt = 0;
  std::vector<int64_t> failures_ms;  // of the last hour
  std::vector<PastAttempt> past_attempts;
  int64_t created_ms = 0, updated_ms = 0, attempt_created_ms = 0, started_ms = 0, ended_ms = 0;
  std::string job_id;  // of its last attempt in jobs
  int32_t cores = 0;   // given to the attempt
  int64_t heap_bytes = 0;
  std::string request_hash;

  template <class F>
  void each_field(F&& f) {
    f("Account", account), f("Region", region), f("ApplicationId", application_id), f("Id", id),
        f("Arn", arn);
    f("Name", name), f("CreatedBy", created_by), f("RoleArn", role_arn), f("ReleaseLabel", release_label);
    f("Mode", mode), f("State", state), f("StateDetails", state_details), f("EntryPoint", entry_point);
    f("SubmitParameters", submit_parameters), f("Arguments", arguments), f("SparkDefaults", spark_defaults);
    f("LogUri", log_uri), f("ManagedLogs", managed_logs), f("Tags", tags),
        f("TimeoutMinutes", timeout_minutes);
    f("AttemptsMax", attempts_max), f("FailuresPerHourMax", failures_per_hour_max), f("Attempt", attempt);
    f("FailuresMs", failures_ms), f("PastAttempts", past_attempts), f("CreatedMs", created_ms),
        f("UpdatedMs", updated_ms);
    f("AttemptCreatedMs", attempt_created_ms), f("StartedMs", started_ms), f("EndedMs", ended_ms);
    f("JobId", job_id), f("Cores", cores), f("HeapBytes", heap_bytes), f("RequestHash", request_hash);
  }
};

// States of a run that does not end any more: SUCCESS, FAILED, CANCELLED.
bool is_terminal(const JobRun& run);

// The run as each of its attempts left it, and as it is; none before the first attempt.
std::vector<JobRun> attempts_of(const JobRun& run);

struct RunKey {
  Scope scope;
  std::string application_id, id;
  auto operator<=>(const RunKey&) const = default;
};
RunKey key_of(const JobRun& run);

class Records {
 public:
  Records(meta::Store& meta, timers::Timers& timers) : meta_(meta), timers_(timers) {}

  // Errors: "ResourceNotFoundException".
  Result<Application> application(const Scope& scope, std::string_view id) const;
  Result<JobRun> run(const RunKey& key) const;
  Result<std::vector<Application>> applications(const Scope& scope) const;
  Result<std::vector<JobRun>> runs(const Scope& scope, std::string_view application_id) const;
  Result<std::vector<JobRun>> all_runs() const;

  // The id that `token` made for `operation`, if any.
  Result<std::optional<std::string>> token(const Scope& scope, std::string_view operation,
                                           std::string_view token) const;
  // Writes a new record with its client token. Fails with "ConditionFailed" when the token exists by now.
  Status add(const Application& application, std::string_view token);
  Status add(const JobRun& run, std::string_view token);

  // change() may refuse with an error; then nothing is written. Returns the record as written.
  using ChangeApplication = std::function<Status(Application&)>;
  using ChangeRun = std::function<Status(JobRun&)>;
  Result<Application> update(const Scope& scope, std::string_view id, const ChangeApplication& change);
  Result<JobRun> update(const RunKey& key, const ChangeRun& change);
  // The same of a run whose attempt has ended, and in one batch its application's idle time begins anew
  // (where that is there still). change() may be called more than once.
  Result<JobRun> end_attempt(const RunKey& key, const ChangeRun& change, const os::Clock& clock);
  // The same as part of another change, which holds only where the record was not written meanwhile.
  Result<Application> update_in(timers::Change& batch, const Scope& scope, std::string_view id,
                                const ChangeApplication& change) const;

 private:
  meta::Store& meta_;
  timers::Timers& timers_;
  std::mutex mutex_;  // of read-modify-write
};

}  // namespace mekong::emr_serverless
