#include "services/athena/service.h"

#include <fmt/format.h>

#include "codec/text.h"
#include "services/athena/shared.h"

namespace mekong::athena {

Error invalid(std::string message, const char* code) {
  return {"InvalidRequestException", std::move(message), 0, {{"AthenaErrorCode", code}}};
}

Error unbuilt(std::string_view operation, std::string_view parameter) {
  return {"NotImplemented", fmt::format("{}: parameter {} is not implemented", operation, parameter)};
}

std::string group_arn(const api::Context& ctx, std::string_view work_group) {
  return fmt::format("arn:aws:athena:{}:{}:workgroup/{}", ctx.region.value, ctx.account.value, work_group);
}

Result<std::string> after_of(const std::optional<std::string>& token) {
  if (!token) return std::string();
  auto decoded = codec::base64_decode(*token);
  if (!decoded || decoded->empty()) return invalid("NextToken is not one that was handed out.");
  return std::move(*decoded);
}

std::optional<std::string> token_of(const std::string& next) {
  return next.empty() ? std::nullopt : std::optional(codec::base64_encode(next));
}

Service::Service(Engines engines, meta::Store& meta, int concurrent)
    : engines_(engines), records_(meta), runner_(engines, records_, concurrent) {}

Status Service::start() {
  MEKONG_TRY_ASSIGN(auto left, records_.unfinished());
  for (auto& execution : left) {
    execution.state = "FAILED";
    execution.reason = "The server was restarted while the query ran";
    execution.error_category = 1;
    execution.completed_ms = engines_.clock.wall_ms();
    MEKONG_TRY(runner_.end(execution));
  }
  return ok();
}

Result<WorkGroup> Service::group(api::Context& ctx, const std::string& name) const {
  MEKONG_TRY_ASSIGN(auto found, records_.find<WorkGroup>(ctx.scope(), name));
  if (!found) return invalid(fmt::format("WorkGroup {} is not found.", name));
  return std::move(*found);
}

}  // namespace mekong::athena
