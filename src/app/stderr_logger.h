// Log lines on standard error: time, level, module, event, then key=value with values quoted where they need
// it.
#pragma once
#include "base/logging.h"
#include "os/clock.h"

namespace mekong::app {

class StderrLogger final : public Logger {
 public:
  explicit StderrLogger(const os::Clock& clock) : clock_(clock) {}
  void write(Level level, std::string_view module, std::string_view event,
             std::initializer_list<LogField> fields) override;

 private:
  const os::Clock& clock_;
};

}  // namespace mekong::app
