#include "os/own_memory.h"

#include <gtest/gtest.h>

#include <new>

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

}  // namespace
}  // namespace mekong::os
