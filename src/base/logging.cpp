#include "base/logging.h"

namespace mekong {

Logger& null_logger() {
  class Null final : public Logger {
    void write(Level, std::string_view, std::string_view, std::initializer_list<LogField>) override {}
  };
  static Null null;
  return null;
}

}  // namespace mekong
