// Three clocks, never mixed: the wall clock (signatures, tokens, TLS), the monotonic one (timeouts on the
// wire), the movable service clock (schedules, retention). Nobody reads time but through here.
#pragma once
#include <atomic>
#include <cstdint>

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
