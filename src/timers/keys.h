// How timers lie in meta: one record a timer by (owner, id), and one entry by (due time, sequence) that names
// it.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"

namespace mekong::timers {

inline constexpr const char* clock_key = "clock";
inline constexpr const char* sequence_key = "sequence";

// What (owner, id) holds. `sequence`: the order of scheduling, never used twice.
struct Record {
  int64_t due_ms = 0;
  uint64_t sequence = 0;
  std::string payload;
  template <class F>
  void each_field(F&& f) {
    f("DueMs", due_ms), f("Sequence", sequence), f("Payload", payload);
  }
};
std::string encode(Record record);
Result<Record> decode(std::string_view text);

// "d", then 8 bytes each, most significant first: entries sort as they fire.
std::string due_key(int64_t due_ms, uint64_t sequence);
int64_t due_of(std::string_view due_key);
// "t", the owner, a zero byte, the id. Owners hold no zero byte.
std::string key_of(std::string_view owner, std::string_view id);
std::pair<std::string, std::string> owner_and_id(std::string_view key);

}  // namespace mekong::timers
