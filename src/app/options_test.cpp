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

TEST(OptionsTest, what_is_handed_out_names_the_advertised_host) {
  ServeOptions options;
  EXPECT_EQ(advertised_host(options, "127.0.0.1"), "localhost");
  EXPECT_EQ(advertised_host(options, "0.0.0.0"), "localhost");
  EXPECT_EQ(advertised_host(options, "::1"), "localhost");
  EXPECT_EQ(advertised_host(options, "10.0.0.5"), "10.0.0.5");
  EXPECT_EQ(advertised_host(options, "127.0.0.2"), "127.0.0.2");
  options.advertise = "lake.example";
  EXPECT_EQ(advertised_host(options, "10.0.0.5"), "lake.example");
  EXPECT_EQ(http_url("lake.example", 80), "http://lake.example:80");
  EXPECT_EQ(http_url("::1", 80), "http://[::1]:80");
  EXPECT_TRUE(takes_loopback("127.0.0.1") && takes_loopback("0.0.0.0") && takes_loopback("::"));
  EXPECT_FALSE(takes_loopback("10.0.0.5") || takes_loopback("::1") || takes_loopback("127.0.0.2"));
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
  for (const char* wrong : {"", "http://lake", "a,DNS:b", "a b", "lake:80"}) {
    options.advertise = wrong;
    EXPECT_FALSE(check(options).ok()) << wrong;
  }
  options.advertise = "lake-1.example";
  EXPECT_TRUE(check(options).ok());
  options.listen = "127.0.0.1:0";
  EXPECT_FALSE(check(options).ok());
  options.listen = "127.0.0.1:4566";
  for (const char* data : {"/data", "/data/"}) {
    options.data = data;
    for (const char* wrong : {"", "jobs", "/data", "/data/", "/data/jobs", "/data/jobs/"}) {
      options.job_folder = wrong;
      EXPECT_FALSE(check(options).ok()) << wrong;
    }
  }
  options.job_folder = "/data-of-jobs";
  options.job_credentials_s = 14;
  EXPECT_FALSE(check(options).ok());
  options.job_credentials_s = 15;
  options.durability = "maybe";
  EXPECT_FALSE(check(options).ok());
}

}  // namespace
}  // namespace mekong::app
