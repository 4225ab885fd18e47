#include "policy/public.h"

#include <gtest/gtest.h>

namespace mekong::policy {
namespace {

bool judged(const std::string& statement) {
  auto document =
      parse_document(R"({"Version":"2012-10-17","Statement":[)" + statement + "]}", DocumentKind::resource);
  if (!document.ok()) ADD_FAILURE() << document.error().message;
  return document.ok() && is_public(**document);
}

std::string allow(const std::string& principal, const std::string& condition = "") {
  return R"({"Effect":"Allow","Principal":)" + principal +
         R"(,"Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*")" +
         (condition.empty() ? "" : R"(,"Condition":)" + condition) + "}";
}

TEST(Public, NobodyInParticular) {
  EXPECT_TRUE(judged(allow(R"("*")")));
  EXPECT_TRUE(judged(allow(R"({"AWS":"*"})")));
  EXPECT_TRUE(judged(allow(R"({"AWS":["123456789012","*"]})")));
  EXPECT_FALSE(judged(allow(R"({"AWS":"123456789012"})")));
  EXPECT_FALSE(judged(allow(R"({"Service":"emr-serverless.amazonaws.com"})")));
  EXPECT_FALSE(judged(R"({"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::b"})"));
  EXPECT_TRUE(judged(allow(R"({"AWS":"123456789012"})") + "," + allow(R"("*")")));
}

TEST(Public, ConditionsThatTie) {
  auto under = [](const std::string& condition) { return judged(allow(R"("*")", condition)); };
  EXPECT_FALSE(under(R"({"StringEquals":{"aws:PrincipalOrgID":"o-1"}})"));
  EXPECT_TRUE(under(R"({"StringLike":{"aws:PrincipalOrgID":"o-*"}})"));
  EXPECT_TRUE(under(R"({"StringNotEquals":{"aws:PrincipalOrgID":"o-1"}})"));
  EXPECT_TRUE(under(R"({"StringEqualsIfExists":{"aws:PrincipalOrgID":"o-1"}})"));
  EXPECT_TRUE(under(R"({"StringEquals":{"aws:UserAgent":"x"}})"));
  EXPECT_TRUE(under(R"({"StringEquals":{"aws:userid":"${aws:PrincipalTag/id}"}})"));
  EXPECT_FALSE(under(R"({"IpAddress":{"aws:SourceIp":"203.0.113.0/24"}})"));
  EXPECT_TRUE(under(R"({"IpAddress":{"aws:SourceIp":["203.0.113.0/24","0.0.0.0/1"]}})"));
  EXPECT_TRUE(under(R"({"IpAddress":{"aws:SourceIp":"2001:db8::/16"}})"));
  EXPECT_TRUE(under(R"({"NotIpAddress":{"aws:SourceIp":"203.0.113.0/24"}})"));
}

}  // namespace
}  // namespace mekong::policy
