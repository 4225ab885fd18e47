// Protocols that no listed service speaks yet, over the whole pipeline, with made-up services.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/harness.h"
#include "api/telemetry.h"
#include "codec/cbor.h"
#include "codec/event_stream.h"
#include "codec/gzip.h"
#include "codec/text.h"
#include "gen/gauges/client.h"
#include "gen/gauges/twin.h"
#include "gen/talks/twin.h"

namespace mekong::wire {
namespace {

using api::Headers;
using codec::CborReader;
using codec::EventMessage;
using testing::HasSubstr;
namespace gauges = gen::gauges;
namespace talks = gen::talks;

template <class E>
class ListedEvents final : public api::EventSource<E> {
 public:
  ListedEvents(std::vector<E> events, std::optional<Error> error)
      : events_(std::move(events)), error_(std::move(error)) {}
  Task<Result<std::optional<E>>> next() override {
    if (at_ < events_.size()) co_return std::optional<E>(events_[at_++]);
    if (error_) co_return *error_;
    co_return std::optional<E>();
  }

 private:
  std::vector<E> events_;
  std::optional<Error> error_;
  size_t at_ = 0;
};

class Gauges final : public gauges::Twin {
 public:
  std::vector<std::string> data;
  std::vector<int64_t> times_ms;
  std::string token;
  std::optional<Error> ends_with;

  Result<gauges::PutRecordsOutput> put_records(api::Context&,
                                               const gauges::PutRecordsInput& request) override {
    if (request.name == "full") {
      gauges::Full full;
      full.limit = 7;
      return api::fail(std::move(full), "It is full.");
    }
    token = request.token.value_or("");
    for (const auto& record : request.records) {
      data.push_back(record.data);
      times_ms.push_back(record.at ? record.at->ms : -1);
    }
    gauges::PutRecordsOutput output;
    output.count = static_cast<int32_t>(request.records.size());
    output.at = api::Timestamp{1'767'323'045'250};
    return output;
  }

  Result<gauges::SubscribeOutput> subscribe(api::Context&, const gauges::SubscribeInput& request) override {
    std::vector<gauges::Events> events(2);
    for (int i = 0; i < 2; ++i) {
      events[i].reading.emplace();
      events[i].reading->value = i + 1;
    }
    gauges::SubscribeOutput output;
    output.name = request.name;
    output.events = std::make_unique<ListedEvents<gauges::Events>>(std::move(events), ends_with);
    return output;
  }
};

// Answers every word with itself and every voice with its bytes.
class Talks final : public talks::Twin {
 public:
  Task<Result<talks::ConverseOutput>> converse(api::Context&, const talks::ConverseInput& request,
                                               api::EventReader<talks::Said>& said) override {
    std::vector<talks::Heard> heard;
    while (true) {
      auto event = co_await said.next();
      if (!event.ok()) co_return std::move(event).error();
      if (!event->has_value()) break;
      auto& echo = heard.emplace_back();
      echo.voice = (*event)->voice;
      echo.word = (*event)->word;
    }
    talks::ConverseOutput output;
    output.room = request.topic;
    output.heard = std::make_unique<ListedEvents<talks::Heard>>(std::move(heard), std::nullopt);
    co_return output;
  }
};

class WireTest : public testing::Test {
 protected:
  Gauges gauges_service;
  Talks talks_service;
  api::Harness harness{{bind(gauges_service), bind(talks_service)}};

  api::Response rpc(const std::string& operation, const std::string& body, Headers more = {}) {
    Headers headers = {{"smithy-protocol", "rpc-v2-cbor"}, {"content-type", "application/cbor"}};
    headers.insert(headers.end(), more.begin(), more.end());
    return harness.call("gauges", "POST", "/service/Gauges_20200101/operation/" + operation, headers, body);
  }
  api::Response json(const std::string& operation, const std::string& body, Headers more = {}) {
    Headers headers = {{"x-amz-target", "Gauges_20200101." + operation},
                       {"content-type", "application/x-amz-json-1.0"}};
    headers.insert(headers.end(), more.begin(), more.end());
    return harness.call("gauges", "POST", "/", headers, body);
  }
};

std::string header(const api::Response& response, std::string_view name) {
  for (const auto& [key, value] : response.headers) {
    if (codec::equal_no_case(key, name)) return value;
  }
  return "";
}

std::string stream_of(api::Response& response) {
  std::string out;
  while (response.stream != nullptr) {
    auto piece = sync_wait(response.stream->next());
    if (!piece.ok()) return "error " + piece.error().code;
    if (piece->empty()) break;
    out += *piece;
  }
  return out;
}

std::vector<EventMessage> events_of(api::Response& response) {
  codec::EventDecoder decoder;
  decoder.feed(stream_of(response));
  std::vector<EventMessage> out;
  while (true) {
    auto message = decoder.next();
    EXPECT_TRUE(message.ok());
    if (!message.ok() || !message->has_value()) break;
    out.push_back(std::move(**message));
  }
  EXPECT_TRUE(decoder.empty());
  return out;
}

// {"Name": "g", "Records": [{"Data": "\x00\xff", "At": time}]}
template <class Time>
std::string records(Time write_time) {
  std::string body;
  codec::CborWriter out(body);
  out.map(2);
  out.text("Name");
  out.text("g");
  out.text("Records");
  out.array(1);
  out.map(2);
  out.text("Data");
  out.bytes(std::string_view("\x00\xff", 2));
  out.text("At");
  write_time(out);
  return body;
}

TEST_F(WireTest, SmithyRpcTakesSecondsAndGivesSeconds) {
  auto response = rpc("PutRecords", records([](codec::CborWriter& out) {
                        out.tag(1);
                        out.real(1767323045.5);
                      }));
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(header(response, "content-type"), "application/cbor");
  EXPECT_EQ(header(response, "smithy-protocol"), "rpc-v2-cbor");
  EXPECT_EQ(gauges_service.data, std::vector<std::string>{std::string("\x00\xff", 2)});
  EXPECT_EQ(gauges_service.times_ms, std::vector<int64_t>{1'767'323'045'500});
  CborReader in(response.body);
  auto pairs = in.open(CborReader::Kind::map);
  ASSERT_TRUE(in.more(pairs));
  EXPECT_EQ(in.text(), "Count");
  EXPECT_EQ(in.integer(), 1);
  ASSERT_TRUE(in.more(pairs));
  EXPECT_EQ(in.text(), "At");
  EXPECT_EQ(in.kind(), CborReader::Kind::real);
  EXPECT_DOUBLE_EQ(in.real(), 1767323045.25);
  EXPECT_FALSE(in.more(pairs) || in.failed());
}

TEST_F(WireTest, AwsCborTakesMillisecondsAndGivesMilliseconds) {
  auto body = records([](codec::CborWriter& out) {
    out.tag(1);
    out.integer(1'767'323'045'500);
  });
  auto response = harness.call(
      "gauges", "POST", "/",
      {{"x-amz-target", "Gauges_20200101.PutRecords"}, {"content-type", "application/x-amz-cbor-1.1"}}, body);
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(header(response, "content-type"), "application/x-amz-cbor-1.1");
  EXPECT_EQ(gauges_service.times_ms, std::vector<int64_t>{1'767'323'045'500});
  CborReader in(response.body);
  auto pairs = in.open(CborReader::Kind::map);
  ASSERT_TRUE(in.more(pairs) && in.text() == "Count" && in.integer() == 1 && in.more(pairs));
  EXPECT_EQ(in.text(), "At");
  EXPECT_EQ(in.kind(), CborReader::Kind::integer);
  EXPECT_EQ(in.integer(), 1'767'323'045'250);
}

TEST_F(WireTest, OneServiceSpeaksJsonAndQueryBeside) {
  auto as_json = json("PutRecords", R"({"Name":"g","Records":[{"Data":"AP8="}]})");
  EXPECT_EQ(as_json.body, R"({"Count":1,"At":1767323045.25})");
  EXPECT_EQ(header(as_json, "content-type"), "application/x-amz-json-1.0");
  auto as_query = harness.call("gauges", "POST", "/", {{"content-type", "application/x-www-form-urlencoded"}},
                               "Action=PutRecords&Name=g&Records.member.1.Data=AP8%3D");
  EXPECT_EQ(as_query.status, 200) << as_query.body;
  EXPECT_THAT(as_query.body,
              HasSubstr("<PutRecordsResult><Count>1</Count><At>2026-01-02T03:04:05.250Z</At>"));
  EXPECT_EQ(gauges_service.data, std::vector<std::string>(2, std::string("\x00\xff", 2)));
}

TEST_F(WireTest, AnErrorKeepsItsMembersInEveryProtocol) {
  auto as_json = json("PutRecords", R"({"Name":"full","Records":[]})");
  EXPECT_EQ(as_json.status, 400);
  EXPECT_EQ(as_json.body, R"({"__type":"Full","message":"It is full.","Limit":7})");
  EXPECT_EQ(header(as_json, "x-amzn-query-error"), "Gauges.Full;Sender");
  auto as_query = harness.call("gauges", "POST", "/", {{"content-type", "application/x-www-form-urlencoded"}},
                               "Action=PutRecords&Name=full&Records=");
  EXPECT_EQ(as_query.status, 409);
  EXPECT_THAT(as_query.body, HasSubstr("<Type>Sender</Type><Code>Gauges.Full</Code><Message>It is full."
                                       "</Message><Limit>7</Limit>"));
  std::string body;
  codec::CborWriter out(body);
  out.map(2);
  out.text("Name");
  out.text("full");
  out.text("Records");
  out.array(0);
  auto as_cbor = rpc("PutRecords", body);
  EXPECT_EQ(as_cbor.status, 400);
  EXPECT_EQ(header(as_cbor, "x-amzn-query-error"), "Gauges.Full;Sender");
  EXPECT_THAT(as_cbor.body, HasSubstr("__type"));
  EXPECT_THAT(as_cbor.body, HasSubstr("Limit"));
}

TEST_F(WireTest, ServicesCallEachOtherWithTheCallersRights) {
  api::CallFrom from{.principal = harness.authenticator.principal, .region = Region("us-east-2")};
  const gauges::Client client(harness.pipeline, from);
  auto put = client.put_records({"g", {{"data", std::nullopt}}});
  ASSERT_TRUE(put.ok()) << put.error().message;
  EXPECT_EQ(put->count, 1);
  EXPECT_EQ(gauges_service.data, std::vector<std::string>{"data"});
  EXPECT_EQ(harness.authoriser.asked.back(),
            "gauges:PutRecords arn:aws:gauges:us-east-2:123456789012:gauge/g");
  EXPECT_EQ(gauges_service.token.size(), 36u);  // filled, as an SDK does
  ASSERT_TRUE(client.put_records({"g", {}, "mine"}).ok());
  EXPECT_EQ(gauges_service.token, "mine");
  EXPECT_EQ(client.put_records({"much too long", {}}).error().code, "ValidationException");
  auto full = client.put_records({"full", {}});
  EXPECT_EQ(full.error().code, "Full");
  EXPECT_EQ(static_cast<const gauges::Full*>(full.error().detail.get())->limit, 7);
  harness.authoriser.denied = {"gauges:PutRecords arn:aws:gauges:us-east-2:123456789012:gauge/g"};
  EXPECT_EQ(client.put_records({"g", {}}).error().code, "AccessDenied");
  EXPECT_EQ(gauges_service.data.size(), 1u);
  EXPECT_THAT(harness.pipeline.telemetry().prometheus(),
              HasSubstr("operation=\"PutRecords\",code=\"AccessDenied\"} 1"));
}

TEST_F(WireTest, HostileCborIsRefusedByName) {
  std::string deep(100'000, '\x81');  // arrays of one element
  std::string long_text = "\xa1\x64Name\x7b\xff\xff\xff\xff\xff\xff\xff\xff";
  for (const std::string& body : {deep, long_text, std::string("\xa1\x64Name"), std::string("\xa0\x00", 2),
                                  std::string("\xa1\x64Name\x61\xff"), std::string("\x80")}) {
    auto response = rpc("PutRecords", body);
    EXPECT_EQ(response.status, 400);
    EXPECT_THAT(response.body, HasSubstr("SerializationException"));
  }
  EXPECT_TRUE(gauges_service.data.empty());
}

TEST_F(WireTest, RpcPathsThatNameNothing) {
  auto unknown = rpc("Nonsense", "\xa0");
  EXPECT_THAT(unknown.body, HasSubstr("UnknownOperationException"));
  auto elsewhere = harness.call("gauges", "POST", "/service/Other/operation/PutRecords",
                                {{"smithy-protocol", "rpc-v2-cbor"}}, "\xa0");
  EXPECT_EQ(elsewhere.status, 404);
  EXPECT_THAT(elsewhere.body, HasSubstr("UnknownOperationException"));
}

TEST_F(WireTest, GzipRequests) {
  const std::string body = R"({"Name":"g","Records":[{"Data":"AP8="}]})";
  EXPECT_EQ(json("PutRecords", codec::gzip(body), {{"content-encoding", "gzip"}}).status, 200);
  EXPECT_EQ(json("PutRecords", codec::gzip(body), {{"content-encoding", "custom, gzip"}}).status, 200);
  EXPECT_EQ(gauges_service.data.size(), 2u);
  auto broken = json("PutRecords", body, {{"content-encoding", "gzip"}});
  EXPECT_EQ(broken.status, 400);
  EXPECT_THAT(broken.body, HasSubstr("SerializationException"));
  auto bomb = json("PutRecords", codec::gzip(std::string(100 << 20, ' ')), {{"content-encoding", "gzip"}});
  EXPECT_EQ(bomb.status, 413);
}

TEST_F(WireTest, EventsOfAnRpcServiceBeginWithTheOtherMembers) {
  auto response = json("Subscribe", R"({"Name":"g"})");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(header(response, "content-type"), "application/vnd.amazon.eventstream");
  auto events = events_of(response);
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(*events[0].header(":event-type"), "initial-response");
  EXPECT_EQ(events[0].payload, R"({"Name":"g"})");
  EXPECT_EQ(*events[1].header(":event-type"), "Reading");
  EXPECT_EQ(*events[1].header(":message-type"), "event");
  EXPECT_EQ(events[2].payload, R"({"Value":2})");
}

TEST_F(WireTest, AStreamEndsWithItsError) {
  gauges_service.ends_with = Error{"Full", "It is full."};
  auto modelled = json("Subscribe", R"({"Name":"g"})");
  auto events = events_of(modelled);
  ASSERT_EQ(events.size(), 4u);
  EXPECT_EQ(*events[3].header(":message-type"), "exception");
  EXPECT_EQ(*events[3].header(":exception-type"), "Full");
  EXPECT_EQ(events[3].payload, R"({"message":"It is full."})");
  gauges_service.ends_with = Error{"InternalFailure", "Broken."};
  auto other = json("Subscribe", R"({"Name":"g"})");
  events = events_of(other);
  EXPECT_EQ(*events[3].header(":message-type"), "error");
  EXPECT_EQ(*events[3].header(":error-code"), "InternalFailure");
}

EventMessage event(const std::string& type, const std::string& payload) {
  EventMessage message;
  message.headers = {{":event-type", codec::EventHeader::Type::string, 0, type},
                     {":message-type", codec::EventHeader::Type::string, 0, "event"}};
  message.payload = payload;
  return message;
}

TEST_F(WireTest, EventsGoBothWays) {
  auto voice = event("Voice", std::string("\x01\x00\x02", 3));
  voice.headers.push_back({"Loud", codec::EventHeader::Type::yes, 0, ""});
  voice.headers.push_back({"Speaker", codec::EventHeader::Type::string, 0, "ann"});
  voice.headers.push_back({"Pitch", codec::EventHeader::Type::i32, -5, ""});
  voice.headers.push_back({"At", codec::EventHeader::Type::timestamp, 1'767'323'045'250, ""});
  auto sent = codec::encode_event(voice) + codec::encode_event(event("Word", R"({"Text":"hello"})"));
  auto response = harness.call("talks", "POST", "/talks/rivers", {}, sent);
  EXPECT_EQ(response.status, 200) << response.body;
  EXPECT_EQ(header(response, "x-room"), "rivers");
  auto events = events_of(response);
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].payload, voice.payload);
  for (size_t i = 2; i < voice.headers.size(); ++i)
    EXPECT_THAT(events[0].headers, testing::Contains(voice.headers[i])) << voice.headers[i].name;
  EXPECT_EQ(events[1].payload, R"({"Text":"hello"})");
}

TEST_F(WireTest, BrokenEventsAreRefused) {
  auto whole = codec::encode_event(event("Word", R"({"Text":"hello"})"));
  auto flipped = whole;
  flipped[flipped.size() - 6] ^= 1;
  for (const auto& sent : {flipped, whole.substr(0, whole.size() - 1), std::string("\xff\xff\xff\xff", 4)}) {
    auto response = harness.call("talks", "POST", "/talks/rivers", {}, sent);
    EXPECT_EQ(response.status, 400);
    EXPECT_THAT(response.body, HasSubstr("event stream"));
  }
  auto lacking = harness.call("talks", "POST", "/talks/rivers", {}, codec::encode_event(event("Word", "{}")));
  EXPECT_EQ(header(lacking, "x-amzn-errortype"), "SerializationException");
}

}  // namespace
}  // namespace mekong::wire
