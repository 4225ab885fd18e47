#include "timers/service_clock.h"

#include <algorithm>

#include "codec/record.h"
#include "timers/keys.h"

namespace mekong::timers {
namespace {

constexpr int64_t advance_limit_ms = 100LL * 366 * 86'400'000;

struct ClockRecord {
  bool frozen = false;
  int64_t at_ms = 0, offset_ms = 0;
  template <class F>
  void each_field(F&& f) {
    f("Frozen", frozen), f("AtMs", at_ms), f("OffsetMs", offset_ms);
  }
};

}  // namespace

Status restore_clock(const meta::Store& meta, os::MovableClock& clock) {
  MEKONG_TRY_ASSIGN(const auto kept, meta.get(meta_family, clock_key));
  if (!kept) return ok();
  MEKONG_TRY_ASSIGN(const auto record, codec::decode_record<ClockRecord>(*kept));
  clock.restore({record.frozen, record.at_ms, record.offset_ms});
  return ok();
}

ServiceClock::ServiceClock(meta::Store& meta, os::MovableClock& clock, Timers& timers,
                           std::function<void()> between)
    : meta_(meta), clock_(clock), timers_(timers), between_(std::move(between)) {}

ServiceClock::Reading ServiceClock::read() const {
  return {clock_.service_ms(), clock_.wall_ms(), clock_.state().frozen};
}

Status ServiceClock::keep(bool frozen) {
  auto state = clock_.state();
  if (state.frozen && !frozen) state = {.offset_ms = state.at_ms - clock_.wall_ms()};
  meta::Batch batch;
  batch.put(meta_family, clock_key,
            codec::encode_record(ClockRecord{state.frozen, state.at_ms, state.offset_ms}));
  return meta_.commit(std::move(batch)).get();
}

Result<ServiceClock::Reading> ServiceClock::freeze() {
  const std::lock_guard lock(moving_);
  clock_.freeze_at(clock_.service_ms());
  MEKONG_TRY(keep(true));
  timers_.wake();
  return read();
}

Result<ServiceClock::Reading> ServiceClock::resume() {
  const std::lock_guard lock(moving_);
  clock_.run_from(clock_.service_ms());
  MEKONG_TRY(keep(false));
  timers_.wake();
  return read();
}

// The clock is kept before what is due fires: a timer never fires at a moment that a restart would undo.
Status ServiceClock::step_to(int64_t target_ms, bool frozen) {
  while (true) {
    MEKONG_TRY(timers_.fire_due());
    if (timers_.stopping()) return Error{"Cancelled", "the server stops"};
    MEKONG_TRY_ASSIGN(const auto next_ms, timers_.next_due_ms());
    if (!next_ms || *next_ms > target_ms) break;
    clock_.freeze_at(*next_ms);
    MEKONG_TRY(keep(frozen));
    MEKONG_TRY(timers_.fire_due());
    if (between_) between_();
  }
  return ok();
}

Result<ServiceClock::Reading> ServiceClock::advance(int64_t ms) {
  if (ms < 0 || ms > advance_limit_ms) {
    return Error{"InvalidArgument", "the clock moves forward, by at most 100 years at once"};
  }
  const std::lock_guard lock(moving_);
  const bool frozen = clock_.state().frozen;
  const int64_t target_ms = clock_.service_ms() + ms;
  clock_.freeze_at(clock_.service_ms());
  const Status stepped = step_to(target_ms, frozen);
  if (stepped.ok()) clock_.freeze_at(target_ms);
  if (!frozen) clock_.run_from(clock_.service_ms());
  MEKONG_TRY(keep(frozen));
  timers_.wake();
  if (!stepped.ok()) return stepped.error();
  return read();
}

}  // namespace mekong::timers
