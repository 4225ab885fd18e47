// HTTP/2 as a client sees it, over real sockets.
#include "front/http2.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/harness.h"
#include "front/http2_client.h"
#include "front/test_services.h"

namespace mekong::front {
namespace {

const Http2Client::Headers signed_headers = {
    {"authorization",
     "AWS4-HMAC-SHA256 Credential=A/20260101/us-east-1/s3/aws4_request, SignedHeaders=h, Signature=0"},
    {"x-amz-content-sha256", "UNSIGNED-PAYLOAD"}};

// Endless; tells how much of it was asked for.
class Endless final : public api::BodySource {
 public:
  explicit Endless(std::atomic<int>& pieces) : pieces_(pieces) {}
  Result<std::string> read() override {
    ++pieces_;
    return std::string(100'000, 'x');
  }
  int64_t length() const override { return -1; }

 private:
  std::atomic<int>& pieces_;
};

class Http2Test : public testing::Test {
 protected:
  TestS3 s3;
  api::Harness harness{{bind(s3)}};
  std::unique_ptr<os::Network> network = os::make_network(1);
  std::atomic<int> pieces = 0;
  InternalRoutes routes{
      {"/_mekong/echo",
       [](const HttpRequest& request) -> Task<api::Response> {
         co_return api::Response{
             200, {{"Seen-Host", *api::find_header(request.head.headers, "host")}}, request.body};
       }},
      {"/_mekong/endless", [this](const HttpRequest&) -> Task<api::Response> {
         co_return api::Response{200, {}, "", std::make_unique<Endless>(pieces)};
       }}};
  std::unique_ptr<Server> server;

  void SetUp() override { start({}); }
  void start(ServerOptions options) {
    server = std::make_unique<Server>(*network, harness.pipeline, routes, harness.pool, clock, null_logger(),
                                      options);
    ASSERT_TRUE(server->start().ok());
  }
  os::ConnectionPtr connect() { return *sync_wait(network->connect(server->endpoint(), 2000)); }
  static int status(const Http2Client::Reply& reply) {
    return reply.statuses.empty() ? -1 : reply.statuses.back();
  }
  os::SystemClock clock;
};

TEST_F(Http2Test, ManyRequestsAtOnceByPriorKnowledge) {
  Http2Client client(connect());
  std::vector<int32_t> ids;
  for (int i = 0; i < 100; ++i)
    ids.push_back(client.request("POST", "/_mekong/echo", {}, "body " + std::to_string(i)));
  for (int i = 0; i < 100; ++i) {
    const auto& reply = client.finish(ids[static_cast<size_t>(i)]);
    EXPECT_EQ(status(reply), 200);
    EXPECT_EQ(reply.body, "body " + std::to_string(i));
  }
  EXPECT_EQ(client.replies[ids[0]].headers["seen-host"], "localhost");
  EXPECT_EQ(client.replies[ids[0]].headers["content-length"], "6");
}

TEST_F(Http2Test, LargeBodiesGoBothWaysThroughThePipeline) {
  Http2Client client(connect());
  std::string data;
  for (int i = 0; i < 500'000; ++i) data += std::to_string(i);
  EXPECT_EQ(status(client.finish(client.request("PUT", "/b/k", signed_headers, data))), 200);
  EXPECT_EQ(s3.objects["k"].data, data);
  EXPECT_EQ(client.finish(client.request("GET", "/b/k", signed_headers)).body, data);
  s3.announce_length = false;
  EXPECT_EQ(client.finish(client.request("GET", "/b/k", signed_headers)).body, data);
  const auto& head = client.finish(client.request("HEAD", "/b/k", signed_headers));
  EXPECT_EQ(head.headers.at("content-length"), std::to_string(data.size()));
  EXPECT_EQ(head.body, "");
}

TEST_F(Http2Test, ExpectIsAnsweredWhenTheBodyIsWanted) {
  Http2Client client(connect());
  const auto id = client.request("POST", "/_mekong/echo", {{"expect", "100-continue"}}, "", false);
  EXPECT_TRUE(client.run([&] { return status(client.replies[id]) == 100; }));
  client.send_body(id, "x");
  const auto& reply = client.finish(id);
  EXPECT_THAT(reply.statuses, testing::ElementsAre(100, 200));
}

TEST_F(Http2Test, AReaderThatIsSlowGetsNoMoreThanItsWindow) {
  Http2Client client(connect(), false);
  const auto id = client.request("GET", "/_mekong/endless");
  client.run([&] { return client.replies[id].body.size() == 65'535; });
  EXPECT_EQ(client.replies[id].body.size(), 65'535U);
  const auto other = client.request("POST", "/_mekong/echo");  // the connection's own window is used up, yet
  EXPECT_EQ(status(client.finish(other)), 200);                // a head needs none
  EXPECT_EQ(client.replies[id].body.size(), 65'535U);
  EXPECT_LE(pieces, 2);
}

TEST_F(Http2Test, AStreamThatNobodyReadsIsReset) {
  ServerOptions options;
  options.write_timeout_ms = 100;
  start(options);
  Http2Client client(connect(), false);
  const auto id = client.request("GET", "/_mekong/endless");
  client.finish(id);
  EXPECT_TRUE(client.replies[id].closed);
}

TEST_F(Http2Test, AnEarlyReplyTellsTheClientToStopSending) {
  Http2Client client(connect());
  harness.authoriser.denied = {"s3:PutObject arn:aws:s3:::b/k"};
  const auto& reply = client.finish(client.request("PUT", "/b/k", signed_headers, "part", false));
  EXPECT_EQ(status(reply), 403);
  EXPECT_EQ(reply.error, NGHTTP2_NO_ERROR);
  EXPECT_EQ(status(client.finish(client.request("POST", "/_mekong/echo"))), 200);
}

TEST_F(Http2Test, ABodyCutShortIsNotStored) {
  Http2Client client(connect());
  const auto id = client.request("PUT", "/b/k", signed_headers, "part", false);
  client.run([&] { return nghttp2_session_get_stream_remote_window_size(client.session, id) == 65'536 - 4; });
  nghttp2_submit_rst_stream(client.session, 0, id, NGHTTP2_CANCEL);
  EXPECT_EQ(status(client.finish(client.request("POST", "/_mekong/echo"))), 200);
  server->stop(2000);
  EXPECT_TRUE(s3.objects.empty());
}

TEST_F(Http2Test, h2_header_limits) {
  Http2Client client(connect());
  Http2Client::Headers many(256, {"a", "b"});
  EXPECT_EQ(status(client.finish(client.request("GET", "/_mekong/echo", many))), 200);
  many.emplace_back("a", "b");
  EXPECT_EQ(status(client.finish(client.request("GET", "/_mekong/echo", many))), 431);
  EXPECT_EQ(status(client.finish(client.request("GET", "relative"))), -1);  // nghttp2's own rule
  EXPECT_EQ(status(client.finish(client.request("GET", "/a?" + std::string(2000, '&')))), 400);
  EXPECT_EQ(status(client.finish(client.request("GET", "/_mekong/echo", {{"host", "other"}}))), 400);
}

TEST_F(Http2Test, h2_smuggling_headers_are_refused) {
  for (const auto& header : std::vector<std::pair<std::string, std::string>>{
           {"transfer-encoding", "chunked"}, {"connection", "close"}, {"content-length", "7"}}) {
    Http2Client client(connect());
    const auto& reply = client.finish(client.request("POST", "/_mekong/echo", {header}, "hello"));
    EXPECT_EQ(status(reply), -1) << header.first;
    EXPECT_EQ(reply.error, NGHTTP2_PROTOCOL_ERROR) << header.first;
  }
}

TEST_F(Http2Test, h2_reset_flood) {
  Http2Client client(connect());
  std::vector<int32_t> open;
  client.run([&] {
    for (const auto id : open) nghttp2_submit_rst_stream(client.session, 0, id, NGHTTP2_CANCEL);
    open.clear();
    for (int i = 0; i < 50; ++i) open.push_back(client.request("POST", "/_mekong/echo", {}, "part", false));
    nghttp2_submit_ping(client.session, 0, nullptr);  // something to wait for
    return client.goaway;
  });
  EXPECT_TRUE(client.goaway);
  EXPECT_EQ(client.goaway_error, NGHTTP2_ENHANCE_YOUR_CALM);
}

TEST_F(Http2Test, h2_ping_and_settings_flood) {
  for (const bool ping : {true, false}) {
    Http2Client client(connect());
    int sent = 0;
    client.run([&] {
      for (int i = 0; i < 500; ++i, ++sent) {
        if (ping) nghttp2_submit_ping(client.session, 0, nullptr);
        if (!ping) nghttp2_submit_settings(client.session, 0, nullptr, 0);
      }
      return client.goaway || sent > 100'000;
    });
    EXPECT_EQ(client.goaway_error, NGHTTP2_ENHANCE_YOUR_CALM) << ping;
  }
}

TEST_F(Http2Test, StopSaysGoodbyeAndLetsRequestsEnd) {
  Http2Client idle(connect());
  EXPECT_EQ(status(idle.finish(idle.request("POST", "/_mekong/echo"))), 200);
  server->stop(2000);
  idle.run([&] { return idle.goaway; });
  EXPECT_TRUE(idle.goaway);
  EXPECT_EQ(idle.goaway_error, NGHTTP2_NO_ERROR);
}

TEST_F(Http2Test, AnIdleConnectionEndsWhateverItPings) {
  ServerOptions options;
  options.idle_timeout_ms = 50;
  start(options);
  Http2Client client(connect());
  EXPECT_FALSE(client.run([&] {
    nghttp2_submit_ping(client.session, 0, nullptr);
    return false;
  }));
  EXPECT_TRUE(client.goaway);
}

}  // namespace
}  // namespace mekong::front
