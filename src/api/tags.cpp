#include "api/tags.h"

#include <algorithm>

#include "codec/text.h"

namespace mekong::api {
namespace {

constexpr size_t key_characters_max = 128, value_characters_max = 256;

bool is_allowed(char c) {
  const bool letter =
      (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || static_cast<unsigned char>(c) >= 0x80;
  return letter || (c >= '0' && c <= '9') || std::string_view(" _.:/=+-@").find(c) != std::string_view::npos;
}

size_t characters(std::string_view utf8) {
  return static_cast<size_t>(
      std::ranges::count_if(utf8, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

}  // namespace

ConditionContext request_tags(const Tags& tags) {
  ConditionContext context;
  for (const auto& [key, value] : tags) {
    context["aws:RequestTag/" + key] = {value};
    context["aws:TagKeys"].push_back(key);
  }
  return context;
}

ConditionContext tag_keys(const std::vector<std::string>& keys) {
  return keys.empty() ? ConditionContext{} : ConditionContext{{"aws:TagKeys", keys}};
}

ConditionContext resource_tags(const Tags& tags) {
  ConditionContext context;
  for (const auto& [key, value] : tags) context["aws:ResourceTag/" + key] = {value};
  return context;
}

TagFault check_tag(std::string_view key, std::string_view value) {
  if (codec::equal_no_case(key.substr(0, 4), "aws:")) return TagFault::reserved;
  if (key.empty() || characters(key) > key_characters_max || !std::ranges::all_of(key, is_allowed)) {
    return TagFault::key;
  }
  const bool fits = characters(value) <= value_characters_max && std::ranges::all_of(value, is_allowed);
  return fits ? TagFault::none : TagFault::value;
}

TagFault check_tags(const Tags& tags) {
  for (const auto& [key, value] : tags) {
    const TagFault fault = check_tag(key, value);
    if (fault != TagFault::none) return fault;
  }
  return TagFault::none;
}

}  // namespace mekong::api
