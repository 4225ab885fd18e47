#include "app/stderr_logger.h"

#include "codec/json.h"
#include "codec/time.h"

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

struct Line {
  std::string time;
  std::string_view level, module, event;
  std::initializer_list<LogField> fields;
};

std::string as_text(const Line& line) {
  std::string out = line.time;
  out.append(" ").append(line.level).append(" ").append(line.module).append(": ").append(line.event);
  for (const auto& field : line.fields)
    out.append(" ").append(field.key).append("=").append(quoted(field.value));
  return out;
}

std::string as_json(const Line& line) {
  std::string out;
  codec::JsonWriter json(out);
  const auto pair = [&json](std::string_view key, std::string_view value) {
    json.key(key);
    json.value(value);
  };
  json.begin_object();
  pair("time", line.time);
  pair("level", line.level);
  pair("module", line.module);
  pair("event", line.event);
  for (const auto& field : line.fields) pair(field.key, field.value);
  json.end_object();
  return out;
}

}  // namespace

void StderrLogger::write(Level level, std::string_view module, std::string_view event,
                         std::initializer_list<LogField> fields) {
  const Line line{codec::format_iso8601_millis(clock_.wall_ms()), names[static_cast<int>(level)], module,
                  event, fields};
  std::string text = format_ == LogFormat::json ? as_json(line) : as_text(line);
  if (descriptor_ >= 0) {
    const std::string whole = text + "\n";
    const ssize_t ignored = ::write(descriptor_, whole.data(), whole.size());
    (void)ignored;
  }
  book_.add(std::move(text));
}

}  // namespace mekong::app
