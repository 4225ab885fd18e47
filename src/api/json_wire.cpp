#include "api/json_wire.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <cmath>
#include <limits>

#include "api/types.h"
#include "codec/text.h"

namespace mekong::api {
namespace {

namespace dom = simdjson::dom;
using dom::element_type;

constexpr size_t kDepthMax = 512;

const char* kind_name(const dom::element& json) {
  switch (json.type()) {
    case element_type::NULL_VALUE:
      return "NULL_VALUE";
    case element_type::BOOL:
      return bool(json) ? "TRUE_VALUE" : "FALSE_VALUE";
    case element_type::INT64:
    case element_type::UINT64:
      return "NUMBER_VALUE";
    case element_type::DOUBLE:
      return "DECIMAL_VALUE";
    case element_type::STRING:
      return "STRING_VALUE";
    case element_type::ARRAY:
      return "START_ARRAY";
    case element_type::OBJECT:
      return "START_OBJECT";
  }
  return "";
}

Error cannot(const dom::element& json, const char* wanted) {
  return Error{"SerializationException",
               fmt::format("{} can not be converted to {}", kind_name(json), wanted)};
}

bool is_number(const dom::element& json) {
  return json.is_int64() || json.is_uint64() || json.is_double();
}

double number(const dom::element& json) {
  double value = 0;
  return json.get(value) == simdjson::SUCCESS ? value : 0;  // of integers too
}

template <class T>
Status read_real(const dom::element& json, void* out) {
  std::string_view text;
  if (is_number(json)) {
    *static_cast<T*>(out) = static_cast<T>(number(json));
  } else if (json.get(text) == simdjson::SUCCESS && text == "NaN") {
    *static_cast<T*>(out) = std::numeric_limits<T>::quiet_NaN();
  } else if (text == "Infinity" || text == "-Infinity") {
    *static_cast<T*>(out) = (text[0] == '-' ? -1 : 1) * std::numeric_limits<T>::infinity();
  } else {
    return cannot(json, "Double");
  }
  return {};
}

Status read_integer(const dom::element& json, bool wide, void* out) {
  int64_t value = 0;
  if (json.get(value) != simdjson::SUCCESS) {
    // 1e3 and 2.0 are whole numbers too.
    const double real = number(json);
    if (!json.is_double() || real != std::floor(real) || std::abs(real) >= 9e18)
      return cannot(json, wide ? "Long" : "Integer");
    value = static_cast<int64_t>(real);
  }
  if (wide) {
    *static_cast<int64_t*>(out) = value;
    return {};
  }
  if (value < INT32_MIN || value > INT32_MAX) return cannot(json, "Integer");
  *static_cast<int32_t*>(out) = static_cast<int32_t>(value);
  return {};
}

Status read_timestamp(const dom::element& json, const Member& member, void* out) {
  if (is_number(json) && std::abs(number(json)) < 9e15) {
    static_cast<Timestamp*>(out)->ms = std::llround(number(json) * 1000);
    return {};
  }
  std::string_view text;
  if (json.get(text) != simdjson::SUCCESS) return cannot(json, "Timestamp");
  return parse_scalar(member, text, TimeFormat::iso8601, out);
}

Status read_value(const dom::element& json, const Member& member, void* out, const Path* at,
                  Violations& violations);

Status read_list(const dom::element& json, const Shape& shape, void* out, const Path* at,
                 Violations& violations) {
  dom::array array;
  if (json.get(array) != simdjson::SUCCESS) return cannot(json, "a List");
  size_t index = 0;
  for (dom::element element : array) {
    Path path{at, {}, ++index};
    if (element.is_null()) {
      report_missing(path, violations);
      continue;
    }
    MEKONG_TRY(read_value(element, *shape.value, shape.list->append(out), &path, violations));
  }
  return {};
}

Status read_map(const dom::element& json, const Shape& shape, void* out, const Path* at,
                Violations& violations) {
  dom::object object;
  if (json.get(object) != simdjson::SUCCESS) return cannot(json, "a Map");
  for (auto [key, value] : object) {
    if (value.is_null()) continue;
    Path path{at, key};
    MEKONG_TRY(read_value(value, *shape.value, shape.map->insert(out, std::string(key)), &path, violations));
  }
  return {};
}

Status read_members(const dom::element& json, const Shape& shape, void* out, const Path* at, Seen& seen,
                    Violations& violations) {
  dom::object object;
  if (json.get(object) != simdjson::SUCCESS) return cannot(json, "a Structure");
  size_t hint = 0;
  for (auto [key, value] : object) {
    const Member* member = find_body_member(shape, key, hint);
    if (member == nullptr || value.is_null()) continue;
    Path path{at, member->name};
    MEKONG_TRY(read_value(value, *member, member->set(out), &path, violations));
    seen.mark(*member);
  }
  return {};
}

Status read_text(const dom::element& json, const Member& member, void* out) {
  std::string_view text;
  const bool blob = member.shape->kind == Kind::blob;
  if (json.get(text) != simdjson::SUCCESS) return cannot(json, blob ? "ByteBuffer" : "String");
  if (blob) return parse_scalar(member, text, TimeFormat::epoch, out);
  static_cast<std::string*>(out)->assign(text);
  return {};
}

Status read_value(const dom::element& json, const Member& member, void* out, const Path* at,
                  Violations& violations) {
  const Shape& shape = *member.shape;
  switch (shape.kind) {
    case Kind::string:
    case Kind::blob:
      return read_text(json, member, out);
    case Kind::boolean:
      if (!json.is_bool()) return cannot(json, "Boolean");
      *static_cast<bool*>(out) = bool(json);
      return {};
    case Kind::int32:
      return read_integer(json, false, out);
    case Kind::int64:
      return read_integer(json, true, out);
    case Kind::float32:
      return read_real<float>(json, out);
    case Kind::float64:
      return read_real<double>(json, out);
    case Kind::timestamp:
      return read_timestamp(json, member, out);
    case Kind::list:
      return read_list(json, shape, out, at, violations);
    case Kind::map:
      return read_map(json, shape, out, at, violations);
    case Kind::structure: {
      Seen seen(shape);
      MEKONG_TRY(read_members(json, shape, out, at, seen, violations));
      seen.report(at, violations);
      return {};
    }
    case Kind::document:
      static_cast<Document*>(out)->json = simdjson::minify(json);
      return {};
    case Kind::stream:
      break;
  }
  return cannot(json, "a stream");
}

// A parser of its own for each body: what a large one took is given back with it.
Result<dom::element> parse(dom::parser& parser, std::string_view text) {
  auto error = parser.allocate(text.size(), kDepthMax);
  dom::element root;
  if (error == simdjson::SUCCESS) error = parser.parse(text.data(), text.size()).get(root);
  if (error == simdjson::SUCCESS) return root;
  return Error{"SerializationException",
               fmt::format("the body is not JSON: {}", simdjson::error_message(error))};
}

void write_time(codec::JsonWriter& out, const Member& member, const void* value) {
  auto text = format_scalar(member, value, TimeFormat::epoch);
  if (time_format(member, TimeFormat::epoch) == TimeFormat::epoch) {
    out.raw(text);
  } else {
    out.value(std::string_view(text));
  }
}

}  // namespace

Status read_json_members(std::string_view json, const Shape& shape, void* out, Seen& seen,
                         Violations& violations) {
  dom::parser parser;
  MEKONG_TRY_ASSIGN(const dom::element root, parse(parser, json));
  return read_members(root, shape, out, nullptr, seen, violations);
}

Status read_json_value(std::string_view json, const Member& member, void* out, const Path* at,
                       Violations& violations) {
  dom::parser parser;
  MEKONG_TRY_ASSIGN(const dom::element root, parse(parser, json));
  return read_value(root, member, out, at, violations);
}

void write_json_members(codec::JsonWriter& out, const Shape& shape, const void* value) {
  out.begin_object();
  write_json_pairs(out, shape, value);
  out.end_object();
}

void write_json_pairs(codec::JsonWriter& out, const Shape& shape, const void* value,
                      std::string_view without) {
  for (size_t i = 0; i < shape.member_count; ++i) {
    const Member& member = shape.members[i];
    if (!written_in_body(member)) continue;
    const void* field = member.get(value);
    if (field == nullptr || without == member.wire) continue;
    out.key(member.wire);
    write_json_value(out, member, field);
  }
}

void write_json_value(codec::JsonWriter& out, const Member& member, const void* value) {
  const Shape& shape = *member.shape;
  switch (shape.kind) {
    case Kind::string:
      return out.value(std::string_view(*static_cast<const std::string*>(value)));
    case Kind::blob:
      return out.value(std::string_view(format_scalar(member, value, TimeFormat::epoch)));
    case Kind::boolean:
      return out.value(*static_cast<const bool*>(value));
    case Kind::int32:
      return out.value(*static_cast<const int32_t*>(value));
    case Kind::int64:
      return out.value(*static_cast<const int64_t*>(value));
    case Kind::float32:
      return out.value(*static_cast<const float*>(value));
    case Kind::float64:
      return out.value(*static_cast<const double*>(value));
    case Kind::timestamp:
      return write_time(out, member, value);
    case Kind::structure:
      return write_json_members(out, shape, value);
    case Kind::document:
      return out.raw(static_cast<const Document*>(value)->json);
    case Kind::stream:
      return out.null();
    case Kind::list:
      out.begin_array();
      for (size_t i = 0; i < shape.list->size(value); ++i) {
        write_json_value(out, *shape.value, shape.list->at(value, i));
      }
      return out.end_array();
    case Kind::map: {
      struct Visit {
        codec::JsonWriter& out;
        const Member& value;
      } visit{out, *shape.value};
      out.begin_object();
      shape.map->each(value, &visit, [](void* context, const std::string& key, const void* element) {
        auto& to = *static_cast<Visit*>(context);
        to.out.key(key);
        write_json_value(to.out, to.value, element);
      });
      return out.end_object();
    }
  }
}

}  // namespace mekong::api
