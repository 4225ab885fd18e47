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
  // The wall stands still, what times out does not.
  struct TestClock final : os::Clock {
    os::SystemClock system;
    int64_t wall_ms() const override { return 1'767'323'045'000; }
    int64_t monotonic_ns() const override { return system.monotonic_ns(); }
    int64_t service_ms() const override { return wall_ms(); }
  } clock;
  std::unique_ptr<Server> server;

  void SetUp() override { start({}); }
  void start(ServerOptions options) {
    server = std::make_unique<Server>(*network, harness.pipeline, routes, harness.pool, clock, null_logger(),
                                      options);
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

TEST_F(ServerTest, header_crlf_cors) {
  s3.objects["k"].data = "hello";
  s3.objects["k"].metadata.emplace()["a"] = "x\r\nSet-Cookie: y\r\n\r\nbody";
  EXPECT_THAT(exchange(get("k")), HasSubstr("x-amz-meta-a: x  Set-Cookie: y    body\r\n"));
  auto got = exchange(get("k", "Origin: http://evil\r\nConnection: close\r\n"));
  EXPECT_THAT(got, Not(HasSubstr("evil")));
}

TEST_F(ServerTest, slow_head_ends_in_time) {
  ServerOptions options;
  options.header_timeout_ms = 100;
  start(options);
  EXPECT_THAT(exchange("GET / HTTP/1.1\r\nHost: h\r\n"), StartsWith("HTTP/1.1 408"));
}

// A byte now and then is not progress: the average counts.
TEST_F(ServerTest, slow_body) {
  ServerOptions options;
  options.read_timeout_ms = 100;
  start(options);
  EXPECT_THAT(exchange(put("k", "Content-Length: 50\r\n", "hello")), StartsWith("HTTP/1.1 400"));
  const auto got = sync_wait([](os::Network& network, os::Endpoint to) -> Task<std::string> {
    auto made = co_await network.connect(to, 2000);
    auto connection = *made;
    const std::string head = put("k", "Content-Length: 50\r\n", "");
    auto written = co_await connection->write(head, 2000);
    for (int i = 0; i < 40 && written.ok(); ++i) {
      auto slept = network.sleep(20);
      co_await slept;
      written = co_await connection->write("x", 2000);
    }
    auto reply = co_await connection->read_some(1000, 2000);
    co_return reply.ok() ? *reply : reply.error().code;
  }(*network, server->endpoint()));
  EXPECT_THAT(got, StartsWith("HTTP/1.1 400"));
  EXPECT_THAT(got, HasSubstr("Connection: close"));
  EXPECT_TRUE(s3.objects.empty());
}

// The reply reaches a client that has much left to send: no reset overtakes it.
TEST_F(ServerTest, ARefusedUploadLearnsWhy) {
  harness.authoriser.denied = {"s3:PutObject arn:aws:s3:::b/k"};
  for (int i = 0; i < 20; ++i) {
    const auto got = exchange(put("k", "Content-Length: 900000\r\n", std::string(500'000, 'x')));
    ASSERT_THAT(got, StartsWith("HTTP/1.1 403"));
  }
}

TEST_F(ServerTest, AnUnreadBodyDoesNotEndTheConnection) {
  harness.authoriser.denied = {"s3:PutObject arn:aws:s3:::b/k"};
  s3.objects["j"].data = "there";
  auto got = exchange(put("k", "Content-Length: 100000\r\n", std::string(100'000, 'x')) + get("j"));
  EXPECT_THAT(got, StartsWith("HTTP/1.1 403"));
  EXPECT_THAT(got, EndsWith("\r\n\r\nthere"));
}

TEST_F(ServerTest, OldClientsMayKeepTheConnection) {
  const std::string request = "GET /_mekong/health HTTP/1.0\r\n";
  EXPECT_THAT(exchange(request + "\r\n"), HasSubstr("Connection: close"));
  auto got = exchange(request + "Connection: keep-alive\r\n\r\n" + request + "\r\n");
  EXPECT_THAT(got, HasSubstr("Connection: keep-alive\r\n"));
  EXPECT_THAT(got.substr(20), HasSubstr("HTTP/1.1 200"));
}

TEST_F(ServerTest, source_ip_forged) {
  exchange(get(
      "k",
      "X-Forwarded-For: 1.2.3.4\r\nX-Real-IP: 1.2.3.4\r\nForwarded: for=1.2.3.4\r\nConnection: close\r\n"));
  EXPECT_THAT(harness.authoriser.last_context.at("aws:sourceip"), testing::ElementsAre("127.0.0.1"));
}

TEST_F(ServerTest, MoreConnectionsThanTheLimitAreClosed) {
  ServerOptions options;
  options.listen.connections_max = 1;
  start(options);
  const auto first = *sync_wait(network->connect(server->endpoint(), 2000));
  const auto second = *sync_wait(network->connect(server->endpoint(), 2000));
  EXPECT_EQ(sync_wait(second->read_some(10, 5000)).error().code, "EndOfStream");
  first->close();
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
