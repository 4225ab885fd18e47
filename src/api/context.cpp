#include "api/context.h"

#include <fmt/format.h>

namespace mekong::api {

Status Context::authorise(std::string_view resource, ConditionContext extra) {
  MEKONG_TRY(authorise_action(action, resource, std::move(extra)));
  authorised = true;
  return {};
}

Status Context::authorise_action(std::string_view wanted, std::string_view resource,
                                 ConditionContext extra) const {
  extra.insert(conditions.begin(), conditions.end());
  auto decision = authoriser->decide({.principal = *principal,
                                      .action = wanted,
                                      .resource = resource,
                                      .context = std::move(extra),
                                      .known = known,
                                      .request_id = request_id});
  if (decision.allowed) return {};
  denial_message = std::move(decision.encoded_message);
  auto reason = decision.reason.empty()
                    ? fmt::format("because no identity-based policy allows the {} action", wanted)
                    : std::move(decision.reason);
  return Error{"AccessDenied",
               fmt::format("User: {} is not authorized to perform: {} on resource: {} {}",
                           principal->arn.empty() ? "anonymous" : principal->arn, wanted, resource, reason)};
}

}  // namespace mekong::api
