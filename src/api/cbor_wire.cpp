#include "api/cbor_wire.h"

#include <fmt/format.h>

#include <cmath>

#include "api/json_wire.h"
#include "api/types.h"

namespace mekong::api {
namespace {

using codec::CborReader;
using Kinds = CborReader::Kind;

const char* kind_name(Kinds kind) {
  switch (kind) {
    case Kinds::integer:
      return "an integer";
    case Kinds::real:
      return "a float";
    case Kinds::bytes:
      return "a byte string";
    case Kinds::text:
      return "a text string";
    case Kinds::array:
      return "an array";
    case Kinds::map:
      return "a map";
    case Kinds::boolean:
      return "a boolean";
    case Kinds::null:
      return "null";
    default:
      return "malformed CBOR";
  }
}

Error broken() {
  return Error{"SerializationException", "the body is not well-formed CBOR"};
}

Error cannot(CborReader& in, const char* wanted) {
  return Error{"SerializationException",
               fmt::format("{} can not be converted to {}", kind_name(in.kind()), wanted)};
}

class Reader {
 public:
  Reader(CborReader& in, CborTime time, Violations& violations)
      : in_(in), time_(time), violations_(violations) {}

  Status members(const Shape& shape, void* out, const Path* at, Seen& seen) {
    if (in_.kind() != Kinds::map) return cannot(in_, "a Structure");
    auto pairs = in_.open(Kinds::map);
    size_t hint = 0;
    while (in_.more(pairs)) {
      const Member* member = find_body_member(shape, in_.text(), hint);
      if (member == nullptr || in_.kind() == Kinds::null) {
        in_.skip();
        continue;
      }
      Path path{at, member->name};
      MEKONG_TRY(value(*member, member->set(out), &path));
      seen.mark(*member);
    }
    return in_.failed() ? Status(broken()) : ok();
  }

 private:
  Status value(const Member& member, void* out, const Path* at);
  Status scalar(const Member& member, void* out);
  Status integer(bool wide, void* out);
  Status list(const Shape& shape, void* out, const Path* at);
  Status map(const Shape& shape, void* out, const Path* at);

  CborReader& in_;
  const CborTime time_;
  Violations& violations_;
};

Status Reader::list(const Shape& shape, void* out, const Path* at) {
  if (in_.kind() != Kinds::array) return cannot(in_, "a List");
  auto items = in_.open(Kinds::array);
  size_t index = 0;
  while (in_.more(items)) {
    Path path{at, {}, ++index};
    if (in_.kind() == Kinds::null) {
      in_.null();
      report_missing(path, violations_);
      continue;
    }
    MEKONG_TRY(value(*shape.value, shape.list->append(out), &path));
  }
  return in_.failed() ? Status(broken()) : ok();
}

Status Reader::map(const Shape& shape, void* out, const Path* at) {
  if (in_.kind() != Kinds::map) return cannot(in_, "a Map");
  auto pairs = in_.open(Kinds::map);
  while (in_.more(pairs)) {
    std::string key(in_.text());
    Path path{at, key};
    if (in_.kind() == Kinds::null) {
      in_.null();
      continue;
    }
    MEKONG_TRY(value(*shape.value, shape.map->insert(out, key), &path));
  }
  return in_.failed() ? Status(broken()) : ok();
}

Status Reader::integer(bool wide, void* out) {
  const char* wanted = wide ? "Long" : "Integer";
  int64_t number = 0;
  if (in_.kind() == Kinds::integer) {
    number = in_.integer();
  } else if (in_.kind() == Kinds::real) {
    const double real = in_.real();
    if (real != std::floor(real) || std::abs(real) >= 9e18)
      return Error{"SerializationException", fmt::format("{} can not be converted to {}", real, wanted)};
    number = static_cast<int64_t>(real);
  } else {
    return cannot(in_, wanted);
  }
  if (in_.failed()) return broken();
  if (wide) {
    *static_cast<int64_t*>(out) = number;
  } else if (number < INT32_MIN || number > INT32_MAX) {
    return Error{"SerializationException", fmt::format("{} can not be converted to Integer", number)};
  } else {
    *static_cast<int32_t*>(out) = static_cast<int32_t>(number);
  }
  return {};
}

Status Reader::scalar(const Member& member, void* out) {
  const auto kind = in_.kind();
  const bool number = kind == Kinds::integer || kind == Kinds::real;
  switch (member.shape->kind) {
    case Kind::string:
      if (kind != Kinds::text) return cannot(in_, "String");
      static_cast<std::string*>(out)->assign(in_.text());
      break;
    case Kind::blob:
      if (kind != Kinds::bytes) return cannot(in_, "ByteBuffer");
      in_.bytes(*static_cast<std::string*>(out));
      break;
    case Kind::boolean:
      if (kind != Kinds::boolean) return cannot(in_, "Boolean");
      *static_cast<bool*>(out) = in_.boolean();
      break;
    case Kind::int32:
    case Kind::int64:
      return integer(member.shape->kind == Kind::int64, out);
    case Kind::float32:
      if (!number) return cannot(in_, "Float");
      *static_cast<float*>(out) = static_cast<float>(in_.real());
      break;
    case Kind::float64:
      if (!number) return cannot(in_, "Double");
      *static_cast<double*>(out) = in_.real();
      break;
    case Kind::timestamp: {
      if (!number) return cannot(in_, "Timestamp");
      const double time = in_.real() * (time_ == CborTime::seconds ? 1000 : 1);
      if (!(std::abs(time) < 9e18)) return Error{"SerializationException", "the timestamp is out of range"};
      static_cast<Timestamp*>(out)->ms = std::llround(time);
      break;
    }
    default:
      return cannot(in_, "a value of this kind in CBOR");
  }
  return in_.failed() ? Status(broken()) : ok();
}

Status Reader::value(const Member& member, void* out, const Path* at) {
  const Shape& shape = *member.shape;
  if (shape.kind == Kind::list) return list(shape, out, at);
  if (shape.kind == Kind::map) return map(shape, out, at);
  if (shape.kind != Kind::structure) return scalar(member, out);
  Seen seen(shape);
  MEKONG_TRY(members(shape, out, at, seen));
  seen.report(at, violations_);
  return {};
}

void write_value(codec::CborWriter& out, const Member& member, CborTime time, const void* value) {
  const Shape& shape = *member.shape;
  switch (shape.kind) {
    case Kind::string:
      return out.text(*static_cast<const std::string*>(value));
    case Kind::blob:
      return out.bytes(*static_cast<const std::string*>(value));
    case Kind::boolean:
      return out.boolean(*static_cast<const bool*>(value));
    case Kind::int32:
      return out.integer(*static_cast<const int32_t*>(value));
    case Kind::int64:
      return out.integer(*static_cast<const int64_t*>(value));
    case Kind::float32:
      return out.real(*static_cast<const float*>(value));
    case Kind::float64:
      return out.real(*static_cast<const double*>(value));
    case Kind::timestamp: {
      const int64_t ms = static_cast<const Timestamp*>(value)->ms;
      out.tag(1);
      return time == CborTime::milliseconds ? out.integer(ms) : out.real(static_cast<double>(ms) / 1000);
    }
    case Kind::structure:
      return write_cbor_members(out, shape, time, value);
    case Kind::list:
      out.array(shape.list->size(value));
      for (size_t i = 0; i < shape.list->size(value); ++i)
        write_value(out, *shape.value, time, shape.list->at(value, i));
      return;
    case Kind::map: {
      struct Visit {
        codec::CborWriter& out;
        const Member& value;
        CborTime time;
      } visit{out, *shape.value, time};
      out.map(shape.map->size(value));
      shape.map->each(value, &visit, [](void* context, const std::string& key, const void* element) {
        auto& to = *static_cast<Visit*>(context);
        to.out.text(key);
        write_value(to.out, to.value, to.time, element);
      });
      return;
    }
    case Kind::document:  // no model with this protocol has one
    case Kind::stream:
      return out.null();
  }
}

}  // namespace

Status read_cbor_members(std::string_view cbor, const Shape& shape, CborTime time, void* out, Seen& seen,
                         Violations& violations) {
  CborReader in(cbor);
  MEKONG_TRY(Reader(in, time, violations).members(shape, out, nullptr, seen));
  return in.at_end() ? ok() : Status(broken());
}

size_t count_cbor_pairs(const Shape& shape, const void* value, std::string_view without) {
  size_t count = 0;
  for (size_t i = 0; i < shape.member_count; ++i) {
    const Member& member = shape.members[i];
    if (written_in_body(member) && member.get(value) != nullptr && without != member.wire) ++count;
  }
  return count;
}

void write_cbor_pairs(codec::CborWriter& out, const Shape& shape, CborTime time, const void* value,
                      std::string_view without) {
  for (size_t i = 0; i < shape.member_count; ++i) {
    const Member& member = shape.members[i];
    const void* field = written_in_body(member) ? member.get(value) : nullptr;
    if (field == nullptr || without == member.wire) continue;
    out.text(member.wire);
    write_value(out, member, time, field);
  }
}

void write_cbor_members(codec::CborWriter& out, const Shape& shape, CborTime time, const void* value) {
  out.map(count_cbor_pairs(shape, value));
  write_cbor_pairs(out, shape, time, value);
}

}  // namespace mekong::api
