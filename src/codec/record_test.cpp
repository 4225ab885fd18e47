#include "codec/record.h"

#include <gtest/gtest.h>

namespace mekong::codec {
namespace {

enum class Colour { red, green };

struct Inner {
  std::string name;
  std::optional<int64_t> size;
  template <class F>
  void each_field(F&& f) {
    f("Name", name), f("Size", size);
  }
};

struct Outer {
  std::string text;
  bool flag = false;
  int32_t small = 7;
  double ratio = 0;
  Colour colour = Colour::red;
  std::vector<Inner> list;
  std::vector<bool> bits;
  std::map<std::string, Inner> map;
  std::optional<Inner> maybe;
  template <class F>
  void each_field(F&& f) {
    f("Text", text), f("Flag", flag), f("Small", small), f("Ratio", ratio), f("Colour", colour);
    f("List", list), f("Bits", bits), f("Map", map), f("Maybe", maybe);
  }
};

TEST(Record, RoundTripKeepsEveryKindOfField) {
  Outer in;
  in.text = std::string("a\"\\\n\0\xff\xc3\xa4", 8);
  in.flag = true;
  in.small = -5;
  in.ratio = 0.1;
  in.colour = Colour::green;
  in.list = {{"x", 1LL << 60}, {"", std::nullopt}};
  in.bits = {true, false};
  in.map = {{"k", {"v", 0}}, {"l", {}}};
  in.maybe = Inner{};
  auto out = decode_record<Outer>(encode_record(in));
  ASSERT_TRUE(out.ok()) << out.error().message;
  EXPECT_EQ(out->text, in.text);
  EXPECT_TRUE(out->flag);
  EXPECT_EQ(out->small, -5);
  EXPECT_EQ(out->ratio, 0.1);
  EXPECT_EQ(out->colour, Colour::green);
  ASSERT_EQ(out->list.size(), 2u);
  EXPECT_EQ(out->list[0].size, 1LL << 60);
  EXPECT_FALSE(out->list[1].size.has_value());
  EXPECT_EQ(out->bits, in.bits);
  ASSERT_EQ(out->map.size(), 2u);
  EXPECT_EQ(out->map["k"].size, 0);
  EXPECT_TRUE(out->maybe.has_value());
}

TEST(Record, MissingFieldsKeepDefaultsAndUnknownOnesAreIgnored) {
  auto out = decode_record<Outer>(R"({"Later":[1],"Text":"t"})");
  ASSERT_TRUE(out.ok());
  EXPECT_EQ(out->text, "t");
  EXPECT_EQ(out->small, 7);
}

TEST(Record, RefusesWhatIsNoObject) {
  EXPECT_EQ(decode_record<Outer>("[1]").error().code, "CorruptRecord");
  EXPECT_EQ(decode_record<Outer>("{").error().code, "CorruptRecord");
}

}  // namespace
}  // namespace mekong::codec
