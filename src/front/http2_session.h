// HTTP/2 framing (RFC 9113) without input or output: bytes in, bytes out, and what they mean. nghttp2 stays
// behind this header. Also the bounds that the protocol leaves to the server: what a client may cost that
// does nothing but reset, ping or change settings.
#pragma once
#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "front/exchange.h"
#include "front/http_writer.h"

struct nghttp2_session;

namespace mekong::front {

// So much at once, then so much a second.
class Budget {
 public:
  Budget(int64_t burst, int64_t per_s) : burst_(burst * 1000), per_s_(per_s), left_(burst * 1000) {}
  bool take(int64_t now_ms) {
    left_ = std::min(burst_, left_ + (now_ms - last_ms_) * per_s_);
    last_ms_ = now_ms;
    left_ -= 1000;
    return left_ >= 0;
  }
  void give(int64_t count) { left_ = std::min(burst_, left_ + count * 1000); }

 private:
  const int64_t burst_, per_s_;  // in thousandths
  int64_t left_, last_ms_ = 0;
};

// One thread at a time.
class Http2Session {
 public:
  using StreamId = int32_t;
  struct Piece {
    size_t bytes = 0;
    enum { more, end, wait, failed } state = more;  // wait: resume() when there is more
  };
  // Called from within feed() and take_output(); may call respond(), reset() and resume(), not those two.
  class Handler {
   public:
    virtual ~Handler() = default;
    // A head that is whole; an error where it breaks a rule or a limit. `ended`: no body follows.
    virtual void on_request(StreamId stream, Result<ParsedHead> head, bool ended) = 0;
    virtual void on_body(StreamId stream, std::string_view data) = 0;
    virtual void on_body_end(StreamId stream) = 0;
    virtual void on_closed(StreamId stream) = 0;  // both sides ended, or either reset it
    // Copies at most `bytes_max` of the reply's body.
    virtual Piece next_piece(StreamId stream, char* to, size_t bytes_max) = 0;
  };

  Http2Session(const ServerOptions& options, Handler& handler);
  ~Http2Session();
  Http2Session(const Http2Session&) = delete;
  Http2Session& operator=(const Http2Session&) = delete;

  // False: the peer broke the protocol or floods; what take_output() still has is the last to send.
  bool feed(std::string_view bytes, int64_t now_ms);
  // Into `out`, whatever it held: about `bytes_max`; empty: nothing to send now.
  void take_output(std::string& out, size_t bytes_max);
  bool has_output() const;  // or is finished, which the last write finds out
  bool finished() const;

  void say_continue(StreamId stream);
  void respond(StreamId stream, const api::Response& response, const Framing& framing);
  void resume(StreamId stream);
  void reset(StreamId stream);   // cancelled by us
  void refuse(StreamId stream);  // not begun: the client may try again
  // Bytes of a body are handled: the client may send as many again. `open`: the stream still is.
  void consume(StreamId stream, size_t bytes, bool open);
  // A request of this connection was authenticated: from here on it may cost more.
  void caller_known();
  // No new streams; finished() once those that run are done.
  void shut_down();

 private:
  struct Callbacks;
  struct Incoming;
  void begin_head(StreamId stream);
  void add_header(StreamId stream, std::string_view name, std::string_view value);
  void end_head(StreamId stream, bool ended);
  void end_body(StreamId stream);
  void close_stream(StreamId stream);
  void count_control();
  void calm_down();

  const ServerOptions& options_;
  Handler& handler_;
  nghttp2_session* session_ = nullptr;
  std::map<StreamId, Incoming> incoming_;  // every open stream
  size_t head_bytes_ = 0;                  // of all of them
  bool known_ = false;
  int64_t now_ms_ = 0;
  Budget resets_{200, 50};
  Budget controls_{1'000, 500};
  bool calmed_ = false;
};

}  // namespace mekong::front
