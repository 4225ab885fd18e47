#include "front/http_parser.h"

#include <gtest/gtest.h>

namespace mekong::front {
namespace {

Result<ParsedHead> parse(const std::string& text) {
  auto size = find_head(text);
  if (!size.ok()) return std::move(size).error();
  if (!size->has_value()) return Error{"Incomplete", ""};
  return parse_head(text.substr(0, **size));
}

TEST(HttpParser, ReadsAHead) {
  auto head = parse(
      "PUT /b/k%20x?a=1&b HTTP/1.1\r\nHost: h\r\nX-Amz-Date:  d \r\nContent-Length: 5\r\n"
      "Expect: 100-continue\r\nConnection: close\r\n\r\nhello");
  ASSERT_TRUE(head.ok()) << head.error().message;
  EXPECT_EQ(head->head.method, "PUT");
  EXPECT_EQ(head->head.raw_path, "/b/k%20x");
  EXPECT_EQ(head->head.raw_query, "a=1&b");
  EXPECT_EQ(*api::find_header(head->head.headers, "x-amz-date"), "d");
  EXPECT_EQ(head->head.content_length, 5);
  EXPECT_TRUE(head->expects_continue);
  EXPECT_FALSE(head->keep_alive);
}

TEST(HttpParser, RefusesWhatReadersCouldUnderstandDifferently) {
  const std::string start = "POST / HTTP/1.1\r\nHost: h\r\n";
  for (std::string text : {
           start + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
           start + "Content-Length: 5\r\nContent-Length: 5\r\n\r\n",
           start + "Content-Length: +5\r\n\r\n",
           start + "Transfer-Encoding: gzip, chunked\r\n\r\n",
           start + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
           start + "A: b\n\r\n",
           start + " folded: x\r\n\r\n",
           start + "Name : x\r\n\r\n",
           start + "A: b\rc\r\n\r\n",
           start + "Host: other\r\n\r\n",
           std::string("GET / HTTP/1.1\r\n\r\n"),
           std::string("GET /a b HTTP/1.1\r\nHost: h\r\n\r\n"),
           std::string("GET a HTTP/1.1\r\nHost: h\r\n\r\n"),
           std::string("\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n"),
           std::string("GET / HTTP/2.0\r\nHost: h\r\n\r\n"),
       }) {
    auto head = parse(text);
    ASSERT_FALSE(head.ok()) << text;
    EXPECT_GE(head.error().http_status, 400) << text;
  }
}

TEST(HttpParser, WaitsForTheWholeHead) {
  auto size = find_head("GET / HTTP/1.1\r\nHost: h\r\n");
  ASSERT_TRUE(size.ok());
  EXPECT_FALSE(size->has_value());
}

TEST(ChunkDecoder, TakesTheCodingOffByteByByte) {
  const std::string wire = "5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nTrailer: t\r\n\r\nNEXT";
  ChunkDecoder decoder;
  std::string buffer, out;
  size_t used = 0;
  while (!decoder.done()) {
    buffer += wire[used++];
    auto piece = decoder.decode(buffer);
    ASSERT_TRUE(piece.ok());
    out += *piece;
  }
  EXPECT_EQ(out, "hello world");
  EXPECT_EQ(wire.substr(used), "NEXT");
}

TEST(ChunkDecoder, RefusesBadFraming) {
  for (std::string wire :
       {"x\r\n", "5\nhello", "5\r\nhelloX\r\n", "\r\n", "-1\r\n", "ffffffffffffffff\r\n", "5 \r\n"}) {
    ChunkDecoder decoder;
    bool failed = false;
    for (int i = 0; i < 4 && !failed; ++i) failed = !decoder.decode(wire).ok();
    EXPECT_TRUE(failed) << wire;
  }
}

}  // namespace
}  // namespace mekong::front
