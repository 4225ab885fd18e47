#include "codec/compress.h"

#include <gtest/gtest.h>

namespace mekong::codec {
namespace {

constexpr Compression all[] = {Compression::none, Compression::gzip, Compression::snappy, Compression::lz4,
                               Compression::zstd};

TEST(CompressTest, what_goes_in_comes_out) {
  std::string text;
  for (int i = 0; i < 200'000; ++i) text += static_cast<char>(i * 31 % 251);
  for (const auto kind : all) {
    SCOPED_TRACE(static_cast<int>(kind));
    for (const std::string& bytes : {text, std::string("a"), std::string()}) {
      const auto packed = compress(kind, bytes);
      ASSERT_TRUE(packed.ok());
      EXPECT_EQ(*decompress(kind, *packed, 1 << 20), bytes);
    }
  }
}

TEST(CompressTest, what_is_cut_wrong_or_a_bomb_is_refused) {
  const std::string zeros(10'000'000, '\0');
  for (const auto kind : all) {
    SCOPED_TRACE(static_cast<int>(kind));
    const auto packed = compress(kind, zeros);
    EXPECT_EQ(decompress(kind, *packed, 1000).error().code, "TooLarge");
    if (kind == Compression::none) continue;
    EXPECT_EQ(decompress(kind, packed->substr(0, packed->size() / 2), 20'000'000).error().code, "Corrupt");
    EXPECT_EQ(decompress(kind, std::string(100, '\xff'), 1000).error().code, "Corrupt");
  }
}

TEST(CompressTest, snappy_in_the_java_clients_frame) {
  const auto block = *compress(Compression::snappy, "hello ");
  std::string framed("\x82SNAPPY\0\0\0\0\1\0\0\0\1", 16);
  for (int i = 0; i < 2; ++i) framed += std::string("\0\0\0", 3) + static_cast<char>(block.size()) + block;
  EXPECT_EQ(*decompress(Compression::snappy, framed, 100), "hello hello ");
  EXPECT_EQ(decompress(Compression::snappy, framed, 10).error().code, "TooLarge");
  EXPECT_EQ(decompress(Compression::snappy, framed.substr(0, 22), 100).error().code, "Corrupt");
}

}  // namespace
}  // namespace mekong::codec
