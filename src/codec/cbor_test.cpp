#include "codec/cbor.h"

#include <gtest/gtest.h>

#include <cmath>

#include "codec/text.h"

namespace mekong::codec {
namespace {

using Kind = CborReader::Kind;

std::string bytes_of(std::string_view hex) {
  return hex_decode(hex).value();
}

TEST(Cbor, ExamplesOfTheStandard) {  // RFC 8949, appendix A
  auto integer = [](const char* hex) {
    auto data = bytes_of(hex);
    CborReader reader(data);
    auto value = reader.integer();
    EXPECT_FALSE(reader.failed()) << hex;
    return value;
  };
  EXPECT_EQ(integer("00"), 0);
  EXPECT_EQ(integer("1818"), 24);
  EXPECT_EQ(integer("1b000000e8d4a51000"), 1000000000000);
  EXPECT_EQ(integer("3903e7"), -1000);
  EXPECT_EQ(integer("c11a514b67b0"), 1363896240);  // a tag before it
  auto real = [](const char* hex) {
    auto data = bytes_of(hex);
    return CborReader(data).real();
  };
  EXPECT_EQ(real("f90001"), 5.960464477539063e-8);
  EXPECT_EQ(real("f93c00"), 1.0);
  EXPECT_EQ(real("f9c400"), -4.0);
  EXPECT_EQ(real("fa47c35000"), 100000.0);
  EXPECT_EQ(real("fb3ff199999999999a"), 1.1);
  EXPECT_TRUE(std::isinf(real("f97c00")));
  EXPECT_TRUE(std::isnan(real("f97e00")));
}

TEST(Cbor, ReadsWhatItWrites) {
  std::string out;
  CborWriter writer(out);
  writer.map(3);
  writer.text("a");
  writer.array(3);
  for (int64_t value : {INT64_MIN, int64_t{-1}, INT64_MAX}) writer.integer(value);
  writer.text("b");
  writer.bytes(std::string(70000, 'x'));
  writer.text("c");
  writer.real(1.5F);
  CborReader reader(out);
  auto pairs = reader.open(Kind::map);
  ASSERT_TRUE(reader.more(pairs));
  EXPECT_EQ(reader.text(), "a");
  auto items = reader.open(Kind::array);
  ASSERT_TRUE(reader.more(items));
  EXPECT_EQ(reader.integer(), INT64_MIN);
  ASSERT_TRUE(reader.more(items));
  EXPECT_EQ(reader.integer(), -1);
  ASSERT_TRUE(reader.more(items));
  EXPECT_EQ(reader.integer(), INT64_MAX);
  EXPECT_FALSE(reader.more(items));
  ASSERT_TRUE(reader.more(pairs));
  EXPECT_EQ(reader.text(), "b");
  std::string blob;
  reader.bytes(blob);
  EXPECT_EQ(blob.size(), 70000U);
  ASSERT_TRUE(reader.more(pairs));
  EXPECT_EQ(reader.text(), "c");
  EXPECT_EQ(reader.kind(), Kind::real);
  EXPECT_EQ(reader.real(), 1.5);
  EXPECT_FALSE(reader.more(pairs));
  EXPECT_TRUE(reader.at_end() && !reader.failed());
}

TEST(Cbor, JoinsChunksAndSkipsAnything) {
  auto data = bytes_of("bf61617f6261626163ff6162830102f6ff");  // {"a": (_ "ab", "c"), "b": [1, 2, null]}
  CborReader reader(data);
  auto pairs = reader.open(Kind::map);
  ASSERT_TRUE(reader.more(pairs));
  EXPECT_EQ(reader.text(), "a");
  EXPECT_EQ(reader.text(), "abc");
  ASSERT_TRUE(reader.more(pairs));
  EXPECT_EQ(reader.text(), "b");
  reader.skip();
  EXPECT_FALSE(reader.more(pairs));
  EXPECT_TRUE(reader.at_end() && !reader.failed());
}

TEST(Cbor, RefusesWhatIsNotThere) {
  for (const char* hex : {"5affffffff00", "7bffffffffffffffff61", "9bffffffffffffffff", "1c", "ff",
                          "5f6161ff", "bf6161", "61ff", "a1", "df", "3bffffffffffffffff"}) {
    auto data = bytes_of(hex);
    CborReader reader(data);
    if (reader.kind() == Kind::integer) {
      (void)reader.integer();
    } else if (reader.kind() == Kind::text) {
      (void)reader.text();
    } else {
      reader.skip();
    }
    EXPECT_TRUE(reader.failed()) << hex;
  }
}

TEST(Cbor, DeepNestingEnds) {
  for (const std::string& unit : {std::string("\x81", 1), std::string("\x9f", 1), std::string("\xc1", 1)}) {
    std::string deep;
    for (int i = 0; i < 1'000'000; ++i) deep += unit;
    CborReader reader(deep);
    reader.skip();
    EXPECT_TRUE(reader.failed());
  }
  std::string deep(300, '\x81');
  CborReader reader(deep);
  while (!reader.failed()) reader.open(Kind::array);
  EXPECT_LE(reader.position(), 257U);
}

// What a reader takes value by value, skip() takes too: tags are no depth, and an empty array is.
TEST(Cbor, SkipsAsDeepAsItReads) {
  const std::string tagged = std::string(1000, '\xc1') + '\x01';
  CborReader reading(tagged), skipping(tagged);
  EXPECT_EQ(reading.integer(), 1);
  skipping.skip();
  EXPECT_TRUE(!skipping.failed() && skipping.at_end());
  for (size_t depth : {255, 256, 257}) {
    const std::string nested = std::string(depth - 1, '\x81') + '\x80';
    CborReader reader(nested);
    reader.skip();
    EXPECT_EQ(reader.failed(), depth > 256) << depth;
  }
}

}  // namespace
}  // namespace mekong::codec
