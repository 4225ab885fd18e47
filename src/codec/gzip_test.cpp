#include "codec/gzip.h"

#include <gtest/gtest.h>

namespace mekong::codec {
namespace {

TEST(Gzip, RoundTripsWholeAndByteByByte) {
  std::string text;
  for (int i = 0; i < 100'000; ++i) text += std::to_string(i);
  auto packed = gzip(text);
  EXPECT_LT(packed.size(), text.size());
  EXPECT_EQ(gunzip(packed, text.size()).value(), text);
  EXPECT_EQ(gunzip(gzip(""), 0).value(), "");
  Gunzip pieces(text.size());
  std::string out;
  for (char c : packed) out += pieces.update(std::string_view(&c, 1)).value();
  EXPECT_TRUE(pieces.done());
  EXPECT_EQ(out, text);
}

TEST(Gzip, RefusesABombAtItsBound) {
  auto bomb = gzip(std::string(64 << 20, '0'));
  EXPECT_LT(bomb.size(), 100'000U);
  EXPECT_EQ(gunzip(bomb, 1 << 20).error().code, "TooLarge");
}

TEST(Gzip, RefusesDamage) {
  auto packed = gzip("hello");
  EXPECT_EQ(gunzip("hello", 100).error().code, "InvalidGzip");
  EXPECT_EQ(gunzip(packed.substr(0, packed.size() - 1), 100).error().code, "InvalidGzip");
  EXPECT_EQ(gunzip(packed + "x", 100).error().code, "InvalidGzip");
  packed[packed.size() - 5] ^= 1;  // of the checksum
  EXPECT_EQ(gunzip(packed, 100).error().code, "InvalidGzip");
}

}  // namespace
}  // namespace mekong::codec
