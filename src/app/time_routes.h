// The server's paths that move its clock and wait until it is quiet: /_mekong/clock and /_mekong/settle. Both
// take the token of the data folder.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "app/routes.h"
#include "base/executor.h"
#include "base/owed.h"
#include "os/net.h"
#include "timers/service_clock.h"

namespace mekong::app {

// What everybody owes at this moment. May read the disk: pool threads.
using OweCount = std::function<Result<std::vector<Owed>>()>;

class TimeRoutes {
 public:
  // `moved` is called after each move of the clock, on a pool thread: what looks at the clock by itself,
  // looks.
  TimeRoutes(timers::ServiceClock& clock, std::function<void()> moved, std::vector<OweCount> counts,
             os::Network& network, Executor& pool, const os::Clock& time, std::string control_token);
  void add_to(front::InternalRoutes& routes);

 private:
  // GET: its reading. POST with "freeze", "resume" or "advance MILLISECONDS" as the body: moved, then read.
  Task<api::Response> clock(const front::HttpRequest& request);
  // POST ?timeout=SECONDS (30): 200 once nothing is owed, or 408 with what still is.
  Task<api::Response> settle(const front::HttpRequest& request);
  Result<std::vector<Owed>> owed() const;

  timers::ServiceClock& clock_;
  std::function<void()> moved_;
  std::vector<OweCount> counts_;
  os::Network& network_;
  Executor& pool_;
  const os::Clock& time_;
  std::string control_token_;
};

// What `mekong clock` and `mekong settle` print, and these paths answer.
struct ClockNote {
  std::string service_time, wall_time;  // ISO 8601, UTC
  int64_t service_ms = 0, wall_ms = 0;
  bool frozen = false;
  template <class F>
  void each_field(F&& f) {
    f("ServiceTime", service_time), f("WallTime", wall_time), f("ServiceMs", service_ms);
    f("WallMs", wall_ms), f("Frozen", frozen);
  }
};
struct SettleNote {
  bool settled = false;
  int64_t waited_ms = 0;
  std::vector<Owed> owed;
  template <class F>
  void each_field(F&& f) {
    f("Settled", settled), f("WaitedMs", waited_ms), f("Owed", owed);
  }
};

}  // namespace mekong::app
