#include "policy/pattern.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mekong::policy {
namespace {

// Is there something that begins with the prefix, goes on, and matches?
TEST(Pattern, ReachesIntoWhatBeginsWithAPrefix) {
  auto reaches = [](const char* glob, const char* prefix, Case letters = Case::exact) {
    return Glob::of(glob).reaches_into(prefix, letters);
  };
  EXPECT_TRUE(reaches("s3:GetObject", "s3:"));
  EXPECT_FALSE(reaches("s3:", "s3:")) << "nothing follows";
  EXPECT_FALSE(reaches("sts:AssumeRole", "s3:"));
  EXPECT_FALSE(reaches("s", "s3:"));
  EXPECT_TRUE(reaches("*", "s3:"));
  EXPECT_TRUE(reaches("*:GetObject", "s3:"));
  EXPECT_TRUE(reaches("s*t", "s3:"));
  EXPECT_TRUE(reaches("s3:**", "s3:"));
  EXPECT_TRUE(reaches("?3?x", "s3:"));
  EXPECT_FALSE(reaches("??", "s3:"));
  EXPECT_FALSE(reaches("S3:Get*", "s3:"));
  EXPECT_TRUE(reaches("S3:Get*", "s3:", Case::ignored));
  EXPECT_FALSE(reaches("S4:Get*", "s3:", Case::ignored));
  EXPECT_TRUE(reaches("x", ""));
  EXPECT_FALSE(reaches("", ""));
}

TEST(Pattern, TellsItsVariables) {
  EXPECT_THAT(
      Pattern("a/${aws:username}/${*}/${ s3:Prefix , 'x'}/b", Pattern::Variables::substituted).variables(),
      testing::ElementsAre("aws:username", "s3:Prefix"));
  EXPECT_THAT(Pattern("${aws:username}", Pattern::Variables::none).variables(), testing::ElementsAre());
}

}  // namespace
}  // namespace mekong::policy
