// What the handlers of Athena have in common.
#pragma once
#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

#include "base/called_via.h"
#include "base/result.h"

namespace mekong::api {
struct Context;
}

namespace mekong::athena {

// Athena reads and writes for its caller, with the caller's permissions.
inline constexpr CalledVia called_via("athena.amazonaws.com");

Error invalid(std::string message, const char* code = "INVALID_INPUT");
Error unbuilt(std::string_view operation, std::string_view parameter);

std::string group_arn(const api::Context& ctx, std::string_view work_group);

// Tokens of lists: the key to go on after, in base64.
Result<std::string> after_of(const std::optional<std::string>& token);
std::optional<std::string> token_of(const std::string& next);
inline size_t limit_of(std::optional<int32_t> asked, int32_t most) {
  return static_cast<size_t>(std::clamp(asked.value_or(most), 1, most));
}

}  // namespace mekong::athena
