// What the services' tag operations share: the rules for a tag, and the condition keys that policies see.
// https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/authoriser.h"

namespace mekong::api {

using Tags = std::map<std::string, std::string>;

inline constexpr size_t tags_max = 50;  // on one resource, in every service

// For Context::authorise(resource, extra): aws:RequestTag/KEY and aws:TagKeys of a request that sets tags,
// aws:TagKeys of one that takes them away, aws:ResourceTag/KEY of the resource as it stands. Where several
// apply: `extra.merge(resource_tags(…))`.
ConditionContext request_tags(const Tags& tags);
ConditionContext tag_keys(const std::vector<std::string>& keys);
ConditionContext resource_tags(const Tags& tags);

// 1 to 128 letters, digits, spaces and _ . : / = + - @ (key) or 0 to 256 (value), in UTF-8. The prefix aws:
// is AWS's own. The caller words the refusal: each service has its own.
enum class TagFault { none, key, value, reserved };
TagFault check_tag(std::string_view key, std::string_view value);
// Of the first that has one.
TagFault check_tags(const Tags& tags);

}  // namespace mekong::api
