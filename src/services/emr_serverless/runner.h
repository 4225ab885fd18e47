// Runs job runs: takes them in order of submission, gives each attempt to jobs as a spark-submit, keeps its
// state in the records true, uploads its logs while it runs, tries again where the retry policy says so.
//
// States: SUBMITTED (acknowledged) → PENDING (waits for room) → SCHEDULED (being prepared) → RUNNING →
// SUCCESS | FAILED; CANCELLING → CANCELLED from any of the first four. After a restart of the server, runs
// that had not begun begin; those that ran are ended by name, or tried again by their retry policy.
#pragma once
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/owed.h"
#include "jobs/restart_policy.h"
#include "jobs/supervisor.h"
#include "os/clock.h"
#include "os/random.h"
#include "services/emr_serverless/config.h"
#include "services/emr_serverless/driver_logs.h"
#include "services/emr_serverless/records.h"
#include "services/emr_serverless/sizes.h"

namespace mekong::emr_serverless {

// Where the Spark UI of a running job listens: on loopback, of the machine where `network` is null.
struct Dashboard {
  uint16_t port = 0;
  std::shared_ptr<os::PrivateNetwork> network;
};

// Thread safe. The supervisor must be stopped before the runner goes.
class Runner {
 public:
  Runner(const Config& config, Records& records, jobs::Supervisor& supervisor, PutObject put,
         const os::Clock& clock, os::Random& random, Logger& logger);
  ~Runner();  // stop()

  Status start();  // after Supervisor::recover()
  void stop();

  void submit(const RunKey& key);
  // Errors: "ResourceNotFoundException"; "ValidationException" when the run has ended.
  Status cancel(const RunKey& key, int64_t grace_ms);

  // Batch runs that have not ended, streaming runs that do not stream yet.
  std::vector<Owed> owed() const;

  // The token of the live dashboard of a run, once its driver serves one.
  std::optional<std::string> dashboard_token(const RunKey& key) const;
  // What is behind a token.
  std::optional<Dashboard> dashboard(std::string_view token) const;

 private:
  struct Active;
  using ActivePtr = std::shared_ptr<Active>;
  void loop();
  bool take_next();
  // Whether the runs of its application that run leave room for it under maximumCapacity; with mutex_ held.
  bool has_room(const RunKey& key) const;
  Result<Fit> fit_of(const JobRun& run, const Application& application) const;
  Status begin(const RunKey& key);
  Result<ActivePtr> prepare(const JobRun& run);
  Status launch(const ActivePtr& active, const JobRun& run);
  void on_output(Active& active, jobs::Stream stream, std::string_view bytes);
  void on_tick(Active& active);
  void on_end(Active& active, const jobs::Outcome& outcome);
  // How an attempt ended. `failure` empty: it succeeded, or was cancelled.
  struct Ending {
    RunKey key;
    std::string failure;
    bool cancelled = false;
  };
  static Ending ending_of(const Active& active, const jobs::Outcome& outcome);
  // Ends the attempt of a run: for good, or by another one. Waits where the disk is full, until it is not or
  // stop() is called.
  void end_attempt(const Ending& ending);
  // The same for who may not wait: what the disk has no room for is left to the loop.
  void end_without_wait(const Ending& ending);
  // False: the disk is full, and nothing was changed.
  bool try_end(const Ending& ending);
  bool end_next();
  void recover_run(const JobRun& run);
  ActivePtr find(const RunKey& key) const;

  Config config_;
  Records& records_;
  jobs::Supervisor& supervisor_;
  PutObject put_;
  const os::Clock& clock_;
  os::Random& random_;
  Logger& logger_;
  Budget budget_;

  mutable std::mutex mutex_;  // of all below
  std::condition_variable wake_;
  std::deque<RunKey> queue_;
  bool look_ = true;  // something came or ended since the queue was last looked through
  std::map<RunKey, ActivePtr> active_;
  size_t beginning_ = 0;           // not queued any more, and not active yet
  size_t ending_ = 0;              // not active any more, their ends under way to the records
  std::deque<Ending> unrecorded_;  // the same, for the loop to record when the disk has room
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace mekong::emr_serverless
