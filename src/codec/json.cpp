#include "codec/json.h"

#include <charconv>
#include <cmath>

#include <simdjson.h>

namespace mekong::codec {
namespace {

constexpr int kDepthMax = 512;

Json convert(simdjson::dom::element element) {
  using simdjson::dom::element_type;
  Json out;
  switch (element.type()) {
    case element_type::ARRAY:
      out.kind = Json::Kind::array;
      for (auto child : simdjson::dom::array(element)) out.array.push_back(convert(child));
      break;
    case element_type::OBJECT:
      out.kind = Json::Kind::object;
      for (auto [key, child] : simdjson::dom::object(element)) {
        out.object.push_back({std::string(key), convert(child)});
      }
      break;
    case element_type::INT64:
      out.kind = Json::Kind::integer;
      out.integer = int64_t(element);
      out.real = static_cast<double>(out.integer);
      break;
    case element_type::UINT64:
      out.kind = Json::Kind::real;  // larger than int64 holds
      out.real = static_cast<double>(uint64_t(element));
      out.integer = INT64_MAX;
      break;
    case element_type::DOUBLE:
      out.kind = Json::Kind::real;
      out.real = double(element);
      if (std::abs(out.real) < 9.2e18) out.integer = static_cast<int64_t>(out.real);
      break;
    case element_type::STRING:
      out.kind = Json::Kind::string;
      out.string = std::string(std::string_view(element));
      break;
    case element_type::BOOL:
      out.kind = Json::Kind::boolean;
      out.boolean = bool(element);
      break;
    case element_type::NULL_VALUE:
      break;
  }
  return out;
}

template <class T>
void append_number(std::string& out, T value) {
  char buffer[64];
  auto end = std::to_chars(buffer, buffer + sizeof buffer, value).ptr;
  out.append(buffer, end);
}

template <class T>
void append_real(std::string& out, T value) {
  if (std::isnan(value)) {
    out += "\"NaN\"";
  } else if (std::isinf(value)) {
    out += value > 0 ? "\"Infinity\"" : "\"-Infinity\"";
  } else {
    const size_t begin = out.size();
    append_number(out, value);
    // Digits alone would be read back as an integer, which ends at 64 bits and has no negative zero.
    const bool digits_alone = out.find_first_of(".e", begin) == std::string::npos;
    const bool no_integer = std::abs(value) >= T(1e15) || (value == 0 && std::signbit(value));
    if (digits_alone && no_integer) out += ".0";
  }
}

}  // namespace

const Json* Json::find(std::string_view key) const {
  for (auto it = object.rbegin(); it != object.rend(); ++it) {
    if (it->key == key) return &it->value;
  }
  return nullptr;
}

std::string Json::dump() const {
  std::string out;
  JsonWriter(out).value(*this);
  return out;
}

Result<Json> parse_json(std::string_view text) {
  thread_local simdjson::dom::parser parser;  // keeps its buffers between calls
  (void)parser.allocate(0, kDepthMax);
  simdjson::dom::element element;
  auto error = parser.parse(text.data(), text.size()).get(element);
  if (error != simdjson::SUCCESS) return Error{"InvalidJson", simdjson::error_message(error)};
  return convert(element);
}

void append_json_string(std::string& out, std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  out += '"';
  size_t start = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x20 && c != '"' && c != '\\') continue;
    out.append(text, start, i - start);
    start = i + 1;
    out += '\\';
    switch (c) {
      case '"':
        out += '"';
        break;
      case '\\':
        out += '\\';
        break;
      case '\n':
        out += 'n';
        break;
      case '\r':
        out += 'r';
        break;
      case '\t':
        out += 't';
        break;
      case '\b':
        out += 'b';
        break;
      case '\f':
        out += 'f';
        break;
      default:
        out += "u00";
        out += kHex[c >> 4];
        out += kHex[c & 15];
    }
  }
  out.append(text, start);
  out += '"';
}

void append_json_double(std::string& out, double value) {
  append_real(out, value);
}
void append_json_float(std::string& out, float value) {
  append_real(out, value);
}

void JsonWriter::comma() {
  if (!first_) out_ += ',';
  first_ = false;
}

void JsonWriter::open(char bracket) {
  comma();
  out_ += bracket;
  first_ = true;
}

void JsonWriter::close(char bracket) {
  out_ += bracket;
  first_ = false;
}

void JsonWriter::key(std::string_view name) {
  comma();
  append_json_string(out_, name);
  out_ += ':';
  first_ = true;
}

void JsonWriter::value(std::string_view text) {
  comma();
  append_json_string(out_, text);
}

void JsonWriter::value(bool value) {
  raw(value ? "true" : "false");
}

void JsonWriter::value(int64_t value) {
  comma();
  append_number(out_, value);
}

void JsonWriter::value(uint64_t value) {
  comma();
  append_number(out_, value);
}

void JsonWriter::value(double value) {
  comma();
  append_real(out_, value);
}

void JsonWriter::value(float value) {
  comma();
  append_real(out_, value);
}

void JsonWriter::raw(std::string_view json) {
  comma();
  out_ += json;
}

void JsonWriter::value(const Json& json) {
  switch (json.kind) {
    case Json::Kind::null:
      return null();
    case Json::Kind::boolean:
      return value(json.boolean);
    case Json::Kind::integer:
      return value(json.integer);
    case Json::Kind::real:
      return value(json.real);
    case Json::Kind::string:
      return value(std::string_view(json.string));
    case Json::Kind::array:
      begin_array();
      for (const auto& element : json.array) value(element);
      return end_array();
    case Json::Kind::object:
      begin_object();
      for (const auto& [name, member] : json.object) {
        key(name);
        value(member);
      }
      return end_object();
  }
}

}  // namespace mekong::codec
