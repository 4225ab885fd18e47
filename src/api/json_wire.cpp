#include "api/json_wire.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <string_view>

#include "api/types.h"
#include "codec/text.h"
#include "codec/time.h"

namespace mekong::api {
namespace {

using codec::Json;

const char* kind_name(const Json& json) {
  switch (json.kind) {
    case Json::Kind::null:
      return "NULL_VALUE";
    case Json::Kind::boolean:
      return json.boolean ? "TRUE_VALUE" : "FALSE_VALUE";
    case Json::Kind::integer:
      return "NUMBER_VALUE";
    case Json::Kind::real:
      return "DECIMAL_VALUE";
    case Json::Kind::string:
      return "STRING_VALUE";
    case Json::Kind::array:
      return "START_ARRAY";
    case Json::Kind::object:
      return "START_OBJECT";
  }
  return "";
}

Error cannot(const Json& json, const char* wanted) {
  return Error{"SerializationException",
               fmt::format("{} can not be converted to {}", kind_name(json), wanted)};
}

template <class T>
Status read_real(const Json& json, void* out) {
  if (json.is_number()) {
    *static_cast<T*>(out) = static_cast<T>(json.real);
  } else if (json.kind == Json::Kind::string && json.string == "NaN") {
    *static_cast<T*>(out) = std::numeric_limits<T>::quiet_NaN();
  } else if (json.kind == Json::Kind::string && (json.string == "Infinity" || json.string == "-Infinity")) {
    *static_cast<T*>(out) = (json.string[0] == '-' ? -1 : 1) * std::numeric_limits<T>::infinity();
  } else {
    return cannot(json, "Double");
  }
  return {};
}

Status read_integer(const Json& json, bool wide, void* out) {
  bool whole =
      json.kind == Json::Kind::integer ||
      (json.kind == Json::Kind::real && json.real == std::floor(json.real) && std::abs(json.real) < 9e18);
  if (!whole) return cannot(json, wide ? "Long" : "Integer");
  if (wide) {
    *static_cast<int64_t*>(out) = json.integer;
    return {};
  }
  if (json.integer < INT32_MIN || json.integer > INT32_MAX) return cannot(json, "Integer");
  *static_cast<int32_t*>(out) = static_cast<int32_t>(json.integer);
  return {};
}

Status read_timestamp(const Json& json, const Member& member, void* out) {
  auto& time = *static_cast<Timestamp*>(out);
  if (json.is_number() && std::abs(json.real) < 9e15) {
    time.ms = std::llround(json.real * 1000);
    return {};
  }
  if (json.kind != Json::Kind::string) return cannot(json, "Timestamp");
  return parse_scalar(member, json.string, TimeFormat::iso8601, out);
}

Status read_list(const Json& json, const Shape& shape, void* out, const Path* at, Violations& violations) {
  if (json.kind != Json::Kind::array) return cannot(json, "a List");
  size_t index = 0;
  for (const auto& element : json.array) {
    Path path{at, {}, ++index};
    if (element.is_null()) {
      report_missing(path, violations);
      continue;
    }
    MEKONG_TRY(read_json_value(element, *shape.value, shape.list->append(out), &path, violations));
  }
  return {};
}

Status read_map(const Json& json, const Shape& shape, void* out, const Path* at, Violations& violations) {
  if (json.kind != Json::Kind::object) return cannot(json, "a Map");
  for (const auto& [key, value] : json.object) {
    if (value.is_null()) continue;
    Path path{at, key};
    MEKONG_TRY(read_json_value(value, *shape.value, shape.map->insert(out, key), &path, violations));
  }
  return {};
}

const Member* find_member(const Shape& shape, std::string_view wire) {
  for (size_t i = 0; i < shape.member_count; ++i) {
    if (shape.members[i].location == Location::body && wire == shape.members[i].wire)
      return &shape.members[i];
  }
  return nullptr;
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

Status read_json_members(const Json& json, const Shape& shape, void* out, const Path* at, Seen& seen,
                         Violations& violations) {
  if (json.kind != Json::Kind::object) return cannot(json, "a Structure");
  for (const auto& [key, value] : json.object) {
    const Member* member = find_member(shape, key);
    if (member == nullptr || value.is_null()) continue;
    Path path{at, member->name};
    MEKONG_TRY(read_json_value(value, *member, member->set(out), &path, violations));
    seen.mark(*member);
  }
  return {};
}

Status read_json_value(const Json& json, const Member& member, void* out, const Path* at,
                       Violations& violations) {
  const Shape& shape = *member.shape;
  switch (shape.kind) {
    case Kind::string:
      if (json.kind != Json::Kind::string) return cannot(json, "String");
      *static_cast<std::string*>(out) = json.string;
      return {};
    case Kind::blob:
      if (json.kind != Json::Kind::string) return cannot(json, "ByteBuffer");
      return parse_scalar(member, json.string, TimeFormat::epoch, out);
    case Kind::boolean:
      if (json.kind != Json::Kind::boolean) return cannot(json, "Boolean");
      *static_cast<bool*>(out) = json.boolean;
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
      MEKONG_TRY(read_json_members(json, shape, out, at, seen, violations));
      seen.report(at, violations);
      return {};
    }
    case Kind::document:
      static_cast<Document*>(out)->json = json.dump();
      return {};
    case Kind::stream:
      break;
  }
  return cannot(json, "a stream");
}

void write_json_members(codec::JsonWriter& out, const Shape& shape, const void* value) {
  out.begin_object();
  for (size_t i = 0; i < shape.member_count; ++i) {
    const Member& member = shape.members[i];
    if (member.location != Location::body) continue;
    const void* field = member.get(value);
    if (field == nullptr) continue;
    out.key(member.wire);
    write_json_value(out, member, field);
  }
  out.end_object();
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
