#include "base/crc32c.h"

#include <gtest/gtest.h>

#include <string>

namespace mekong {
namespace {

// Vectors of RFC 3720 B.4 and the usual check value.
TEST(Crc32cTest, known_values) {
  EXPECT_EQ(crc32c("123456789"), 0xE3069283u);
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8A9136AAu);
  EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62A8AB43u);
  EXPECT_EQ(crc32c(""), 0u);
}

TEST(Crc32cTest, pieces_sum_to_the_whole) {
  EXPECT_EQ(crc32c("6789", crc32c("12345")), crc32c("123456789"));
}

}  // namespace
}  // namespace mekong
