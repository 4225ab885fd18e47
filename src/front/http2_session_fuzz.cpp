// Any bytes after HTTP/2's preface: every stream that begins ends, no more than the bounds is held, and what
// is answered is taken. Input: pieces, each with a byte for its length.
#include "front/http2_session.h"

#include <cstdint>
#include <map>
#include <string>

#include "front/http2.h"

namespace mekong::front {
namespace {

class Echo final : public Http2Session::Handler {
 public:
  Http2Session* session = nullptr;
  struct Stream {
    std::string body;
    bool ended = false;
  };
  std::map<Http2Session::StreamId, Stream> streams;

  void on_request(Http2Session::StreamId id, Result<ParsedHead> head, bool ended) override {
    if (!streams.try_emplace(id).second) __builtin_trap();
    const size_t held = head.ok() ? head->head.headers.size() : 0;
    if (held > 257) __builtin_trap();
    session->respond(id, head.ok() ? plain(200, head->head.raw_path) : plain(head.error()), {});
    if (ended) on_body_end(id);
  }
  void on_body(Http2Session::StreamId id, std::string_view data) override {
    const auto it = streams.find(id);
    if (it != streams.end()) it->second.body += data;
    session->consume(id, data.size(), it != streams.end());
  }
  void on_body_end(Http2Session::StreamId id) override {
    const auto it = streams.find(id);
    if (it == streams.end()) return;  // refused
    it->second.ended = true;
    session->resume(id);
  }
  void on_closed(Http2Session::StreamId id) override { streams.erase(id); }
  Http2Session::Piece next_piece(Http2Session::StreamId id, char* to, size_t bytes_max) override {
    using Piece = Http2Session::Piece;
    const auto it = streams.find(id);
    if (it == streams.end()) return {0, Piece::failed};
    auto& body = it->second.body;
    const auto bytes = body.copy(to, bytes_max);
    body.erase(0, bytes);
    if (!body.empty()) return {bytes, Piece::more};
    return {bytes, it->second.ended ? Piece::end : Piece::wait};
  }
};

}  // namespace
}  // namespace mekong::front

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace mekong::front;
  Echo echo;
  ServerOptions options;
  Http2Session session(options, echo);
  echo.session = &session;
  bool fine = session.feed(http2_preface, 1);
  for (size_t at = 0; fine && at < size;) {
    const size_t length = std::min<size_t>(data[at] + 1U, size - at - 1);
    fine = session.feed({reinterpret_cast<const char*>(data) + at + 1, length}, static_cast<int64_t>(at));
    at += 1 + length;
    std::string output;
    do session.take_output(output, 65'536);
    while (!output.empty());
  }
  if (echo.streams.size() > options.streams_max) __builtin_trap();
  return 0;
}
