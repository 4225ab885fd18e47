#include "codec/event_stream.h"

#include <gtest/gtest.h>

#include "codec/text.h"

namespace mekong::codec {
namespace {

using Type = EventHeader::Type;

EventMessage sample() {
  EventMessage message;
  message.headers = {{":event-type", Type::string, 0, "Records"},
                     {"yes", Type::yes, 0, ""},
                     {"no", Type::no, 0, ""},
                     {"small", Type::i8, -5, ""},
                     {"short", Type::i16, -300, ""},
                     {"int", Type::i32, -70000, ""},
                     {"long", Type::i64, INT64_MIN, ""},
                     {"bytes", Type::bytes, 0, std::string("\0\1", 2)},
                     {":date", Type::timestamp, 1767323045678, ""},
                     {"id", Type::uuid, 0, std::string(16, 'u')}};
  message.payload = "payload";
  return message;
}

TEST(EventStream, AMessageOfTheSpecification) {
  // One i32 header and a payload, as botocore's tests have them.
  EventMessage message;
  message.headers = {{"event-type", Type::i32, 0x0000a00c, ""}};
  message.payload = "{'foo':'bar'}";
  EXPECT_EQ(hex_encode(encode_event(message)),
            "0000002d00000010"
            "41c424b8"
            "0a6576656e742d74797065"
            "040000a00c"
            "7b27666f6f273a27626172277d"
            "36f480a0");
}

TEST(EventStream, RoundTripsEveryTypeInAnyPieces) {
  const auto bytes = encode_event(sample()) + encode_event({});
  EventDecoder decoder;
  std::vector<EventMessage> seen;
  for (char c : bytes) {
    decoder.feed(std::string_view(&c, 1));
    auto next = decoder.next();
    ASSERT_TRUE(next.ok());
    if (next->has_value()) seen.push_back(**next);
  }
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_EQ(seen[0].headers, sample().headers);
  EXPECT_EQ(seen[0].payload, "payload");
  EXPECT_EQ(*seen[0].header(":event-type"), "Records");
  EXPECT_EQ(seen[0].header("yes"), nullptr);
  EXPECT_TRUE(decoder.empty());
}

TEST(EventStream, EveryChangedByteIsNoticed) {
  const auto bytes = encode_event(sample());
  for (size_t i = 0; i < bytes.size(); ++i) {
    auto broken = bytes;
    broken[i] = static_cast<char>(broken[i] ^ 0x20);
    EventDecoder decoder;
    decoder.feed(broken);
    EXPECT_EQ(decoder.next().ok(), false) << i;
  }
}

TEST(EventStream, LengthsAreNotBelieved) {
  for (const char* hex : {"7fffffff00000000"
                          "00000000",
                          "00000010ffffffff"
                          "00000000"}) {
    EventDecoder decoder;
    decoder.feed(hex_decode(hex).value());
    EXPECT_EQ(decoder.next().error().code, "InvalidEventStream");
  }
}

}  // namespace
}  // namespace mekong::codec
