#include "api/presigned.h"

#include <gtest/gtest.h>

namespace mekong::api {
namespace {

constexpr auto kSigned = "X-Amz-Credential=AK%2F20260101%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Signature=00&";

Result<std::optional<RequestHead>> amended(const std::string& query, Headers headers = {}) {
  return with_headers_of_query(
      {.method = "PUT", .raw_path = "/b/k", .raw_query = query, .headers = std::move(headers)});
}

TEST(Presigned, parameters_become_headers_where_there_are_none) {
  const auto head = amended(std::string(kSigned) + "X-Amz-Meta-A=a+b&x-amz-meta-c=2&If-None-Match=%2A&x-id=X",
                            {{"host", "h"}, {"x-amz-meta-c", "1"}});
  ASSERT_TRUE(head.ok() && *head);
  const Headers expected = {
      {"host", "h"}, {"x-amz-meta-c", "1"}, {"x-amz-meta-a", "a b"}, {"if-none-match", "*"}};
  EXPECT_EQ((*head)->headers, expected);
}

TEST(Presigned, what_stays_a_parameter) {
  for (std::string query :
       {"x-amz-checksum-crc32=AAAAAA%3D%3D", "x-amz-sdk-checksum-algorithm=CRC32", "x-amz-tagging=a%3Db",
        "X-Amz-Date=20260101T000000Z", "X-Amz-Security-Token=t", "x-id=PutObject", "versionId=null"}) {
    const auto head = amended(kSigned + query);
    EXPECT_TRUE(head.ok() && !*head) << query;
  }
}

TEST(Presigned, other_requests_stay_as_they_are) {
  for (std::string query : {"x-amz-meta-a=1", "X-Amz-Signature=00&x-amz-meta-a=1",
                            "X-Amz-Credential=AK%2F20260101%2Fus-east-1%2Fsts%2Faws4_request&"
                            "X-Amz-Signature=00&x-amz-meta-a=1"}) {
    const auto head = amended(query);
    EXPECT_TRUE(head.ok() && !*head) << query;
  }
}

TEST(Presigned, what_could_be_no_header_is_refused) {
  for (std::string query : {"x-amz-meta-a=1%0D%0Ab%3A2", "x-amz-meta-a%0D%0Ab=1", "x-amz-meta-a%3A=1"})
    EXPECT_EQ(amended(kSigned + query).error().code, "InvalidArgument") << query;
}

}  // namespace
}  // namespace mekong::api
