#include "os/clock.h"

#include <algorithm>
#include <ctime>

namespace mekong::os {
namespace {
int64_t read_ns(clockid_t id) {
  timespec now{};
  clock_gettime(id, &now);
  return static_cast<int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
}
}  // namespace

int64_t SystemClock::wall_ms() const {
  return read_ns(CLOCK_REALTIME) / 1'000'000;
}
int64_t SystemClock::monotonic_ns() const {
  return read_ns(CLOCK_MONOTONIC);
}
int64_t SystemClock::service_ms() const {
  return wall_ms();
}

int64_t MovableClock::read() const {
  const int64_t now_ms = state_.frozen ? state_.at_ms : base_.wall_ms() + state_.offset_ms;
  return last_ms_ = std::max(last_ms_, now_ms);
}

int64_t MovableClock::service_ms() const {
  const std::lock_guard lock(mutex_);
  return read();
}

MovableClock::State MovableClock::state() const {
  const std::lock_guard lock(mutex_);
  return state_;
}

void MovableClock::freeze_at(int64_t service_ms) {
  const std::lock_guard lock(mutex_);
  state_ = {.frozen = true, .at_ms = std::max(service_ms, read())};
  read();
}

void MovableClock::run_from(int64_t service_ms) {
  const std::lock_guard lock(mutex_);
  state_ = {.offset_ms = std::max(service_ms, read()) - base_.wall_ms()};
  read();
}

void MovableClock::restore(const State& state) {
  const std::lock_guard lock(mutex_);
  state_ = state;
  last_ms_ = 0;
}

}  // namespace mekong::os
