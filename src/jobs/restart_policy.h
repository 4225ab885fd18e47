// Whether a job that failed is run again: a rule of its owner, who keeps the failures with the job's record,
// so that it holds over restarts of the server, too. A job that was cancelled, or ended well, is none of its.
#pragma once
#include <cstdint>
#include <vector>

namespace mekong::jobs {

struct RestartPolicy {
  // A job with an end of its own: so many attempts in all. 0: the other rule, for jobs without one.
  int32_t attempts_max = 1;
  int32_t failures_per_hour_max = 0;  // one more than so many within an hour is the end
};

// After the failure at `now_ms` of attempt `attempt` (from 1). `failures_ms`: of the failures before, as this
// function left it; what is older than an hour is dropped.
bool tries_again(const RestartPolicy& policy, int32_t attempt, std::vector<int64_t>& failures_ms,
                 int64_t now_ms);

}  // namespace mekong::jobs
