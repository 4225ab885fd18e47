#include "app/options.h"

#include <gtest/gtest.h>

namespace mekong::app {
namespace {

TEST(OptionsTest, listen_takes_a_numeric_address_and_a_port) {
  EXPECT_EQ(parse_listen("127.0.0.1:4566")->port, 4566);
  EXPECT_EQ(parse_listen("localhost:1")->host, "127.0.0.1");
  EXPECT_EQ(parse_listen("[::1]:80")->host, "::1");
  for (const char* wrong : {"4566", "example.com:1", "127.0.0.1:70000", "127.0.0.1:x", ":1"}) {
    EXPECT_EQ(parse_listen(wrong).error().code, "Usage") << wrong;
  }
}

TEST(OptionsTest, port_ranges) {
  EXPECT_EQ(parse_port_range("9092-9199")->last, 9199);
  EXPECT_FALSE(parse_port_range("9092").ok());
  EXPECT_FALSE(parse_port_range("9199-9092").ok());
}

TEST(OptionsTest, dev_mode_stays_on_loopback) {
  ServeOptions options;
  options.data = "/data";
  EXPECT_TRUE(check(options).ok());
  options.dev = true;
  EXPECT_TRUE(check(options).ok());
  options.listen = "0.0.0.0:4566";
  EXPECT_FALSE(check(options).ok());
  options.dev = false;
  EXPECT_TRUE(check(options).ok());
  options.durability = "maybe";
  EXPECT_FALSE(check(options).ok());
}

}  // namespace
}  // namespace mekong::app
