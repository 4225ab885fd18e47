#include "api/decode.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <limits>

#include "api/types.h"
#include "codec/json.h"
#include "codec/text.h"
#include "codec/time.h"

namespace mekong::api {
namespace {

constexpr size_t kShownMax = 64;  // of a bad blob in a message

Error bad(std::string_view text, const char* wanted) {
  return Error{"SerializationException", fmt::format("'{}' can not be converted to {}", text, wanted)};
}

template <class T>
Status parse_number(std::string_view text, const char* wanted, void* out) {
  T value{};
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return bad(text, wanted);
  *static_cast<T*>(out) = value;
  return {};
}

template <class T>
Status parse_real(std::string_view text, void* out) {
  if (text == "NaN") {
    *static_cast<T*>(out) = std::numeric_limits<T>::quiet_NaN();
  } else if (text == "Infinity" || text == "-Infinity") {
    *static_cast<T*>(out) = (text[0] == '-' ? -1 : 1) * std::numeric_limits<T>::infinity();
  } else {
    return parse_number<T>(text, "a number", out);
  }
  return {};
}

std::string unquoted(std::string text) {
  return text.size() > 1 && text[0] == '"' ? text.substr(1, text.size() - 2) : text;
}

}  // namespace

std::string Path::text() const {
  std::string own;
  if (index > 0) {
    own = fmt::format("{}.member", index);
  } else {
    own = std::string(name);
    if (!own.empty() && own[0] >= 'A' && own[0] <= 'Z') own[0] = static_cast<char>(own[0] + 32);
  }
  return parent == nullptr ? own : parent->text() + "." + own;
}

void report_missing(const Path& path, Violations& out) {
  out.push_back({"null", path.text(), "Member must not be null", true});
}

void Seen::report(const Path* at, Violations& out) const {
  for (size_t i = 0; i < shape_.member_count; ++i) {
    if (shape_.members[i].required && !seen_[i]) report_missing(Path{at, shape_.members[i].name}, out);
  }
}

const Member* find_body_member(const Shape& shape, std::string_view wire, size_t& hint) {
  for (size_t i = 0; i < shape.member_count; ++i, ++hint) {
    if (hint >= shape.member_count) hint = 0;
    const Member& member = shape.members[hint];
    if (wire != member.wire || member.location != Location::body || member.event_header) continue;
    ++hint;
    return &member;
  }
  return nullptr;
}

bool written_in_body(const Member& member) {
  const bool here = member.location == Location::body || member.location == Location::query ||
                    member.location == Location::uri;
  return here && !member.event_header;
}

TimeFormat time_format(const Member& member, TimeFormat fallback) {
  if (member.time_format != TimeFormat::unset) return member.time_format;
  if (member.shape->time_format != TimeFormat::unset) return member.shape->time_format;
  return fallback;
}

Status parse_scalar(const Member& member, std::string_view text, TimeFormat fallback, void* out) {
  switch (member.shape->kind) {
    case Kind::string:
      static_cast<std::string*>(out)->assign(text);
      return {};
    case Kind::blob: {
      if (codec::base64_decode_to(text, *static_cast<std::string*>(out))) return {};
      return bad(text.substr(0, kShownMax), "bytes: it is not base64");
    }
    case Kind::boolean:
      if (text != "true" && text != "false") return bad(text, "a boolean");
      *static_cast<bool*>(out) = text == "true";
      return {};
    case Kind::int32:
      return parse_number<int32_t>(text, "an integer", out);
    case Kind::int64:
      return parse_number<int64_t>(text, "a long", out);
    case Kind::float32:
      return parse_real<float>(text, out);
    case Kind::float64:
      return parse_real<double>(text, out);
    case Kind::timestamp: {
      auto format = time_format(member, fallback);
      auto ms = format == TimeFormat::epoch    ? codec::parse_epoch_seconds(text)
                : format == TimeFormat::rfc822 ? codec::parse_rfc822(text)
                                               : codec::parse_iso8601(text);
      if (!ms) return bad(text, "a timestamp");
      static_cast<Timestamp*>(out)->ms = *ms;
      return {};
    }
    default:
      return bad(text, "a structure");
  }
}

std::string format_scalar(const Member& member, const void* value, TimeFormat fallback) {
  switch (member.shape->kind) {
    case Kind::string:
      return *static_cast<const std::string*>(value);
    case Kind::blob:
      return codec::base64_encode(*static_cast<const std::string*>(value));
    case Kind::boolean:
      return *static_cast<const bool*>(value) ? "true" : "false";
    case Kind::int32:
      return std::to_string(*static_cast<const int32_t*>(value));
    case Kind::int64:
      return std::to_string(*static_cast<const int64_t*>(value));
    case Kind::float32:
    case Kind::float64: {
      std::string out;
      if (member.shape->kind == Kind::float32) {
        codec::append_json_float(out, *static_cast<const float*>(value));
      } else {
        codec::append_json_double(out, *static_cast<const double*>(value));
      }
      return unquoted(std::move(out));
    }
    case Kind::timestamp: {
      int64_t ms = static_cast<const Timestamp*>(value)->ms;
      auto format = time_format(member, fallback);
      if (format == TimeFormat::epoch) return codec::format_epoch_seconds(ms);
      if (format == TimeFormat::iso8601_millis) return codec::format_iso8601_millis(ms - ms % 1000);
      return format == TimeFormat::rfc822 ? codec::format_rfc822(ms) : codec::format_iso8601(ms);
    }
    case Kind::document:
      return static_cast<const Document*>(value)->json;
    default:
      return {};
  }
}

}  // namespace mekong::api
