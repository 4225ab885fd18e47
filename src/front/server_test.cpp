// The server over real sockets and pipes: what a client sees of HTTP.
#include "front/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/harness.h"
#include "front/test_services.h"

namespace mekong::front {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr const char* kAuth =
    "Authorization: AWS4-HMAC-SHA256 Credential=A/20260101/us-east-1/s3/aws4_request, SignedHeaders=h, "
    "Signature=0\r\nx-amz-content-sha256: UNSIGNED-PAYLOAD\r\n";

class ServerTest : public testing::Test {
 protected:
  TestS3 s3;
  api::Harness harness{{bind(s3)}};
  std::unique_ptr<os::Network> network = os::make_network(1);
  InternalRoutes routes{{"/_mekong/health", [](const HttpRequest& request) -> Task<api::Response> {
                           co_return api::Response{
                               200, {}, request.head.method + " " + request.body, nullptr};
                         }}};
  std::unique_ptr<Server> server;

  void SetUp() override { start({}); }
  void start(ServerOptions options) {
    server = std::make_unique<Server>(*network, harness.pipeline, routes, harness.pool, harness.clock,
                                      null_logger(), options);
    ASSERT_TRUE(server->start().ok());
  }

  // Sends `later` once something came back.
  Task<std::string> talk(std::string sent, std::string later) {
    std::string got;
    auto connection = co_await network->connect(server->endpoint(), 2000);
    if (!connection.ok()) co_return "no connection";
    auto written = co_await (*connection)->write(sent, 2000);
    while (written.ok()) {
      auto piece = co_await (*connection)->read_some(65536, 5000);
      if (!piece.ok()) {
        if (piece.error().code == "Timeout") got += "<timeout>";
        break;
      }
      got += *piece;
      if (later.empty()) continue;
      written = co_await (*connection)->write(later, 2000);
      later.clear();
    }
    (*connection)->close();
    co_return got;
  }
  // All that comes back until the server closes.
  std::string exchange(std::string sent, std::string later = "") {
    return sync_wait(talk(std::move(sent), std::move(later)));
  }
};

std::string put(const std::string& key, const std::string& headers, const std::string& body) {
  return "PUT /b/" + key + " HTTP/1.1\r\nHost: localhost\r\n" + kAuth + headers + "\r\n" + body;
}
std::string get(const std::string& key, const std::string& headers = "Connection: close\r\n") {
  return "GET /b/" + key + " HTTP/1.1\r\nHost: localhost\r\n" + kAuth + headers + "\r\n";
}

TEST_F(ServerTest, KeepsTheConnectionForPipelinedRequests) {
  auto got = exchange(put("k", "Content-Length: 5\r\n", "hello") + get("k"));
  EXPECT_THAT(got, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(got, HasSubstr("Content-Length: 5\r\n"));
  EXPECT_THAT(got, HasSubstr("Date: Fri, 02 Jan 2026 03:04:05 GMT\r\n"));
  EXPECT_THAT(got, EndsWith("\r\n\r\nhello"));
}

TEST_F(ServerTest, ReadsChunkedBodies) {
  auto got =
      exchange(put("k", "Transfer-Encoding: chunked\r\n", "3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n") + get("k"));
  EXPECT_THAT(got, EndsWith("\r\n\r\nhello"));
}

TEST_F(ServerTest, WritesChunkedBodies) {
  s3.announce_length = false;
  s3.objects["k"].data = "hello";
  auto got = exchange(get("k"));
  EXPECT_THAT(got, HasSubstr("Transfer-Encoding: chunked\r\n"));
  EXPECT_THAT(got, Not(HasSubstr("Content-Length")));
  EXPECT_THAT(got, EndsWith("\r\n\r\n5\r\nhello\r\n0\r\n\r\n"));
}

TEST_F(ServerTest, SaysContinueOnlyWhenTheBodyIsWanted) {
  auto head = put("k", "Content-Length: 5\r\nExpect: 100-continue\r\nConnection: close\r\n", "");
  EXPECT_THAT(exchange(head, "hello"), StartsWith("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK"));
  harness.authoriser.denied = {"s3:PutObject arn:aws:s3:::b/k"};
  harness.authoriser.asked.clear();
  auto denied = exchange(put("k", "Content-Length: 5\r\nExpect: 100-continue\r\n", ""));
  EXPECT_THAT(harness.authoriser.asked, testing::ElementsAre("s3:PutObject arn:aws:s3:::b/k"));
  EXPECT_THAT(denied, StartsWith("HTTP/1.1 403 Forbidden"));
  EXPECT_THAT(denied, HasSubstr("Connection: close"));
}

TEST_F(ServerTest, HeadHasTheLengthAndNoBody) {
  s3.objects["k"].data = "hello";
  auto got = exchange("HEAD /b/k HTTP/1.1\r\nHost: localhost\r\n" + std::string(kAuth) +
                      "Connection: close\r\n\r\n");
  EXPECT_THAT(got, HasSubstr("Content-Length: 5\r\n"));
  EXPECT_THAT(got, EndsWith("\r\n\r\n"));
}

TEST_F(ServerTest, InternalRoutesWinOverThePipeline) {
  auto got = exchange(
      "POST /_mekong/health/x HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi");
  EXPECT_THAT(got, EndsWith("\r\n\r\nPOST hi"));
}

TEST_F(ServerTest, RefusesAmbiguousFramingAndCloses) {
  auto got =
      exchange(put("k", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n") + get("k"));
  EXPECT_THAT(got, StartsWith("HTTP/1.1 400 Bad Request"));
  EXPECT_THAT(got.substr(10), Not(HasSubstr("HTTP/1.1")));
  EXPECT_TRUE(s3.objects.empty());
  EXPECT_THAT(exchange(put("k", "Transfer-Encoding: chunked\r\n", "zz\r\n")), StartsWith("HTTP/1.1 400"));
  EXPECT_TRUE(s3.objects.empty());
}

TEST_F(ServerTest, RefusesAHeadThatIsTooLarge) {
  auto got = exchange("GET / HTTP/1.1\r\nHost: h\r\nX: " + std::string(70'000, 'x'));
  EXPECT_THAT(got, StartsWith("HTTP/1.1 431"));
}

TEST_F(ServerTest, ABodyCutShortIsNotStored) {
  auto connection = sync_wait([](os::Network& net, os::Endpoint to) -> Task<os::ConnectionPtr> {
    auto made = co_await net.connect(to, 2000);
    std::string text = put("k", "Content-Length: 50\r\n", "hello");
    (void)co_await (*made)->write(text, 2000);
    co_return *made;
  }(*network, server->endpoint()));
  connection->close();
  server->stop(2000);
  EXPECT_TRUE(s3.objects.empty());
}

TEST_F(ServerTest, StopClosesIdleConnections) {
  auto connection = sync_wait([](os::Network& net, os::Endpoint to) -> Task<os::ConnectionPtr> {
    auto made = co_await net.connect(to, 2000);
    co_return *made;
  }(*network, server->endpoint()));
  EXPECT_THAT(exchange(get("none")), StartsWith("HTTP/1.1 404"));
  server->stop(2000);
  auto end = sync_wait([](os::Connection& c) -> Task<std::string> {
    auto piece = co_await c.read_some(10, 2000);
    co_return piece.ok() ? *piece : piece.error().code;
  }(*connection));
  EXPECT_EQ(end, "EndOfStream");
}

}  // namespace
}  // namespace mekong::front
