#include "services/athena/runner.h"

#include <chrono>
#include <utility>

namespace mekong::athena {
namespace {

constexpr int system_error = 1, user_error = 2;
constexpr std::chrono::milliseconds full_disk_wait{200};

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
  stops_.notify_all();
  for (const auto& id : ids) cancel(id);
}

void Runner::start(Execution execution, PrincipalPtr principal) {
  auto state = std::make_shared<Run>();
  const std::string id = execution.id;
  post(id, state, [this, execution = std::move(execution), principal = std::move(principal), state] {
    run(execution, principal, *state);
  });
}

Status Runner::end(const Execution& execution) {
  const Status stored = records_.put(execution);
  if (stored.ok() || stored.error().code != "InsufficientStorage") return stored;
  post(execution.id, std::make_shared<Run>(), [this, execution] { store_end(execution); });
  return ok();
}

void Runner::post(const std::string& id, std::shared_ptr<Run> state, std::function<void()> work) {
  {
    std::lock_guard lock(mutex_);
    state->cancelled = stopping_;
    runs_[id] = std::move(state);
  }
  pool_.post([this, id, work = std::move(work)] {
    work();
    std::lock_guard lock(mutex_);
    runs_.erase(id);
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
  const bool too_much = !outcome.ok() && outcome.error().code == "BytesScannedLimitExceeded";
  execution.state = outcome.ok() ? "SUCCEEDED" : cancelled || too_much ? "CANCELLED" : "FAILED";
  if (too_much) execution.reason = outcome.error().message;
  if (cancelled && !outcome.ok()) execution.reason = "Query cancelled by user";
  if (execution.state == "FAILED") {
    execution.reason = outcome.error().code + ": " + outcome.error().message;
    execution.error_category = is_ours(outcome.error()) ? system_error : user_error;
  }
  store_end(execution);
}

void Runner::store_end(const Execution& execution) {
  for (bool told = false;;) {
    const Status stored = records_.put(execution);
    if (stored.ok()) return;
    if (!std::exchange(told, true))
      engines_.logger.error("athena", "outcome not stored",
                            {{"query", execution.id}, {"error", stored.error().message}});
    if (stored.error().code != "InsufficientStorage") return;
    std::unique_lock lock(mutex_);
    if (stops_.wait_for(lock, full_disk_wait, [this] { return stopping_; })) return;
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
  return Session(engines_, records_, execution, principal, *worker).run();
}

}  // namespace mekong::athena
