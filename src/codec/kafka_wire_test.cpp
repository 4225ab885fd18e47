#include "codec/kafka_wire.h"

#include <gtest/gtest.h>

namespace mekong::codec {
namespace {

TEST(KafkaWireTest, reads_back_what_it_wrote) {
  KafkaWriter w;
  w.i8(-2);
  w.i16(-300);
  w.i32(1 << 30);
  w.i64(-5'000'000'000);
  w.varuint(300);
  w.string("plain", false);
  w.string("compact", true);
  w.null_string(true);
  w.bytes(std::string(200, 'x'), true);
  w.array_length(-1, false);
  KafkaReader r(w.data(), 1 << 20);
  EXPECT_EQ(r.i8(), -2);
  EXPECT_EQ(r.i16(), -300);
  EXPECT_EQ(r.i32(), 1 << 30);
  EXPECT_EQ(r.i64(), -5'000'000'000);
  EXPECT_EQ(r.varuint(), 300u);
  EXPECT_EQ(r.string(false), "plain");
  EXPECT_EQ(r.string(true), "compact");
  EXPECT_EQ(r.nullable_string(true), std::nullopt);
  EXPECT_EQ(r.bytes(true), std::string(200, 'x'));
  EXPECT_EQ(r.array_length(false), -1);
  EXPECT_FALSE(r.failed());
  EXPECT_EQ(r.remaining(), 0u);
}

TEST(KafkaWireTest, a_length_past_the_end_fails_and_stays_failed) {
  KafkaReader r(std::string_view("\x7f\xff\xff\xff", 4), 1 << 20);
  EXPECT_EQ(r.array_length(false), 0);
  EXPECT_TRUE(r.failed());
  EXPECT_EQ(r.i8(), 0);
}

TEST(KafkaWireTest, a_negative_length_below_null_fails) {
  KafkaReader r(std::string_view("\xff\xfe", 2), 1 << 20);
  EXPECT_EQ(r.nullable_string(false), std::nullopt);
  EXPECT_TRUE(r.failed());
}

TEST(KafkaWireTest, memory_past_the_budget_fails) {
  KafkaWriter w;
  w.string("four", false);
  KafkaReader r(w.data(), 3);
  EXPECT_EQ(r.string(false), "");
  EXPECT_TRUE(r.failed());
}

TEST(KafkaWireTest, a_varint_of_six_bytes_fails) {
  KafkaReader r(std::string_view("\xff\xff\xff\xff\xff\x01", 6), 1 << 20);
  EXPECT_EQ(r.varuint(), 0u);
  EXPECT_TRUE(r.failed());
}

TEST(KafkaWireTest, uuid_text_form) {
  auto id = kafka_uuid_of("0f8fad5b-d9cb-469f-a165-70867728950e");
  ASSERT_TRUE(id.has_value());
  EXPECT_EQ(to_text(*id), "0f8fad5b-d9cb-469f-a165-70867728950e");
  EXPECT_FALSE(kafka_uuid_of("0f8fad5b").has_value());
}

}  // namespace
}  // namespace mekong::codec
