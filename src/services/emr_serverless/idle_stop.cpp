#include "services/emr_serverless/idle_stop.h"

#include <algorithm>

#include <fmt/format.h>

namespace mekong::emr_serverless {
namespace {

constexpr int64_t minute_ms = 60'000;

// <account>/<region>/<application>
std::string timer_id(const Application& application) {
  return fmt::format("{}/{}/{}", application.account, application.region, application.id);
}

bool may_stop(const Application& application) {
  return application.state == "STARTED" && application.auto_stop;
}

}  // namespace

void set_idle_stop(const Application& application, timers::Change& change) {
  if (!may_stop(application)) return change.cancel(timer_owner, timer_id(application));
  const int64_t due_ms = application.idle_since_ms + application.idle_timeout_minutes * minute_ms;
  change.schedule({timer_owner, timer_id(application), due_ms, {}});
}

Status stop_when_idle(const Records& records, const os::Clock& clock, const timers::Timer& timer,
                      timers::Change& change) {
  const auto account_end = timer.id.find('/');
  const auto region_end = timer.id.find('/', account_end + 1);
  const Scope scope{AccountId(timer.id.substr(0, account_end)),
                    Region(timer.id.substr(account_end + 1, region_end - account_end - 1))};
  const std::string id = timer.id.substr(region_end + 1);
  MEKONG_TRY_ASSIGN(const auto runs, records.runs(scope, id));
  if (!std::all_of(runs.begin(), runs.end(), is_terminal)) return ok();
  const auto stopped = records.update_in(change, scope, id, [&](Application& application) {
    if (!may_stop(application)) return ok();
    application.state = "STOPPED";
    application.state_details = "Stopped after its idle timeout.";
    application.updated_ms = clock.wall_ms();
    return ok();
  });
  return stopped.ok() ? ok() : Status(stopped.error());
}

}  // namespace mekong::emr_serverless
