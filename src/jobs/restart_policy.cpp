#include "jobs/restart_policy.h"

#include <cstddef>

namespace mekong::jobs {
namespace {

constexpr int64_t hour_ms = 3'600'000;

}  // namespace

bool tries_again(const RestartPolicy& policy, int32_t attempt, std::vector<int64_t>& failures_ms,
                 int64_t now_ms) {
  if (policy.attempts_max > 0) return attempt < policy.attempts_max;
  failures_ms.push_back(now_ms);
  std::erase_if(failures_ms, [&](int64_t at_ms) { return at_ms <= now_ms - hour_ms; });
  return failures_ms.size() <= static_cast<std::size_t>(policy.failures_per_hour_max);
}

}  // namespace mekong::jobs
