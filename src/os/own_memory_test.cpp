#include "os/own_memory.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cstring>
#include <memory>
#include <new>
#include <thread>
#include <vector>

namespace mekong::os {
namespace {

TEST(OwnMemoryTest, a_process_without_memory_says_so_and_ends) {
  EXPECT_EXIT(
      {
        end_when_out_of_memory();
        std::get_new_handler()();
      },
      testing::ExitedWithCode(70), "out of memory");
}

#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr bool glibc_allocates = false;
#else
constexpr bool glibc_allocates = true;
#endif

// Pages that a reply of four megabytes finds new, of a thread that made and freed some before.
long new_pages_of_a_reply() {
  long pages = 0;
  std::thread([&pages] {
    for (int round = 0; round < 8; ++round) {
      rusage before{}, after{};
      getrusage(RUSAGE_THREAD, &before);
      std::vector<std::unique_ptr<char[]>> reply;
      for (int part = 0; part < 4; ++part) {
        reply.emplace_back(new char[1 << 20]);
        std::memset(reply.back().get(), round, 1 << 20);
      }
      getrusage(RUSAGE_THREAD, &after);
      pages = after.ru_minflt - before.ru_minflt;
    }
  }).join();
  return pages;
}

TEST(OwnMemoryTest, large_replies_are_made_of_the_memory_of_those_before) {
  if (!glibc_allocates) GTEST_SKIP() << "glibc's settings mean nothing to a sanitizer";
  keep_freed_memory();
  EXPECT_LT(new_pages_of_a_reply(), 100);  // of 1024
}

}  // namespace
}  // namespace mekong::os
