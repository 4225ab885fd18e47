// Log lines on standard error, and in a LogBook. As text: time, level, module, event, then key=value with
// values quoted where they need it. As JSON: one object a line with the same names; fields stand beside them.
#pragma once
#include <unistd.h>

#include "app/log_book.h"
#include "base/logging.h"
#include "os/clock.h"

namespace mekong::app {

enum class LogFormat { text, json };

class StderrLogger final : public Logger {
 public:
  // Both must outlive it. `descriptor`: where lines go; -1: to the book alone.
  StderrLogger(const os::Clock& clock, LogFormat format, LogBook& book, int descriptor = STDERR_FILENO)
      : clock_(clock), format_(format), book_(book), descriptor_(descriptor) {}
  void write(Level level, std::string_view module, std::string_view event,
             std::initializer_list<LogField> fields) override;

 private:
  const os::Clock& clock_;
  const LogFormat format_;
  LogBook& book_;
  const int descriptor_;
};

}  // namespace mekong::app
