#include "services/emr_serverless/runner.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <climits>

#include <fmt/format.h>

#include "codec/hash.h"
#include "services/emr_serverless/spark_command.h"

namespace mekong::emr_serverless {

namespace {

constexpr size_t tail_bytes = 64 << 10;
constexpr int64_t upload_every_ns = 15'000'000'000;
constexpr int64_t stop_grace_ms = 15'000;
constexpr auto full_disk_wait = std::chrono::seconds(1);
constexpr int ui_port_first = 20'000;
constexpr int ui_port_count = 20'000;

Budget machine_budget(const Config& config) {
  Budget budget{.cores = config.cores, .heap_bytes = config.heap_bytes};
  if (budget.cores == 0) budget.cores = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  if (budget.heap_bytes == 0) {
    const auto memory_bytes =
        static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
    budget.heap_bytes = memory_bytes / 3 * 2 / std::max<size_t>(config.jobs_running_max, 1);
  }
  return budget;
}

Budget with_maximum(Budget budget, const Application& application) {
  if (const auto cores = parse_vcpus(application.maximum_cpu)) budget.cores = std::min(budget.cores, *cores);
  if (const auto bytes = parse_gigabytes(application.maximum_memory)) {
    budget.heap_bytes = std::min(budget.heap_bytes, *bytes);
  }
  if (const auto bytes = parse_gigabytes(application.maximum_disk)) budget.disk_bytes = *bytes;
  return budget;
}

jobs::RestartPolicy restart_policy(const JobRun& run) {
  return {run.mode == "STREAMING" ? 0 : run.attempts_max, run.failures_per_hour_max};
}

}  // namespace

struct Runner::Active {
  RunKey key;
  JobRun run;  // as of the attempt's start
  jobs::Place place;
  Fit fit;
  std::string dashboard_token;
  DriverLogs logs;
  int64_t started_ns = 0;
  int64_t uploaded_ns = 0;
  bool timed_out = false;
  std::string stdout_tail, stderr_tail;
  PrincipalPtr principal;
  std::atomic<uint16_t> ui_port = 0;
};

Runner::Runner(const Config& config, Records& records, jobs::Supervisor& supervisor, PutObject put,
               const os::Clock& clock, os::Random& random, Logger& logger)
    : config_(config),
      records_(records),
      supervisor_(supervisor),
      put_(std::move(put)),
      clock_(clock),
      random_(random),
      logger_(logger),
      budget_(machine_budget(config)) {}

Runner::~Runner() {
  stop();
}

Status Runner::start() {
  MEKONG_TRY_ASSIGN(auto runs, records_.all_runs());
  std::sort(runs.begin(), runs.end(),
            [](const auto& a, const auto& b) { return a.created_ms < b.created_ms; });
  for (const auto& run : runs) {
    if (!is_terminal(run)) recover_run(run);
  }
  thread_ = std::thread([this] { loop(); });
  return ok();
}

void Runner::recover_run(const JobRun& run) {
  const auto key = key_of(run);
  if (run.state == "CANCELLING") {
    end_without_wait({key, "", true});
  } else if (run.state == "RUNNING") {
    end_without_wait({key, "The server was stopped while the job ran.", false});
  } else {
    submit(key);
  }
}

void Runner::stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Runner::submit(const RunKey& key) {
  {
    std::lock_guard lock(mutex_);
    queue_.push_back(key);
    look_ = true;
  }
  wake_.notify_all();
}

void Runner::loop() {
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stopping_ || look_; });
      if (stopping_) return;
      look_ = false;
    }
    while (end_next()) {
    }
    while (take_next()) {
    }
  }
}

bool Runner::end_next() {
  std::optional<Ending> ending;
  {
    std::lock_guard lock(mutex_);
    if (stopping_ || unrecorded_.empty()) return false;
    ending = unrecorded_.front();
  }
  end_attempt(*ending);
  std::lock_guard lock(mutex_);
  unrecorded_.pop_front();
  return true;
}

bool Runner::take_next() {
  RunKey key;
  {
    std::lock_guard lock(mutex_);
    if (stopping_ || active_.size() >= config_.jobs_running_max) return false;
    const auto next =
        std::find_if(queue_.begin(), queue_.end(), [this](const auto& run) { return has_room(run); });
    if (next == queue_.end()) return false;
    key = *next;
    queue_.erase(next);
    ++beginning_;
  }
  const auto status = begin(key);
  if (!status.ok())
    end_attempt({key, fmt::format("{}: {}", status.error().code, status.error().message), false});
  std::lock_guard lock(mutex_);
  --beginning_;
  return true;
}

bool Runner::has_room(const RunKey& key) const {
  int cores = 0;
  uint64_t heap_bytes = 0, disk_bytes = 0;
  for (const auto& [other, active] : active_) {
    if (other.scope != key.scope || other.application_id != key.application_id) continue;
    cores += active->fit.cores;
    heap_bytes += active->fit.heap_bytes;
    disk_bytes += active->fit.disk_bytes;
  }
  if (cores == 0) return true;  // alone it always fits
  const auto application = records_.application(key.scope, key.application_id);
  const auto run = records_.run(key);
  if (!application.ok() || !run.ok()) return true;  // begin() finds out and says so
  const auto fit = fit_of(*run, *application);
  if (!fit.ok()) return true;
  const auto most = with_maximum({.cores = INT_MAX, .heap_bytes = UINT64_MAX}, *application);
  return cores + fit->cores <= most.cores && heap_bytes + fit->heap_bytes <= most.heap_bytes &&
         disk_bytes + fit->disk_bytes <= most.disk_bytes;
}

Result<Fit> Runner::fit_of(const JobRun& run, const Application& application) const {
  MEKONG_TRY_ASSIGN(const auto parameters, effective_parameters(run.spark_defaults, run.submit_parameters));
  MEKONG_TRY_ASSIGN(const auto sizes, requested_sizes(parameters));
  return fit_sizes(sizes, with_maximum(budget_, application));
}

// --- an attempt begins -----------------------------------------------------------------------------------

Status Runner::begin(const RunKey& key) {
  const auto scheduled = records_.update(key, [&](JobRun& run) -> Status {
    if (is_terminal(run) || run.state == "CANCELLING") return Error{"Cancelled", ""};
    run.state = "SCHEDULED";
    run.state_details = "";
    run.updated_ms = run.attempt_created_ms = clock_.wall_ms();
    run.attempt += 1;
    return ok();
  });
  if (!scheduled.ok() && scheduled.error().code == "Cancelled") {
    end_attempt({key, "", true});
    return ok();
  }
  if (!scheduled.ok()) return scheduled.error();
  MEKONG_TRY_ASSIGN(const auto active, prepare(*scheduled));
  return launch(active, *scheduled);
}

Result<Runner::ActivePtr> Runner::prepare(const JobRun& run) {
  if (config_.spark.spark_home.empty()) {
    return Error{"SparkNotInstalled", "This server found no Spark when it started; ./dev setup installs it."};
  }
  MEKONG_TRY_ASSIGN(const auto application,
                    records_.application({AccountId(run.account), Region(run.region)}, run.application_id));
  MEKONG_TRY_ASSIGN(auto fit, fit_of(run, application));
  MEKONG_TRY_ASSIGN(auto place, supervisor_.allocate());
  return ActivePtr(new Active{.key = key_of(run),
                              .run = run,
                              .place = std::move(place),
                              .fit = std::move(fit),
                              .dashboard_token = random_.hex(32),
                              .logs = DriverLogs(supervisor_, put_, logger_),
                              .started_ns = clock_.monotonic_ns()});
}

Status Runner::launch(const ActivePtr& active, const JobRun& run) {
  MEKONG_TRY_ASSIGN(const auto parameters, effective_parameters(run.spark_defaults, run.submit_parameters));
  const Attempt attempt{
      .run = run,
      .parameters = parameters,
      .fit = active->fit,
      .place = active->place,
      .dashboard_token = active->dashboard_token,
      .ui_port = static_cast<uint16_t>(ui_port_first + static_cast<int>(random_.next_u64() % ui_port_count))};
  {
    std::lock_guard lock(mutex_);
    active_[active->key] = active;
  }
  // RUNNING is written first: the job may end before start() returns.
  auto marked = records_.update(active->key, [&](JobRun& record) {
    if (record.state != "CANCELLING") record.state = "RUNNING";
    record.state_details = active->fit.note;
    record.updated_ms = clock_.wall_ms();
    if (record.started_ms == 0) record.started_ms = record.updated_ms;
    record.job_id = active->place.id.value;
    record.cores = active->fit.cores;
    record.heap_bytes = static_cast<int64_t>(active->fit.heap_bytes);
    return ok();
  });
  Status status = marked.ok() ? ok() : Status(marked.error());
  if (status.ok()) {
    status = supervisor_.start(
        active->place, spark_submit_spec(config_, attempt),
        {.output = [this, active](jobs::Stream stream,
                                  std::string_view bytes) { on_output(*active, stream, bytes); },
         .tick = [this, active] { on_tick(*active); },
         .ended = [this, active](const jobs::Outcome& outcome) { on_end(*active, outcome); }});
  }
  if (status.ok()) {
    // A cancellation that came before the job was known to jobs.
    const auto now = records_.run(active->key);
    if (now.ok() && now->state == "CANCELLING") {
      const auto cancelled = supervisor_.cancel(active->place.id, stop_grace_ms);
      if (!cancelled.ok()) logger_.info("emr-serverless", "a run ended while cancelled", {{"run", run.id}});
    }
  }
  if (!status.ok()) {
    std::lock_guard lock(mutex_);
    active_.erase(active->key);
    look_ = true;
  }
  return status;
}

// --- while it runs ---------------------------------------------------------------------------------------

void Runner::on_output(Active& active, jobs::Stream stream, std::string_view bytes) {
  // A Python program's traceback comes on stdout: spark-submit joins its two streams there.
  auto& tail = stream == jobs::Stream::err ? active.stderr_tail : active.stdout_tail;
  tail += bytes;
  if (stream == jobs::Stream::err && active.ui_port == 0) {
    if (const auto port = find_ui_port(tail)) active.ui_port = *port;
  }
  if (tail.size() > tail_bytes) tail.erase(0, tail.size() - tail_bytes);
}

void Runner::on_tick(Active& active) {
  const auto now_ns = clock_.monotonic_ns();
  const auto timeout_ns = active.run.timeout_minutes * 60'000'000'000;
  if (timeout_ns > 0 && !active.timed_out && now_ns - active.started_ns > timeout_ns) {
    active.timed_out = true;
    const auto status = supervisor_.cancel(active.place.id, stop_grace_ms);
    if (!status.ok()) logger_.warn("emr-serverless", "a run ended at its time-out", {{"run", active.key.id}});
  }
  const bool known = active.principal != nullptr;
  // At every tick: what is there at the job's end must not have expired.
  const auto principal = supervisor_.principal(active.place.id);
  if (principal.ok()) active.principal = *principal;
  if (known && now_ns - active.uploaded_ns < upload_every_ns) return;
  active.uploaded_ns = now_ns;
  active.logs.upload(active.run, active.place.id, active.principal);
}

void Runner::on_end(Active& active, const jobs::Outcome& outcome) {
  active.logs.upload(active.run, active.place.id, active.principal);
  if (!active.run.managed_logs) {
    const auto forgotten = supervisor_.forget_output(active.place.id);
    if (!forgotten.ok())
      logger_.warn("emr-serverless", "cannot remove a job's output", {{"run", active.key.id}});
  }
  {
    std::lock_guard lock(mutex_);
    active_.erase(active.key);
    ++ending_;
    look_ = true;
  }
  wake_.notify_all();
  // (Where the server stops, recover_run() decides.)
  if (outcome.kind != jobs::Outcome::Kind::server_stopped) end_attempt(ending_of(active, outcome));
  std::lock_guard lock(mutex_);
  --ending_;
}

Runner::Ending Runner::ending_of(const Active& active, const jobs::Outcome& outcome) {
  if (active.timed_out) {
    return {active.key,
            fmt::format("Job run exceeded its timeout of {} minutes.", active.run.timeout_minutes), true};
  }
  if (outcome.kind == jobs::Outcome::Kind::cancelled) return {active.key, "", true};
  std::string failure;
  if (outcome.kind == jobs::Outcome::Kind::over_disk) {
    failure = fmt::format(
        "Job used more disk than its workers have together, {} GB; see spark.emr-serverless.driver.disk and "
        "spark.emr-serverless.executor.disk.",
        active.fit.disk_bytes >> 30);
  } else if (outcome.kind == jobs::Outcome::Kind::over_memory) {
    failure = fmt::format(
        "Job was ended for want of memory: all its processes together may have {} MB; see "
        "spark.driver.memory and "
        "spark.executor.memory. ExitCode: {}.",
        memory_bytes_max(active.fit) >> 20, outcome.code);
  } else if (outcome.code != 0) {
    auto reason = last_exception(active.stdout_tail);
    if (reason.empty()) reason = last_exception(active.stderr_tail);
    failure = fmt::format(
        "Job failed, please check complete logs in configured logging destination. ExitCode: {}. Last few "
        "exceptions: {}",
        outcome.code, reason);
  }
  return {active.key, failure, false};
}

void Runner::end_attempt(const Ending& ending) {
  for (bool told = false; !try_end(ending);) {
    if (!std::exchange(told, true))
      logger_.warn("emr-serverless", "the end of a run waits for room on the disk", {{"run", ending.key.id}});
    std::unique_lock lock(mutex_);
    if (wake_.wait_for(lock, full_disk_wait, [this] { return stopping_; })) return;
  }
}

void Runner::end_without_wait(const Ending& ending) {
  if (try_end(ending)) return;
  {
    std::lock_guard lock(mutex_);
    unrecorded_.push_back(ending);
    look_ = true;
  }
  wake_.notify_all();
}

bool Runner::try_end(const Ending& ending) {
  const auto& [key, failure, cancel] = ending;
  bool again = false, cancelled = cancel;
  const auto end = [&](JobRun& run) {
    const auto now = clock_.wall_ms();
    run.updated_ms = now;
    cancelled = cancelled || (run.state == "CANCELLING" && !failure.empty());
    again = !cancelled && !failure.empty() &&
            jobs::tries_again(restart_policy(run), run.attempt, run.failures_ms, now);
    if (again) {
      run.past_attempts.push_back({run.attempt, run.attempt_created_ms, now, failure});
      if (run.past_attempts.size() > past_attempts_max) run.past_attempts.erase(run.past_attempts.begin());
      run.state = "PENDING";
      run.state_details = failure;
      return ok();
    }
    run.state = cancelled ? "CANCELLED" : failure.empty() ? "SUCCESS" : "FAILED";
    if (!failure.empty()) run.state_details = failure;
    run.ended_ms = now;
    return ok();
  };
  const auto updated = records_.end_attempt(key, end, clock_);
  if (!updated.ok() && updated.error().code == "InsufficientStorage") return false;
  if (!updated.ok()) {
    logger_.error("emr-serverless", "cannot record the end of a run", {{"run", key.id}});
    return true;
  }
  logger_.info("emr-serverless", "attempt ended", {{"run", key.id}, {"state", updated->state}});
  if (again) submit(key);
  return true;
}

// --- from outside ----------------------------------------------------------------------------------------

Status Runner::cancel(const RunKey& key, int64_t grace_ms) {
  const auto marked = records_.update(key, [&](JobRun& run) -> Status {
    if (is_terminal(run)) {
      return Error{"ValidationException",
                   fmt::format("JobRun {} is in a terminal state: {}", run.id, run.state)};
    }
    run.state = "CANCELLING";
    run.updated_ms = clock_.wall_ms();
    return ok();
  });
  if (!marked.ok()) return marked.error();
  if (const auto active = find(key)) {
    const auto status = supervisor_.cancel(active->place.id, grace_ms);
    if (status.ok()) return status;
    // It is being started (launch() looks at the state again) or has just ended.
  }
  bool queued = false;
  {
    std::lock_guard lock(mutex_);
    queued = std::erase(queue_, key) > 0;
  }
  if (queued) end_without_wait({key, "", true});
  return ok();
}

Runner::ActivePtr Runner::find(const RunKey& key) const {
  std::lock_guard lock(mutex_);
  const auto found = active_.find(key);
  return found == active_.end() ? nullptr : found->second;
}

std::optional<std::string> Runner::dashboard_token(const RunKey& key) const {
  const auto active = find(key);
  if (!active || active->ui_port == 0) return std::nullopt;
  return active->dashboard_token;
}

std::optional<Dashboard> Runner::dashboard(std::string_view token) const {
  std::lock_guard lock(mutex_);
  for (const auto& [key, active] : active_) {
    if (codec::equal_in_constant_time(active->dashboard_token, token) && active->ui_port != 0)
      return Dashboard{active->ui_port.load(), supervisor_.network_of(active->place.id)};
  }
  return std::nullopt;
}

std::vector<Owed> Runner::owed() const {
  const std::lock_guard lock(mutex_);
  auto count = static_cast<int64_t>(queue_.size() + beginning_ + ending_ + unrecorded_.size());
  for (const auto& [key, active] : active_) {
    const bool streams = active->run.mode == "STREAMING" && active->ui_port != 0;
    if (!streams) ++count;
  }
  if (count == 0) return {};
  return {{"emr-serverless", "job runs that have not ended", count}};
}

}  // namespace mekong::emr_serverless
