#include <charconv>
#include <cstdio>

#include "app/commands.h"
#include "app/control.h"
#include "app/time_routes.h"
#include "codec/record.h"

namespace mekong::app {
namespace {

constexpr int64_t move_timeout_ms = 3'600'000;  // years of timers may lie on the way

}  // namespace

std::optional<int64_t> parse_duration_ms(std::string_view text) {
  constexpr std::pair<std::string_view, int64_t> units[] = {
      {"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}};
  if (text.empty()) return std::nullopt;
  int64_t total_ms = 0;
  while (!text.empty()) {
    int64_t amount = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), amount);
    if (error != std::errc() || amount < 0) return std::nullopt;
    text.remove_prefix(end - text.data());
    int64_t unit_ms = 0;
    for (const auto& [name, ms] : units) {
      if (unit_ms == 0 && text.starts_with(name)) {
        unit_ms = ms;
        text.remove_prefix(name.size());
      }
    }
    int64_t part_ms = 0;
    const bool fits = !__builtin_mul_overflow(amount, unit_ms, &part_ms) &&
                      !__builtin_add_overflow(total_ms, part_ms, &total_ms);
    if (unit_ms == 0 || !fits) return std::nullopt;
  }
  return total_ms;
}

int move_clock(const std::string& data, const std::string& move, bool json) {
  os::PosixFiles files;
  const DataFolder folder(files, data);
  const auto answer = call_server(folder, files,
                                  {.method = move.empty() ? "GET" : "POST",
                                   .path = "/_mekong/clock",
                                   .body = move,
                                   .timeout_ms = move_timeout_ms});
  if (!answer.ok()) return fail(answer.error());
  if (answer->status != 200) return fail(refusal(*answer));
  const auto note = codec::decode_record<ClockNote>(answer->body);
  if (!note.ok()) return fail(note.error());
  if (json) {
    std::printf("%s\n", answer->body.c_str());
  } else {
    std::printf("service clock  %s%s\nwall clock     %s\n", note->service_time.c_str(),
                note->frozen ? "  (frozen)" : "", note->wall_time.c_str());
  }
  return 0;
}

int settle(const std::string& data, int64_t timeout_s, bool json) {
  os::PosixFiles files;
  const DataFolder folder(files, data);
  const auto answer = call_server(folder, files,
                                  {.method = "POST",
                                   .path = "/_mekong/settle?timeout=" + std::to_string(timeout_s),
                                   .timeout_ms = timeout_s * 1000 + 10'000});
  if (!answer.ok()) return fail(answer.error());
  if (answer->status != 200 && answer->status != 408) return fail(refusal(*answer));
  const auto note = codec::decode_record<SettleNote>(answer->body);
  if (!note.ok()) return fail(note.error());
  if (json) {
    std::printf("%s\n", answer->body.c_str());
  } else if (note->settled) {
    std::printf("quiet after %lld ms\n", static_cast<long long>(note->waited_ms));
  } else {
    for (const auto& owed : note->owed) {
      std::fprintf(stderr, "mekong: still owed by %s: %lld %s\n", owed.engine.c_str(),
                   static_cast<long long>(owed.count), owed.what.c_str());
    }
  }
  return note->settled ? 0 : exit_failed;
}

}  // namespace mekong::app
