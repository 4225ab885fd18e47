#include "api/post_policy.h"

#include <gtest/gtest.h>

namespace mekong::api {
namespace {

constexpr int64_t now_ms = 1'440'938'160'000;  // 2015-08-30T12:36:00Z

std::string document(const std::string& conditions) {
  return R"({"expiration": "2015-08-30T12:37:00.000Z", "conditions": [)" + conditions + "]}";
}

// "" for a form that may be posted, else the code and what it says after its prefix.
std::string judged(const std::string& conditions, const FormFields& fields, int64_t at_ms = now_ms) {
  const auto policy = parse_post_policy(document(conditions));
  if (!policy.ok()) return policy.error().code;
  const auto checked = check_post_policy(*policy, fields, at_ms);
  if (checked.ok()) return "";
  EXPECT_EQ(checked.error().code, "AccessDenied");
  return checked.error().message.substr(std::string("Invalid according to Policy: ").size());
}

TEST(PostPolicy, post_policy_every_condition) {
  EXPECT_EQ(judged(R"({"Key": "a"})", {{"key", "a"}}), "");
  EXPECT_EQ(judged(R"(["eq", "$key", "a"])", {{"key", "a"}}), "");
  EXPECT_EQ(judged(R"(["EQ", "$Key", "a"])", {{"key", "ab"}}),
            R"(Policy Condition failed: ["eq", "$key", "a"])");
  EXPECT_EQ(judged(R"({"key": "a"})", {{"key", "A"}}), R"(Policy Condition failed: ["eq", "$key", "a"])");
  EXPECT_EQ(judged(R"(["starts-with", "$key", "user/"])", {{"key", "user/x"}}), "");
  EXPECT_EQ(judged(R"(["starts-with", "$key", "user/"])", {{"key", "other/user/x"}}),
            R"(Policy Condition failed: ["starts-with", "$key", "user/"])");
  EXPECT_EQ(judged(R"(["starts-with", "$key", ""])", {{"key", "anything"}}), "");
  // A field that is absent is not empty.
  EXPECT_EQ(judged(R"(["starts-with", "$key", ""])", {}),
            R"(Policy Condition failed: ["starts-with", "$key", ""])");
  // Two conditions on one field hold both.
  EXPECT_EQ(judged(R"(["starts-with", "$key", "a"], ["starts-with", "$key", "ab"])", {{"key", "ac"}}),
            R"(Policy Condition failed: ["starts-with", "$key", "ab"])");
}

TEST(PostPolicy, a_list_of_types_starts_each_so) {
  const std::string images = R"(["starts-with", "$Content-Type", "image/"])";
  EXPECT_EQ(judged(images, {{"content-type", "image/png"}}), "");
  EXPECT_EQ(judged(images, {{"content-type", "image/png, image/jpeg"}}), "");
  EXPECT_NE(judged(images, {{"content-type", "image/png,text/html"}}), "");
}

TEST(PostPolicy, post_policy_bucket_bound) {
  EXPECT_EQ(judged(R"({"bucket": "mine"})", {{"bucket", "mine"}}), "");
  EXPECT_EQ(judged(R"({"bucket": "mine"})", {{"bucket", "yours"}}),
            R"(Policy Condition failed: ["eq", "$bucket", "mine"])");
  EXPECT_EQ(judged("", {{"bucket", "mine"}}), "Extra input fields: bucket");
}

TEST(PostPolicy, every_field_needs_a_condition) {
  EXPECT_EQ(judged("", {{"acl", "private"}, {"x-amz-meta-a", "b"}}), "Extra input fields: acl, x-amz-meta-a");
  EXPECT_EQ(judged("", {{"policy", "p"}, {"x-amz-signature", "s"}, {"x-ignore-me", "x"}}), "");
}

TEST(PostPolicy, expiry) {
  EXPECT_EQ(judged("", {}, now_ms + 59'999), "");
  EXPECT_EQ(judged("", {}, now_ms + 60'000), "Policy expired.");
}

TEST(PostPolicy, ranges_narrow_each_other) {
  const auto policy =
      parse_post_policy(document(R"(["content-length-range", 1, "100"], ["content-length-range", 0, 50])"));
  ASSERT_TRUE(policy.ok());
  EXPECT_EQ(policy->bytes_min, 1);
  EXPECT_EQ(policy->bytes_max, 50);
}

TEST(PostPolicy, what_is_no_policy_is_refused) {
  for (const char* conditions :
       {R"(["like", "$key", "a"])", R"(["eq", "key", "a"])", R"(["eq", "$key"])", R"(["eq", "$key", 1])",
        R"({"key": "a", "acl": "private"})", R"({})", R"({"key": 1})", R"("key")",
        R"(["content-length-range", -1, 5])", R"(["content-length-range", "x", 5])", R"([])"}) {
    EXPECT_EQ(judged(conditions, {{"key", "a"}}), "InvalidPolicyDocument") << conditions;
  }
  for (const char* text :
       {"", "[]", "{", R"({"conditions": []})", R"({"expiration": "2015-08-30T12:37:00Z"})",
        R"({"expiration": "soon", "conditions": []})",
        R"({"expiration": "2015-08-30T12:37:00Z", "conditions": [], "conditions": []})",
        R"({"expiration": "2015-08-30T12:37:00Z", "conditions": [], "more": 1})"}) {
    EXPECT_EQ(parse_post_policy(text).ok() ? "" : parse_post_policy(text).error().code,
              "InvalidPolicyDocument")
        << text;
  }
}

}  // namespace
}  // namespace mekong::api
