// Structured log lines: one line an event, UTC, to whatever sink app chose. No secrets, ever.
#pragma once
#include <initializer_list>
#include <string>
#include <string_view>

namespace mekong {

enum class Level { debug, info, warn, error };

struct LogField {
  std::string_view key;
  std::string value;
};

class Logger {
 public:
  virtual ~Logger() = default;
  // Any thread. `event` is a short fixed phrase; what varies goes into fields.
  virtual void write(Level level, std::string_view module, std::string_view event,
                     std::initializer_list<LogField> fields) = 0;
  void info(std::string_view module, std::string_view event, std::initializer_list<LogField> fields = {}) {
    write(Level::info, module, event, fields);
  }
  void warn(std::string_view module, std::string_view event, std::initializer_list<LogField> fields = {}) {
    write(Level::warn, module, event, fields);
  }
  void error(std::string_view module, std::string_view event, std::initializer_list<LogField> fields = {}) {
    write(Level::error, module, event, fields);
  }
};

// A logger that drops everything, for tests and tools.
Logger& null_logger();

}  // namespace mekong
