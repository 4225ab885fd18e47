#include "services/emr_serverless/dashboard.h"

#include <gtest/gtest.h>

namespace mekong::emr_serverless {
namespace {

TEST(Dashboard, TakesTheTokenFromThePath) {
  const auto path = parse_dashboard_path("/_mekong/dashboards/abc/jobs/job/");
  ASSERT_TRUE(path.ok());
  EXPECT_EQ(path->token, "abc");
  EXPECT_EQ(path->rest, "/jobs/job/");
  EXPECT_EQ(parse_dashboard_path("/_mekong/dashboards/abc")->rest, "/");
  EXPECT_EQ(parse_dashboard_path("/_mekong/dashboards/").error().code, "NotFound");
  EXPECT_EQ(parse_dashboard_path("/other/abc/").error().code, "NotFound");
}

TEST(Dashboard, PassesTheReplyOnAndLeadsRedirectionsBack) {
  const auto reply = parse_dashboard_reply(
      "HTTP/1.1 302 Found\r\nContent-Type: text/html;charset=utf-8\r\nSet-Cookie: x=y\r\n"
      "Location: http://127.0.0.1/jobs/\r\n\r\nbody",
      "/_mekong/dashboards/abc");
  ASSERT_TRUE(reply.ok());
  EXPECT_EQ(reply->status, 302);
  ASSERT_EQ(reply->headers.size(), 2u);
  EXPECT_EQ(reply->headers[1].second, "/_mekong/dashboards/abc/jobs/");
  EXPECT_EQ(reply->body, "body");
  const auto own = parse_dashboard_reply("HTTP/1.1 302 Found\r\nLocation: /p/jobs/\r\n\r\n", "/p");
  EXPECT_EQ(own->headers[0].second, "/p/jobs/");
  EXPECT_EQ(parse_dashboard_reply("nonsense", "/p").error().code, "BadGateway");
  EXPECT_EQ(parse_dashboard_reply("HTTP/1.1 x\r\n\r\n", "/p").error().code, "BadGateway");
}

}  // namespace
}  // namespace mekong::emr_serverless
