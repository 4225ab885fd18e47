#include "policy/document.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "policy/extent.h"

namespace mekong::policy {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(Document, TheKeysThatItAsksForEachOnceAsWritten) {
  const auto document = parse_document(
      R"({"Version":"2012-10-17","Statement":[
        {"Effect":"Allow","Action":"s3:*","Resource":["arn:aws:s3:::${aws:username}/${*}/${s3:prefix, 'x'}"],
         "Condition":{"StringLike":{"aws:PrincipalTag/Team":["${aws:UserName}","${aws:userid}"]}}},
        {"Effect":"Deny","Action":"s3:*","Resource":"*",
         "Condition":{"StringEquals":{"AWS:PRINCIPALTAG/TEAM":"a"}}}]})",
      DocumentKind::identity);
  ASSERT_TRUE(document.ok());
  EXPECT_THAT(context_keys(**document),
              ElementsAre("aws:PrincipalTag/Team", "aws:UserName", "aws:userid", "s3:prefix"));
}

TEST(Document, QuotasCountNoWhiteSpace) {
  EXPECT_EQ(counted_size(" {\t\"a\" :\r\n\"b c\"}"), 10u);
  EXPECT_EQ(counted_size(""), 0u);
}

TEST(Document, AnErrorsPlaceIsItsLineAndColumn) {
  const auto parsed = parse_document("{\n  \"Version\": \"2012-10-17\",\n  ]", DocumentKind::identity);
  ASSERT_FALSE(parsed.ok());
  EXPECT_THAT(parsed.error().message, HasSubstr("at position (3, 3)"));
}

std::vector<std::string> statements_of(const std::string& text) {
  std::vector<std::string> out;
  for (const Extent& extent : statement_extents(text)) {
    out.push_back(text.substr(extent.begin, extent.end - extent.begin));
  }
  return out;
}

TEST(Extent, EachStatementWhereItStands) {
  EXPECT_THAT(statements_of(R"({"Statement":{"a":1}})"), ElementsAre(R"({"a":1})"));
  EXPECT_THAT(statements_of(R"({"Statement": [ {"a":[1,{"b":2}]} , {"c":"}]"} ], "Id":"x"})"),
              ElementsAre(R"({"a":[1,{"b":2}]})", R"({"c":"}]"})"));
  EXPECT_THAT(statements_of(R"({"Id":"\"Statement\"","Statement":[{"a":"\"}"}]})"),
              ElementsAre(R"({"a":"\"}"})"));
  EXPECT_THAT(statements_of(R"( { "Id" : {"x":[1]}, "y":[{}], "Statement" : {"a":{}} , "Version":{} })"),
              ElementsAre(R"({"a":{}})"));
}

TEST(Extent, WhatIsNoDocumentHasNone) {
  for (const char* text :
       {"", "[]", "{", R"({"Id":"x"})", R"({"Statement")", R"({"Statement":)", R"({"a)", R"({"Statement":[)",
        R"({"Statement":[)"
        "]",
        R"({"x)"
        "\\"}) {
    EXPECT_THAT(statements_of(text), ElementsAre()) << text;
  }
  EXPECT_EQ(statement_extents(R"({"Statement":{"a":1)").size(), 1u) << "cut off: to its end";
  EXPECT_EQ(statement_extents(R"({"Statement":[{}, )").size(), 1u);
}

}  // namespace
}  // namespace mekong::policy
