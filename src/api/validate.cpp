#include "api/validate.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>

namespace mekong::api {
namespace {

constexpr size_t kValueShownMax = 1024;

size_t utf8_length(std::string_view text) {
  size_t count = 0;
  for (char c : text) count += (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  return count;
}

std::string shown(std::string_view value) {
  return "'" + std::string(value.substr(0, kValueShownMax)) + "'";
}

void add(Violations& out, const std::string& value, const Path* at, const std::string& constraint) {
  out.push_back({value, at == nullptr ? "" : at->text(), constraint});
}

// `unit`: "length" or "value".
void check_bounds(const Shape& shape, double measured, const char* unit, const std::string& value,
                  const Path* at, Violations& out) {
  auto text = [&](const char* word, double bound) {
    return fmt::format("Member must have {} {} than or equal to {}", unit, word, static_cast<int64_t>(bound));
  };
  if (shape.has_min && measured < shape.min) add(out, value, at, text("greater", shape.min));
  if (shape.has_max && measured > shape.max) add(out, value, at, text("less", shape.max));
}

template <class T>
void check_number(const Shape& shape, const void* value, const Path* at, Violations& out) {
  auto number = *static_cast<const T*>(value);
  check_bounds(shape, static_cast<double>(number), "value", fmt::format("'{}'", number), at, out);
}

}  // namespace

struct Validator::Patterns {
  std::shared_mutex mutex;
  std::map<const char*, std::unique_ptr<re2::RE2>> compiled;
  const re2::RE2& get(const char* pattern) {
    {
      std::shared_lock lock(mutex);
      if (auto found = compiled.find(pattern); found != compiled.end()) return *found->second;
    }
    std::unique_lock lock(mutex);
    auto& entry = compiled[pattern];
    if (entry == nullptr) {
      re2::RE2::Options options;
      options.set_log_errors(false);
      options.set_dot_nl(false);
      entry = std::make_unique<re2::RE2>(pattern, options);
    }
    return *entry;
  }
};

Validator::Validator() : patterns_(std::make_unique<Patterns>()) {}
Validator::~Validator() = default;

void Validator::check(const Shape& shape, const void* value, Violations& violations) const {
  check_value(shape, value, nullptr, violations);
}

void Validator::check_string(const Shape& shape, const std::string& value, const Path* at,
                             Violations& violations) const {
  if (shape.enum_count > 0) {
    auto end = shape.enum_values + shape.enum_count;
    if (std::find(shape.enum_values, end, std::string_view(value)) != end) return;
    auto all = fmt::format("{}", fmt::join(shape.enum_values, end, ", "));
    add(violations, shown(value), at, "Member must satisfy enum value set: [" + all + "]");
    return;
  }
  check_bounds(shape, static_cast<double>(utf8_length(value)), "length", shown(value), at, violations);
  if (shape.pattern == nullptr) return;
  const auto& pattern = patterns_->get(shape.pattern);
  // A pattern that RE2 cannot express is not held against the caller: it is not in the table at all.
  if (pattern.ok() && !re2::RE2::FullMatch(value, pattern)) {
    add(violations, shown(value), at,
        fmt::format("Member must satisfy regular expression pattern: {}", shape.pattern));
  }
}

void Validator::check_value(const Shape& shape, const void* value, const Path* at,
                            Violations& violations) const {
  switch (shape.kind) {
    case Kind::structure:
      for (size_t i = 0; i < shape.member_count; ++i) {
        const void* field = shape.members[i].get(value);
        Path path{at, shape.members[i].name};
        if (field != nullptr) check_value(*shape.members[i].shape, field, &path, violations);
      }
      return;
    case Kind::list: {
      size_t count = shape.list->size(value);
      check_bounds(shape, static_cast<double>(count), "length", "'[]'", at, violations);
      for (size_t i = 0; i < count; ++i) {
        Path path{at, {}, i + 1};
        check_value(*shape.value->shape, shape.list->at(value, i), &path, violations);
      }
      return;
    }
    case Kind::map: {
      check_bounds(shape, static_cast<double>(shape.map->size(value)), "length", "'{}'", at, violations);
      struct Visit {
        const Validator& self;
        const Shape& shape;
        const Path* at;
        Violations& violations;
      } visit{*this, shape, at, violations};
      shape.map->each(value, &visit, [](void* context, const std::string& key, const void* element) {
        auto& to = *static_cast<Visit*>(context);
        Path path{to.at, key};
        to.self.check_string(*to.shape.key->shape, key, &path, to.violations);
        to.self.check_value(*to.shape.value->shape, element, &path, to.violations);
      });
      return;
    }
    case Kind::string:
      return check_string(shape, *static_cast<const std::string*>(value), at, violations);
    case Kind::blob: {
      auto size = static_cast<const std::string*>(value)->size();
      return check_bounds(shape, static_cast<double>(size), "length", "'java.nio.HeapByteBuffer'", at,
                          violations);
    }
    case Kind::int32:
      return check_number<int32_t>(shape, value, at, violations);
    case Kind::int64:
      return check_number<int64_t>(shape, value, at, violations);
    case Kind::float32:
      return check_number<float>(shape, value, at, violations);
    case Kind::float64:
      return check_number<double>(shape, value, at, violations);
    default:
      return;
  }
}

}  // namespace mekong::api
