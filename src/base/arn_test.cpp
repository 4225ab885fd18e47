#include "base/arn.h"

#include <gtest/gtest.h>

namespace mekong {
namespace {

TEST(Arn, has_its_parts_and_the_rest_is_the_resource) {
  const auto arn = Arn::parse("arn:aws:kafka:us-east-2:123456789012:cluster/demo/a:b");
  ASSERT_TRUE(arn.has_value());
  EXPECT_EQ(arn->service, "kafka");
  EXPECT_EQ(arn->region, "us-east-2");
  EXPECT_EQ(arn->account, "123456789012");
  EXPECT_EQ(arn->resource, "cluster/demo/a:b");
  EXPECT_EQ(arn->name_of("cluster"), "demo/a:b");
  EXPECT_EQ(arn->name_of("clust"), std::nullopt);
  EXPECT_EQ(Arn::parse("arn:aws:s3:::bucket")->account, "");
}

TEST(Arn, what_is_none_is_none) {
  for (const char* text : {"", "arn", "arn:aws:kafka:us-east-2:1", "urn:aws:kafka:r:1:x",
                           "arn:aws:kafka:r:1:", "arn::kafka:r:1:x", "arn:aws::r:1:x"}) {
    EXPECT_FALSE(Arn::parse(text).has_value()) << text;
  }
  EXPECT_EQ(Arn::parse("arn:aws:glue:r:1:database/")->name_of("database"), std::nullopt);
}

}  // namespace
}  // namespace mekong
