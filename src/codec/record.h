// Domain structs as JSON records: what services keep in meta.
//
// A struct names its fields once:
//   struct Role { std::string name; std::vector<Tag> tags;
//                 template <class F> void each_field(F&& f) { f("Name", name), f("Tags", tags); } };
// Fields are strings (any bytes), bool, int32/int64/uint32/uint64, double, enums (as numbers), std::optional,
// std::vector, std::map<std::string, T> and nested structs. Empty fields (false, zero, empty, absent) are
// left out; a field that is missing when read keeps its default, and an unknown one is ignored, so records
// outlive a change of their struct. Pure functions: any thread.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/result.h"

namespace mekong::codec {

namespace record {

void write_string(std::string& out, std::string_view text);
void write_double(std::string& out, double number);

// A node of a parsed record. Wrong types read as "not there".
class Node {
 public:
  explicit Node(const void* value) : value_(value) {}
  std::optional<std::string_view> text() const;
  std::optional<int64_t> integer() const;
  std::optional<double> number() const;
  std::optional<bool> boolean() const;
  // Null when there is no such member.
  const void* member(std::string_view name) const;
  void each_item(const std::function<void(Node)>& visit) const;
  void each_member(const std::function<void(std::string_view, Node)>& visit) const;
  bool is_object() const;

 private:
  const void* value_;
};

class Document {
 public:
  static Result<Document> parse(std::string_view json);
  Document(Document&&) noexcept;
  ~Document();
  Node root() const;

 private:
  struct Impl;
  explicit Document(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

template <class T>
struct IsOptional : std::false_type {};
template <class T>
struct IsOptional<std::optional<T>> : std::true_type {};
template <class T>
struct IsVector : std::false_type {};
template <class T>
struct IsVector<std::vector<T>> : std::true_type {};
template <class T>
struct IsMap : std::false_type {};
template <class T>
struct IsMap<std::map<std::string, T>> : std::true_type {};

template <class T>
bool is_empty(const T& value) {
  if constexpr (IsOptional<T>::value) {
    return !value.has_value();
  } else if constexpr (requires { value.empty(); }) {
    return value.empty();
  } else {
    return false;
  }
}

template <class T>
void write(std::string& out, const T& value) {
  if constexpr (std::is_same_v<T, std::string>) {
    write_string(out, value);
  } else if constexpr (std::is_same_v<T, bool>) {
    out += value ? "true" : "false";
  } else if constexpr (std::is_floating_point_v<T>) {
    write_double(out, value);
  } else if constexpr (std::is_enum_v<T>) {
    out += std::to_string(static_cast<int64_t>(value));
  } else if constexpr (std::is_integral_v<T>) {
    out += std::to_string(value);
  } else if constexpr (IsOptional<T>::value) {
    write(out, *value);
  } else if constexpr (IsVector<T>::value) {
    out += '[';
    for (size_t i = 0; i < value.size(); ++i) {
      if (i > 0) out += ',';
      write<typename T::value_type>(out, value[i]);
    }
    out += ']';
  } else if constexpr (IsMap<T>::value) {
    out += '{';
    for (const auto& [key, item] : value) {
      if (out.back() != '{') out += ',';
      write_string(out, key);
      out += ':';
      write(out, item);
    }
    out += '}';
  } else {
    out += '{';
    bool first = true;
    // each_field serves reading and writing alike, so it is not const; this visitor changes nothing.
    const_cast<T&>(value).each_field([&](std::string_view name, auto& field) {
      if (is_empty(field)) return;
      if (!first) out += ',';
      first = false;
      write_string(out, name);
      out += ':';
      write(out, field);
    });
    out += '}';
  }
}

template <class T>
void read(Node node, T& value) {
  if constexpr (std::is_same_v<T, std::string>) {
    if (const auto text = node.text()) value = *text;
  } else if constexpr (std::is_same_v<T, bool>) {
    if (const auto boolean = node.boolean()) value = *boolean;
  } else if constexpr (std::is_floating_point_v<T>) {
    if (const auto number = node.number()) value = *number;
  } else if constexpr (std::is_enum_v<T> || std::is_integral_v<T>) {
    if (const auto integer = node.integer()) value = static_cast<T>(*integer);
  } else if constexpr (IsOptional<T>::value) {
    read(node, value.emplace());
  } else if constexpr (IsVector<T>::value) {
    value.clear();
    node.each_item([&](Node item) {
      typename T::value_type element{};
      read(item, element);
      value.push_back(std::move(element));
    });
  } else if constexpr (IsMap<T>::value) {
    value.clear();
    node.each_member([&](std::string_view key, Node item) { read(item, value[std::string(key)]); });
  } else {
    value.each_field([&](std::string_view name, auto& field) {
      if (const void* found = node.member(name)) read(Node(found), field);
    });
  }
}

}  // namespace record

template <class T>
std::string encode_record(const T& value) {
  std::string out;
  record::write(out, value);
  return out;
}

// Fails with "CorruptRecord" when the bytes are no JSON object.
template <class T>
Result<T> decode_record(std::string_view bytes) {
  auto document = record::Document::parse(bytes);
  if (!document.ok()) return std::move(document).error();
  T value{};
  record::read(document->root(), value);
  return value;
}

}  // namespace mekong::codec
