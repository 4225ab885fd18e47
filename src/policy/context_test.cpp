#include "policy/context.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mekong::policy {
namespace {

using testing::ElementsAre;
using testing::Pair;

// Speaks for two keys, of which one has no value; counts how often it is asked.
class Counted : public ConditionSource {
 public:
  bool supply(std::string_view key, ConditionValues& values) const override {
    ++asked;
    if (key == "aws:sourceip") values.emplace_back("10.0.0.1");
    return key == "aws:sourceip" || key == "aws:referer";
  }
  void each_key(const std::function<void(std::string_view key)>& visit) const override {
    visit("aws:sourceip");
    visit("aws:referer");
  }
  mutable int asked = 0;
};

TEST(Context, WhatTheSourceSpeaksForHidesWhatIsGiven) {
  const ConditionContext given = {
      {"aws:SourceIp", {"8.8.8.8"}}, {"aws:Referer", {"x"}}, {"S3:Prefix", {"a", "b"}}, {"s3:none", {}}};
  const Counted source;
  const Context context(given, source);
  ASSERT_NE(context.find("aws:sourceip"), nullptr);
  EXPECT_THAT(*context.find("aws:sourceip"), ElementsAre("10.0.0.1"));
  EXPECT_EQ(context.find("aws:referer"), nullptr);
  ASSERT_NE(context.find("s3:prefix"), nullptr);
  EXPECT_THAT(*context.find("s3:prefix"), ElementsAre("a", "b"));
  EXPECT_EQ(context.find("s3:none"), nullptr);
  EXPECT_EQ(context.find("s3:delimiter"), nullptr);
  EXPECT_THAT(context.all(), ElementsAre(Pair("aws:sourceip", ElementsAre("10.0.0.1")),
                                         Pair("s3:prefix", ElementsAre("a", "b"))));
}

TEST(Context, ASourceIsAskedOncePerKey) {
  const ConditionContext given;
  const Counted source;
  const Context context(given, source);
  for (int i = 0; i < 3; ++i) {
    EXPECT_NE(context.find("aws:sourceip"), nullptr);
    EXPECT_EQ(context.find("aws:referer"), nullptr);
  }
  EXPECT_EQ(source.asked, 2);
}

TEST(Context, WhatIsSetIsThereWithoutCaseAndGoesWithoutValues) {
  Context context;
  EXPECT_EQ(context.find("aws:x"), nullptr);
  context.set("AWS:X", {"1"});
  context.set("aws:y", {"2"});
  EXPECT_THAT(context.all(), ElementsAre(Pair("aws:x", ElementsAre("1")), Pair("aws:y", ElementsAre("2"))));
  context.set("aws:X", {});
  EXPECT_EQ(context.find("aws:x"), nullptr);
}

}  // namespace
}  // namespace mekong::policy
