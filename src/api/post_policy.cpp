#include "api/post_policy.h"

#include <algorithm>
#include <charconv>

#include "codec/json.h"
#include "codec/text.h"
#include "codec/time.h"

namespace mekong::api {
namespace {

using codec::Json;

Error invalid(std::string_view what) {
  return {"InvalidPolicyDocument", "Invalid Policy: " + std::string(what), 400};
}

Error against(const std::string& what) {
  return {"AccessDenied", "Invalid according to Policy: " + what, 403};
}

Result<int64_t> whole_number(const Json& value) {
  if (value.kind == Json::Kind::integer && value.integer >= 0) return value.integer;
  int64_t number = -1;
  const char* end = value.string.data() + value.string.size();
  const auto [stop, failed] = std::from_chars(value.string.data(), end, number);
  if (value.kind != Json::Kind::string || failed != std::errc() || stop != end || number < 0)
    return invalid("Invalid content-length-range.");
  return number;
}

// ["eq", "$field", "value"], ["starts-with", "$field", "value"], ["content-length-range", 1, 10]
Status add_triple(const Json& triple, PostPolicy& policy) {
  if (triple.array.size() != 3 || triple.array[0].kind != Json::Kind::string)
    return invalid("Invalid Condition: wrong number of arguments: " + triple.dump());
  const std::string kind = codec::lower_case(triple.array[0].string);
  if (kind == "content-length-range") {
    MEKONG_TRY_ASSIGN(const int64_t low, whole_number(triple.array[1]));
    MEKONG_TRY_ASSIGN(const int64_t high, whole_number(triple.array[2]));
    policy.bytes_min = std::max(policy.bytes_min, low);
    policy.bytes_max = std::min(policy.bytes_max, high);
    return ok();
  }
  if (kind != "eq" && kind != "starts-with")
    return invalid("Invalid Condition: unknown operation '" + triple.array[0].string + "'.");
  const Json &field = triple.array[1], &value = triple.array[2];
  if (field.kind != Json::Kind::string || !field.string.starts_with('$') || value.kind != Json::Kind::string)
    return invalid("Invalid Condition: " + triple.dump());
  policy.conditions.push_back(
      {kind == "starts-with", codec::lower_case(field.string.substr(1)), value.string});
  return ok();
}

Status add_condition(const Json& condition, PostPolicy& policy) {
  if (condition.kind == Json::Kind::array) return add_triple(condition, policy);
  if (condition.kind != Json::Kind::object || condition.object.size() != 1 ||
      condition.object[0].value.kind != Json::Kind::string)
    return invalid("Invalid Simple-Condition: Simple-Conditions must have exactly one property specified.");
  const auto& [field, value] = condition.object[0];
  policy.conditions.push_back({false, codec::lower_case(field), value.string});
  return ok();
}

bool begins(std::string_view text, const PostPolicy::Condition& condition) {
  if (condition.field != "content-type") return text.starts_with(condition.value);
  // A list of types: each must.
  while (true) {
    const size_t comma = text.find(',');
    if (!codec::trim(text.substr(0, comma)).starts_with(condition.value)) return false;
    if (comma == std::string_view::npos) return true;
    text.remove_prefix(comma + 1);
  }
}

std::string told(const PostPolicy::Condition& condition) {
  std::string out = condition.starts_with ? "[\"starts-with\", " : "[\"eq\", ";
  codec::append_json_string(out, "$" + condition.field);
  out += ", ";
  codec::append_json_string(out, condition.value);
  return out + "]";
}

bool needs_no_condition(std::string_view field) {
  return field == "policy" || field == "x-amz-signature" || field == "file" || field.starts_with("x-ignore-");
}

}  // namespace

Result<PostPolicy> parse_post_policy(std::string_view json) {
  auto parsed = codec::parse_json(json);
  if (!parsed.ok() || parsed->kind != Json::Kind::object) return invalid("Invalid JSON.");
  PostPolicy policy;
  bool dated = false, conditioned = false;
  for (const auto& [name, value] : parsed->object) {
    if (name == "expiration" && !dated) {
      const auto at_ms = codec::parse_iso8601(value.string);
      if (!at_ms) return invalid("Invalid 'expiration' value: '" + value.string + "'");
      policy.expiration_ms = *at_ms;
      dated = true;
    } else if (name == "conditions" && !conditioned && value.kind == Json::Kind::array) {
      for (const Json& condition : value.array) MEKONG_TRY(add_condition(condition, policy));
      conditioned = true;
    } else {
      return invalid("Unexpected: '" + name + "'.");
    }
  }
  if (!dated) return invalid("Policy missing expiration.");
  if (!conditioned) return invalid("Policy missing conditions.");
  return policy;
}

Status check_post_policy(const PostPolicy& policy, const FormFields& fields, int64_t now_ms) {
  if (now_ms >= policy.expiration_ms) return against("Policy expired.");
  for (const auto& condition : policy.conditions) {
    const auto field = fields.find(condition.field);
    const bool holds = field != fields.end() && (condition.starts_with ? begins(field->second, condition)
                                                                       : field->second == condition.value);
    if (!holds) return against("Policy Condition failed: " + told(condition));
  }
  std::string extra;
  for (const auto& [name, value] : fields) {
    const bool named = std::ranges::any_of(policy.conditions,
                                           [&](const auto& condition) { return condition.field == name; });
    if (!named && !needs_no_condition(name)) extra += (extra.empty() ? "" : ", ") + name;
  }
  if (!extra.empty()) return against("Extra input fields: " + extra);
  return ok();
}

}  // namespace mekong::api
