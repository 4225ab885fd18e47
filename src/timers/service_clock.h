// The service clock as its users move it: durable, and in step with the timers, so that a month of schedules
// passes in order and each sees the time that it was made for.
#pragma once
#include <functional>
#include <memory>
#include <mutex>

#include "base/result.h"
#include "meta/store.h"
#include "os/clock.h"
#include "timers/timers.h"

namespace mekong::timers {

// Brings the clock to where it was left. Before anybody reads it. Errors: those of meta.
Status restore_clock(const meta::Store& meta, os::MovableClock& clock);

// Any pool thread; one move at a time. Errors: those of meta; "InvalidArgument"; "Cancelled", the server
// stops.
class ServiceClock {
 public:
  // `between` is called after each moment at which something fired: what that set in motion may end first.
  ServiceClock(meta::Store& meta, os::MovableClock& clock, Timers& timers, std::function<void()> between);

  struct Reading {
    int64_t service_ms = 0;
    int64_t wall_ms = 0;
    bool frozen = false;
  };
  Reading read() const;
  Result<Reading> freeze();
  Result<Reading> resume();
  // Moves on by `ms` (0 … 100 years), standing still at each moment at which a timer is due until all of that
  // moment have fired. Then it goes on, or stands, as it did before.
  Result<Reading> advance(int64_t ms);

 private:
  // `frozen`: whether a restart finds it standing. On the way through an advance that is not how it is.
  Status keep(bool frozen);
  Status step_to(int64_t target_ms, bool frozen);

  meta::Store& meta_;
  os::MovableClock& clock_;
  Timers& timers_;
  std::function<void()> between_;
  std::mutex moving_;
};

}  // namespace mekong::timers
