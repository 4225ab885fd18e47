#include "api/tags.h"

#include <gtest/gtest.h>

namespace mekong::api {
namespace {

TEST(Tags, rules) {
  EXPECT_EQ(check_tag("Cost centre/Ü_.:=+-@1", ""), TagFault::none);
  EXPECT_EQ(check_tag("", "v"), TagFault::key);
  EXPECT_EQ(check_tag("a!", "v"), TagFault::key);
  EXPECT_EQ(check_tag("a", "v\n"), TagFault::value);
  EXPECT_EQ(check_tag("AWS:x", "v"), TagFault::reserved);
  std::string letters;  // characters count, not bytes
  for (int i = 0; i < 128; ++i) letters += "ü";
  EXPECT_EQ(check_tag(letters, letters + letters), TagFault::none);
  EXPECT_EQ(check_tag(letters + "x", ""), TagFault::key);
  EXPECT_EQ(check_tag("k", letters + letters + "x"), TagFault::value);
  EXPECT_EQ(check_tags({{"a", "1"}, {"b", "<"}}), TagFault::value);
}

TEST(Tags, conditions) {
  const ConditionContext given = request_tags({{"a", "1"}, {"b", "2"}});
  EXPECT_EQ(given.at("aws:RequestTag/b"), std::vector<std::string>{"2"});
  EXPECT_EQ(given.at("aws:TagKeys"), (std::vector<std::string>{"a", "b"}));
  EXPECT_TRUE(request_tags({}).empty());  // Null conditions see that no tag was given
  EXPECT_TRUE(tag_keys({}).empty());
  EXPECT_EQ(tag_keys({"a"}).at("aws:TagKeys").size(), 1u);
  EXPECT_EQ(resource_tags({{"a", "1"}}).at("aws:ResourceTag/a"), std::vector<std::string>{"1"});
}

}  // namespace
}  // namespace mekong::api
