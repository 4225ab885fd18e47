#include "services/emr_serverless/submit_parameters.h"

#include <gtest/gtest.h>

namespace mekong::emr_serverless {
namespace {

using Words = std::vector<std::string>;

TEST(SplitWords, FollowsTheShell) {
  EXPECT_EQ(*split_words("  --conf a=b\t--name 'two words' \n"),
            (Words{"--conf", "a=b", "--name", "two words"}));
  EXPECT_EQ(*split_words(R"(--conf "x=-Da=\"q\" -Db=$HOME" '' c\ d)"),
            (Words{"--conf", R"(x=-Da="q" -Db=$HOME)", "", "c d"}));
  EXPECT_EQ(*split_words(R"('a\b' "a\b")"), (Words{R"(a\b)", R"(a\b)"}));
  EXPECT_EQ(split_words("--name 'open").error().code, "ValidationException");
}

TEST(ParseSubmitParameters, ReadsTheSeedsCommandLine) {
  const auto parsed = parse_submit_parameters(
      "--conf spark.executor.cores=2 --conf spark.executor.memory=5g --driver-memory 5g "
      "--packages "
      "org.apache.spark:spark-sql-kafka-0-10_2.12:3.5.1,software.amazon.msk:aws-msk-iam-auth:2.2.0");
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(parsed->conf("spark.executor.cores"), "2");
  EXPECT_EQ(parsed->conf("spark.driver.memory"), "5g");
  EXPECT_EQ(parsed->conf("spark.executor.instances"), std::nullopt);
  ASSERT_EQ(parsed->options.size(), 2u);
  EXPECT_EQ(parsed->options[0], "--packages");
}

TEST(ParseSubmitParameters, TheLastOfANameCounts) {
  const auto parsed = parse_submit_parameters("--conf a=1 -c a=2=3 --class=x.Y --verbose");
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(parsed->conf("a"), "2=3");
  EXPECT_EQ(parsed->options, (Words{"--class", "x.Y", "--verbose"}));
}

TEST(ParseSubmitParameters, RefusesByName) {
  for (const auto* bad : {"--master yarn", "--deploy-mode=cluster", "--no-such x", "program.py", "--conf a",
                          "--conf", "--conf =1", "--version", "--proxy-user root"}) {
    EXPECT_EQ(parse_submit_parameters(bad).error().code, "ValidationException") << bad;
  }
}

}  // namespace
}  // namespace mekong::emr_serverless
