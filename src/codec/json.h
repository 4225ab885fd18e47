// JSON: a value tree for reading (parsed by simdjson) and a writer that appends to a string.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace mekong::codec {

struct JsonMember;

class Json {
 public:
  enum class Kind : uint8_t { null, boolean, integer, real, string, array, object };
  Kind kind = Kind::null;
  bool boolean = false;
  int64_t integer = 0;  // Kind::integer; also truncated from a real
  double real = 0;      // both number kinds
  std::string string;
  std::vector<Json> array;
  std::vector<JsonMember> object;  // in the text's order, duplicates kept

  bool is_null() const { return kind == Kind::null; }
  bool is_number() const { return kind == Kind::integer || kind == Kind::real; }
  // The member of an object (the last of duplicates), or null where absent or not an object.
  const Json* find(std::string_view key) const;
  std::string dump() const;
};

struct JsonMember {
  std::string key;
  Json value;
};

// One complete document. Errors: "InvalidJson" with the parser's words. At most 512 levels deep.
Result<Json> parse_json(std::string_view text);

// Appends `text` quoted and escaped. Bytes that are not UTF-8 are kept as they are.
void append_json_string(std::string& out, std::string_view text);
// The shortest text that reads back as the same number; NaN and infinities as the strings that AWS uses.
void append_json_double(std::string& out, double value);
void append_json_float(std::string& out, float value);

// Writes commas by itself; the caller keeps begin and end in balance.
class JsonWriter {
 public:
  explicit JsonWriter(std::string& out) : out_(out) {}
  void begin_object() { open('{'); }
  void end_object() { close('}'); }
  void begin_array() { open('['); }
  void end_array() { close(']'); }
  void key(std::string_view name);
  void value(std::string_view text);
  void value(const char* text) { value(std::string_view(text)); }
  void value(bool value);
  void value(int32_t value) { this->value(static_cast<int64_t>(value)); }
  void value(int64_t value);
  void value(uint64_t value);
  void value(double value);
  void value(float value);
  void null() { raw("null"); }
  void raw(std::string_view json);  // a complete value
  void value(const Json& json);

 private:
  void comma();
  void open(char bracket);
  void close(char bracket);
  std::string& out_;
  bool first_ = true;
};

}  // namespace mekong::codec
