// Three clocks, never mixed: the wall clock (signatures, tokens, TLS), the monotonic one (timeouts on the
// wire), the movable service clock (schedules, retention). Nobody reads time but through here.
#pragma once
#include <atomic>
#include <cstdint>
#include <mutex>

namespace mekong::os {

class Clock {
 public:
  virtual ~Clock() = default;
  virtual int64_t wall_ms() const = 0;       // ms since the epoch, real
  virtual int64_t monotonic_ns() const = 0;  // never goes back
  virtual int64_t service_ms() const = 0;    // ms since the epoch, movable
};

class SystemClock final : public Clock {
 public:
  int64_t wall_ms() const override;
  int64_t monotonic_ns() const override;
  int64_t service_ms() const override;
};

// What a server runs on: its service clock is the wall clock plus an offset, or stands still at one moment.
// It never goes back: where the wall clock does, it waits to be overtaken. Any thread.
class MovableClock final : public Clock {
 public:
  explicit MovableClock(const Clock& base) : base_(base) {}
  int64_t wall_ms() const override { return base_.wall_ms(); }
  int64_t monotonic_ns() const override { return base_.monotonic_ns(); }
  int64_t service_ms() const override;

  struct State {
    bool frozen = false;
    int64_t at_ms = 0;      // where it stands, when frozen
    int64_t offset_ms = 0;  // what it is ahead of the wall clock, when it runs
  };
  State state() const;
  // Moments before the present one are taken as the present one.
  void freeze_at(int64_t service_ms);
  void run_from(int64_t service_ms);
  void restore(const State& state);  // before anybody reads it

 private:
  int64_t read() const;  // with mutex_ held
  const Clock& base_;
  mutable std::mutex mutex_;
  State state_;
  mutable int64_t last_ms_ = 0;
};

// For tests: stands still until moved. Any thread.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(int64_t wall_ms) : wall_ms_(wall_ms) {}
  int64_t wall_ms() const override { return wall_ms_; }
  int64_t monotonic_ns() const override { return wall_ms_ * 1'000'000; }
  int64_t service_ms() const override { return wall_ms_; }
  void advance_ms(int64_t ms) { wall_ms_ += ms; }

 private:
  std::atomic<int64_t> wall_ms_;
};

}  // namespace mekong::os
