#include "base/crc32c.h"

#include <gtest/gtest.h>

#include <algorithm>
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

// Large ones are summed in lanes, small ones byte after byte.
TEST(Crc32cTest, large_ones_are_summed_as_small_ones) {
  std::string bytes(20'000, '\0');
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * i >> 5);
  for (const size_t size : {383, 384, 385, 1000, 6143, 6144, 6145, 6533, 12'288, 20'000}) {
    uint32_t sum = 77;
    for (size_t i = 0; i < size; i += 37) sum = crc32c(bytes.substr(i, std::min<size_t>(37, size - i)), sum);
    EXPECT_EQ(crc32c(bytes.substr(0, size), 77), sum) << size;
  }
}

}  // namespace
}  // namespace mekong
