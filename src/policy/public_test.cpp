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

TEST(Public, EverybodyButSomeone) {
  EXPECT_TRUE(judged(R"({"Effect":"Allow","NotPrincipal":{"AWS":"123456789012"},"Action":"s3:GetObject",)"
                     R"("Resource":"arn:aws:s3:::b/*"})"));
}

TEST(Public, HowNarrowANetworkMustBe) {
  auto under = [](const std::string& condition) { return judged(allow(R"("*")", condition)); };
  EXPECT_FALSE(under(R"({"IpAddress":{"aws:SourceIp":"203.0.113.7"}})"));
  EXPECT_FALSE(under(R"({"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}})"));
  EXPECT_TRUE(under(R"({"IpAddress":{"aws:SourceIp":"10.0.0.0/7"}})"));
  EXPECT_FALSE(under(R"({"IpAddress":{"aws:SourceIp":"2001:db8::/32"}})"));
  EXPECT_TRUE(under(R"({"IpAddress":{"aws:SourceIp":"2001:db8::/31"}})"));
  EXPECT_TRUE(under(R"({"IpAddress":{"aws:SourceIp":"10.0.0.0/${aws:x}"}})"));
  EXPECT_TRUE(under(R"({"IpAddress":{"aws:VpcSourceIp":"10.0.0.0/8"}})"));
}

TEST(Public, TextsThatTieAreFixed) {
  auto under = [](const std::string& condition) { return judged(allow(R"("*")", condition)); };
  EXPECT_TRUE(under(R"({"StringLike":{"aws:PrincipalOrgID":"o-?"}})"));
  EXPECT_FALSE(under(R"({"StringEqualsIgnoreCase":{"aws:PrincipalOrgID":"O-1"}})"));
  EXPECT_FALSE(under(R"({"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::123456789012:user/x"}})"));
  EXPECT_TRUE(under(R"({"ForAllValues:StringEquals":{"aws:PrincipalOrgID":"o-1"}})"));
  EXPECT_FALSE(under(R"({"ForAnyValue:StringEquals":{"aws:PrincipalOrgID":"o-1"}})"));
  EXPECT_TRUE(under(R"({"Bool":{"aws:PrincipalOrgID":"true"}})"));
}

}  // namespace
}  // namespace mekong::policy
