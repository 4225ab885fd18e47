#include "jobs/restart_policy.h"

#include <gtest/gtest.h>

namespace mekong::jobs {
namespace {

TEST(RestartPolicyTest, so_many_attempts_in_all) {
  std::vector<int64_t> failures_ms;
  EXPECT_FALSE(tries_again({}, 1, failures_ms, 0));
  EXPECT_TRUE(tries_again({.attempts_max = 3}, 2, failures_ms, 0));
  EXPECT_FALSE(tries_again({.attempts_max = 3}, 3, failures_ms, 0));
  EXPECT_TRUE(failures_ms.empty());
}

TEST(RestartPolicyTest, so_many_failures_within_an_hour) {
  constexpr int64_t minute_ms = 60'000;
  const RestartPolicy policy{.attempts_max = 0, .failures_per_hour_max = 2};
  std::vector<int64_t> failures_ms;
  EXPECT_TRUE(tries_again(policy, 1, failures_ms, 0));
  EXPECT_TRUE(tries_again(policy, 2, failures_ms, 30 * minute_ms));
  EXPECT_TRUE(tries_again(policy, 3, failures_ms, 60 * minute_ms));  // the first was an hour ago
  EXPECT_FALSE(tries_again(policy, 4, failures_ms, 89 * minute_ms));
  EXPECT_EQ(failures_ms.size(), 3U);
  EXPECT_FALSE(tries_again({.attempts_max = 0}, 1, failures_ms, 500 * minute_ms));
}

}  // namespace
}  // namespace mekong::jobs
