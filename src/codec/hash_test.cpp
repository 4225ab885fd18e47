#include "codec/hash.h"

#include <gtest/gtest.h>
#include <signal.h>

namespace mekong::codec {
namespace {

volatile int64_t steps = 0;

void count_step(int) {
  steps = steps + 1;
}

// How many instructions `work` takes, counted one by one: no clock, no noise. -1 where that cannot be done.
template <class Work>
int64_t instructions(const Work& work) {
#if defined(__x86_64__)
  struct sigaction counting = {}, before = {};
  counting.sa_handler = count_step;
  sigaction(SIGTRAP, &counting, &before);
  steps = 0;
  // The processor's trap flag, set and cleared below what the compiler may keep under the stack's end.
  asm volatile("subq $128, %%rsp; pushfq; orq $0x100, (%%rsp); popfq; addq $128, %%rsp" ::: "memory", "cc");
  work();
  asm volatile("subq $128, %%rsp; pushfq; andq $-0x101, (%%rsp); popfq; addq $128, %%rsp" ::: "memory", "cc");
  sigaction(SIGTRAP, &before, nullptr);
  return steps;
#else
  static_cast<void>(work);
  return -1;
#endif
}

TEST(Secrets, AreTheSameOrNot) {
  EXPECT_TRUE(equal_in_constant_time("", ""));
  EXPECT_TRUE(equal_in_constant_time("abc", "abc"));
  EXPECT_FALSE(equal_in_constant_time("abc", "abd"));
  EXPECT_FALSE(equal_in_constant_time("abc", "ab"));
  EXPECT_FALSE(equal_in_constant_time("abc", "abcd"));
}

TEST(Secrets, ComparesSecretsByTheSameInstructionsWhereverTheyDiffer) {
  const std::string secret(64, 'a');
  const auto cost = [&](const std::string& guess) {
    bool same = false;
    const auto count = instructions([&] { same = equal_in_constant_time(secret, guess); });
    EXPECT_EQ(same, secret.compare(guess) == 0);
    return count;
  };
  static_cast<void>(cost(secret));  // the first call finds its library
  const auto whole = cost(secret);
  if (whole < 0) GTEST_SKIP() << "instructions are counted on x86-64 only";
  ASSERT_GT(whole, 64);  // the counting works
  for (size_t at = 0; at < secret.size(); ++at) {
    auto guess = secret;
    guess[at] = 'b';
    ASSERT_EQ(cost(guess), whole) << "differs first at " << at;
    ASSERT_EQ(cost(guess.substr(0, at) + std::string(64 - at, 'z')), whole) << "right up to " << at;
  }
}

}  // namespace
}  // namespace mekong::codec
