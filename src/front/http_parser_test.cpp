#include "front/http_parser.h"

#include <gtest/gtest.h>

namespace mekong::front {
namespace {

Result<ParsedHead> parse(const std::string& text) {
  size_t scanned = 0;
  auto size = find_head(text, scanned);
  if (!size.ok()) return std::move(size).error();
  if (!size->has_value()) return Error{"Incomplete", ""};
  return parse_head(text.substr(0, **size), 256);
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
  size_t scanned = 0;
  const std::string text = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
  for (size_t n = 0; n < text.size(); ++n) {
    auto size = find_head(text.substr(0, n), scanned);
    ASSERT_TRUE(size.ok());
    EXPECT_FALSE(size->has_value());
  }
  EXPECT_EQ(**find_head(text, scanned), text.size());
}

std::string refused(const std::string& headers, const std::string& line = "POST / HTTP/1.1") {
  auto head = parse(line + "\r\n" + headers + "\r\n");
  return head.ok() ? "taken" : std::to_string(head.error().http_status);
}

TEST(HttpParser, cl_te_both) {
  EXPECT_EQ(refused("Host: h\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n"), "400");
  EXPECT_EQ(refused("Host: h\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n"), "400");
  EXPECT_EQ(refused("Host: h\r\nTransfer-Encoding: chunked\r\n", "POST / HTTP/1.0"), "400");
}

TEST(HttpParser, te_not_last) {
  for (std::string coding :
       {"chunked, gzip", "gzip, chunked", "identity", "xchunked", "chunked, chunked", ""})
    EXPECT_EQ(refused("Host: h\r\nTransfer-Encoding: " + coding + "\r\n"), "400") << coding;
}

TEST(HttpParser, bare_lf) {
  EXPECT_EQ(refused("Host: h\nA: b\r\n"), "400");
  EXPECT_EQ(refused("Host: h\r\nA: b\n"), "400");
  EXPECT_EQ(refused("Host: h\r\nA: b\rContent-Length: 5\r\n"), "400");
  EXPECT_EQ(refused(std::string("Host: h\r\nA: b\0c\r\n", 17)), "400");
}

TEST(HttpParser, host_is_one_and_the_same) {
  EXPECT_EQ(refused("Host: h\r\nHost: h\r\n"), "400");
  EXPECT_EQ(refused("Host: a, b\r\n"), "400");
  EXPECT_EQ(refused("Host: a/b\r\n"), "400");
  EXPECT_EQ(refused("Host: user@b\r\n"), "400");
  EXPECT_EQ(refused("Host: h\r\n", "GET http://other/ HTTP/1.1"), "400");
  EXPECT_EQ(refused("Host: h:80\r\n", "GET http://H:80/x HTTP/1.1"), "taken");
}

TEST(HttpParser, CountsHeadersAndParameters) {
  std::string headers = "Host: h\r\n";
  for (int i = 0; i < 255; ++i) headers += "a:\r\n";
  EXPECT_EQ(refused(headers), "taken");
  EXPECT_EQ(refused(headers + "a:\r\n"), "431");
  EXPECT_EQ(refused("Host: h\r\n", "GET /?" + std::string(2000, '&') + " HTTP/1.1"), "400");
}

// What a chunked body decodes to, or the error's code.
std::string decode(std::string wire) {
  ChunkDecoder decoder;
  std::string out;
  while (true) {
    auto piece = decoder.decode(wire);
    if (!piece.ok()) return piece.error().code;
    out += *piece;
    if (decoder.done()) return out;
    if (piece->empty()) return "<more>";
  }
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
    EXPECT_EQ(decode(wire), "BadRequest") << wire;
  }
}

TEST(ChunkDecoder, chunk_size_0x_plus) {
  for (std::string wire : {"0x5\r\nhello\r\n", "+5\r\nhello\r\n", " 5\r\nhello\r\n", "5_\r\nhello\r\n"})
    EXPECT_EQ(decode(wire), "BadRequest") << wire;
}

TEST(ChunkDecoder, chunk_ext_newline) {
  EXPECT_EQ(decode("5;a\n\r\nhello\r\n0\r\n\r\n"), "BadRequest");
  EXPECT_EQ(decode("5;a=\"\rb\"\r\nhello\r\n0\r\n\r\n"), "BadRequest");
  EXPECT_EQ(decode("5\r\nhello\n0\r\n\r\n"), "BadRequest");
  EXPECT_EQ(decode("5\r\nhello\r\n0\r\nno trailer\r\n\r\n"), "BadRequest");
}

TEST(ChunkDecoder, chunk_ext_flood) {
  std::string wire;
  for (int i = 0; i < 100; ++i) wire += "1;" + std::string(1000, 'x') + "\r\na\r\n";
  EXPECT_EQ(decode(wire + "0\r\n\r\n"), "BadRequest");
  EXPECT_EQ(decode("5;" + std::string(10'000, 'x')), "BadRequest");
  std::string trailers = "0\r\n";
  for (int i = 0; i < 100; ++i) trailers += "t: " + std::string(1000, 'x') + "\r\n";
  EXPECT_EQ(decode(trailers + "\r\n"), "BadRequest");
}

// Ten thousand chunks of a byte are read in one pass: erasing each from the buffer would take minutes at this
// size.
TEST(ChunkDecoder, ManySmallChunksCostNoMoreThanTheirBytes) {
  std::string wire, all;
  for (int i = 0; i < 1'000'000; ++i) wire += "1\r\na\r\n";
  EXPECT_EQ(decode(wire + "0\r\n\r\n"), std::string(1'000'000, 'a'));
}

}  // namespace
}  // namespace mekong::front
