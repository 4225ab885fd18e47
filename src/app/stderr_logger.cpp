#include "app/stderr_logger.h"

#include <unistd.h>

#include <ctime>

namespace mekong::app {
namespace {

std::string quoted(const std::string& value) {
  if (!value.empty() && value.find_first_of(" \"=\n\r\t") == std::string::npos) return value;
  std::string out = "\"";
  for (const char c : value) {
    if (c == '"' || c == '\\') out.push_back('\\');
    out += c == '\n' ? "\\n" : c == '\r' ? "\\r" : std::string(1, c);
  }
  return out + "\"";
}

constexpr std::string_view names[] = {"debug", "info", "warn", "error"};

}  // namespace

void StderrLogger::write(Level level, std::string_view module, std::string_view event,
                         std::initializer_list<LogField> fields) {
  const int64_t now_ms = clock_.wall_ms();
  const time_t seconds = now_ms / 1000;
  tm parts{};
  gmtime_r(&seconds, &parts);
  char time[40];
  const size_t length = strftime(time, sizeof(time), "%Y-%m-%dT%H:%M:%S", &parts);
  std::string line(time, length);
  std::string millis = std::to_string(1000 + now_ms % 1000);
  line += "." + millis.substr(1) + "Z ";
  line.append(names[static_cast<int>(level)]).append(" ").append(module).append(": ").append(event);
  for (const auto& field : fields) line.append(" ").append(field.key).append("=").append(quoted(field.value));
  line.push_back('\n');
  const ssize_t ignored = ::write(STDERR_FILENO, line.data(), line.size());
  (void)ignored;
}

}  // namespace mekong::app
