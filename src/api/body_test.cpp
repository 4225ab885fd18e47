#include "api/body.h"

#include <gtest/gtest.h>

#include <ctime>

#include "base/thread_pool.h"
#include "codec/text.h"
#include "codec/time.h"

namespace mekong::api {
namespace {

// Hands out `text` in pieces of `size`.
class Pieces final : public RawBody {
 public:
  Pieces(std::string text, size_t size) : text_(std::move(text)), size_(size) {}
  Task<Result<std::string>> read() override {
    auto piece = text_.substr(0, size_);
    text_.erase(0, piece.size());
    co_return piece;
  }

 private:
  std::string text_;
  size_t size_;
};

// The example of https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html: 66560 bytes in chunks
// of 64 KiB.
iam::Authentication example_auth() {
  iam::Authentication auth;
  auth.body = iam::BodySignature::signed_chunks;
  auth.amz_date = "20130524T000000Z";
  auth.scope = "20130524/us-east-1/s3/aws4_request";
  auth.seed_signature = "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9";
  auto key = codec::hmac_sha256("AWS4wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "20130524");
  for (auto part : {"us-east-1", "s3", "aws4_request"}) key = codec::hmac_sha256(key, part);
  auth.signing_key = key;
  return auth;
}

std::string example_wire() {
  return "10000;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\n" +
         std::string(65536, 'a') +
         "\r\n400;chunk-signature=0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497\r\n" +
         std::string(1024, 'a') +
         "\r\n0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n\r\n";
}

struct Outcome {
  std::string data, error;
  std::vector<std::pair<std::string, std::string>> trailers;
};

Outcome read(const std::string& wire, const iam::Authentication& auth, Headers headers, size_t piece,
             int64_t length = -1) {
  ThreadPool pool("pool", 1);
  Pieces raw(wire, piece);
  RequestHead head;
  head.headers = std::move(headers);
  head.content_length = length;
  CheckedBody body(raw, head, auth, pool);
  auto all = sync_wait(read_all(body, 1 << 20));
  return all.ok() ? Outcome{*all, "", body.trailers()} : Outcome{"", all.error().code, {}};
}

TEST(CheckedBody, TakesTheSignedExampleInPiecesOfAnySize) {
  for (size_t piece : {1u, 7u, 1000u, 65536u, 1'000'000u}) {
    auto outcome = read(example_wire(), example_auth(), {{"x-amz-decoded-content-length", "66560"}}, piece);
    EXPECT_EQ(outcome.error, "") << piece;
    EXPECT_EQ(outcome.data, std::string(66560, 'a')) << piece;
  }
}

TEST(CheckedBody, RefusesAChangedChunk) {
  auto wire = example_wire();
  for (size_t at : {size_t{100}, wire.size() - 200, wire.size() - 10}) {
    auto changed = wire;
    changed[at] = changed[at] == 'b' ? 'c' : 'b';
    EXPECT_NE(read(changed, example_auth(), {}, 4096).error, "") << at;
  }
  auto cut = wire.substr(0, wire.size() - 90);  // without the last chunk
  EXPECT_EQ(read(cut, example_auth(), {}, 4096).error, "IncompleteBody");
  EXPECT_EQ(read(wire + "x", example_auth(), {}, 4096).error, "InvalidRequest");
  EXPECT_EQ(read(wire, example_auth(), {{"x-amz-decoded-content-length", "66561"}}, 4096).error,
            "IncompleteBody");
}

TEST(CheckedBody, ReadsTrailersOfUnsignedChunks) {
  iam::Authentication auth;
  auth.body = iam::BodySignature::unsigned_chunks_trailer;
  auto outcome = read("5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n", auth, {}, 3);
  EXPECT_EQ(outcome.data, "hello");
  ASSERT_EQ(outcome.trailers.size(), 1u);
  EXPECT_EQ(outcome.trailers[0].first, "x-amz-checksum-crc32");
  EXPECT_EQ(outcome.trailers[0].second, "NhCmhg==");
  for (auto wire : {"5\r\nhelloX\r\n0\r\n\r\n", "g\r\n", "5\r\nhello\r\n0\r\nbad\r\n\r\n", "\r\n"}) {
    EXPECT_EQ(read(wire, auth, {}, 3).error, "InvalidRequest") << wire;
  }
  EXPECT_EQ(read("5\r\nhel", auth, {}, 3).error, "IncompleteBody");
}

// 1.2 MB of framing that arrive at once: moving the rest for each chunk would take minutes.
TEST(CheckedBody, TakesManySmallChunksInLinearTime) {
  constexpr size_t chunks = 200'000;
  std::string wire;
  for (size_t i = 0; i < chunks; ++i) wire += "1\r\na\r\n";
  iam::Authentication auth;
  auth.body = iam::BodySignature::unsigned_chunks_trailer;
  const std::clock_t began = std::clock();
  const auto outcome = read(wire + "0\r\n\r\n", auth, {}, wire.size() + 5);
  const auto seconds = static_cast<double>(std::clock() - began) / CLOCKS_PER_SEC;
  EXPECT_EQ(outcome.data, std::string(chunks, 'a'));
  EXPECT_LT(seconds, 10);
}

// A stream of signed frames; `break_at`: whose signature is changed.
std::string signed_frames(const iam::Authentication& auth, const std::vector<std::string>& events,
                          size_t break_at = SIZE_MAX, int64_t from_ms = 1'369'353'600'000) {
  using Type = codec::EventHeader::Type;
  std::string out, previous = auth.seed_signature;
  for (size_t i = 0; i < events.size(); ++i) {
    const codec::EventHeader date{":date", Type::timestamp, from_ms + static_cast<int64_t>(i) * 1000, ""};
    previous = iam::event_signature(auth, codec::format_amz_date(date.number), previous,
                                    codec::hex_encode(codec::sha256(codec::encode_event_headers({date}))),
                                    codec::hex_encode(codec::sha256(events[i])));
    auto raw = *codec::hex_decode(previous);
    if (i == break_at) raw[0] ^= 1;
    out += codec::encode_event({{date, {":chunk-signature", Type::bytes, 0, raw}}, events[i]});
  }
  return out;
}

TEST(CheckedBody, UnwrapsSignedEvents) {
  auto auth = example_auth();
  auth.body = iam::BodySignature::signed_events;
  const auto wire = signed_frames(auth, {"one", "two", ""});
  for (size_t piece : {1u, 50u, 10'000u}) EXPECT_EQ(read(wire, auth, {}, piece).data, "onetwo") << piece;
  for (size_t i : {0u, 1u, 2u})
    EXPECT_EQ(read(signed_frames(auth, {"one", "two", ""}, i), auth, {}, 99).error, "SignatureDoesNotMatch")
        << i;
  EXPECT_EQ(read(signed_frames(auth, {"one", "two"}), auth, {}, 99).error, "IncompleteBody");
  EXPECT_EQ(read(wire + wire, auth, {}, 10'000).error, "InvalidRequest");
  const auto bare = codec::encode_event({{{":event-type", codec::EventHeader::Type::string, 0, "E"}}, "one"});
  EXPECT_EQ(read(bare, auth, {}, 99).error, "InvalidEventStream");
  auto swapped = signed_frames(auth, {"two", "one", ""});
  swapped.replace(0, swapped.size() / 3, wire.substr(0, swapped.size() / 3));
  EXPECT_NE(read(swapped, auth, {}, 99).error, "");
}

// The clock of the events passes midnight between the first and the second.
TEST(CheckedBody, UnwrapsSignedEventsAcrossMidnight) {
  auto auth = example_auth();
  auth.body = iam::BodySignature::signed_events;
  std::vector<std::string> asked;
  auth.key_of_day = [&](std::string_view day) {
    asked.emplace_back(day);
    return codec::hmac_sha256("of the day", day);
  };
  constexpr int64_t second_before_ms = 1'369'439'999'000;
  const auto wire = signed_frames(auth, {"one", "two", ""}, SIZE_MAX, second_before_ms);
  asked.clear();
  EXPECT_EQ(read(wire, auth, {}, 99).data, "onetwo");
  EXPECT_EQ(asked, (std::vector<std::string>{"20130525", "20130525"}));
  auth.key_of_day = nullptr;  // as if all were of the first day
  EXPECT_EQ(read(wire, auth, {}, 99).error, "SignatureDoesNotMatch");
}

TEST(CheckedBody, HoldsTheHashAgainstThePlainBody) {
  iam::Authentication auth;
  auth.body = iam::BodySignature::sha256;
  auth.body_sha256 = codec::hex_of(codec::sha256_digest("hello"));
  EXPECT_EQ(read("hello", auth, {}, 2, 5).data, "hello");
  EXPECT_EQ(read("hellO", auth, {}, 2, 5).error, "XAmzContentSHA256Mismatch");
  EXPECT_EQ(read("hello", auth, {}, 2, 6).error, "IncompleteBody");
}

}  // namespace
}  // namespace mekong::api
