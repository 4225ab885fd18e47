#include "timers/keys.h"

#include "codec/record.h"

namespace mekong::timers {
namespace {

void put_be64(std::string& out, uint64_t value) {
  for (int shift = 56; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift);
}

}  // namespace

std::string encode(Record record) {
  return codec::encode_record(record);
}

Result<Record> decode(std::string_view text) {
  return codec::decode_record<Record>(text);
}

std::string due_key(int64_t due_ms, uint64_t sequence) {
  std::string out = "d";
  put_be64(out, static_cast<uint64_t>(due_ms));
  put_be64(out, sequence);
  return out;
}

int64_t due_of(std::string_view due_key) {
  uint64_t value = 0;
  for (const char c : due_key.substr(1, 8)) value = value << 8 | static_cast<uint8_t>(c);
  return static_cast<int64_t>(value);
}

std::string key_of(std::string_view owner, std::string_view id) {
  std::string out = "t";
  out.append(owner);
  out += '\0';
  out.append(id);
  return out;
}

std::pair<std::string, std::string> owner_and_id(std::string_view key) {
  const size_t end = key.find('\0');
  return {std::string(key.substr(1, end - 1)), std::string(key.substr(end + 1))};
}

}  // namespace mekong::timers
