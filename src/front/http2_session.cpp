#include "front/http2_session.h"

#include <nghttp2/nghttp2.h>

#include "codec/text.h"
#include "codec/time.h"
#include "front/http_writer.h"

namespace mekong::front {
namespace {

constexpr size_t window_bytes = 64 << 10;  // of a stream; its body's first part waits in our memory
// Of all streams together, once a caller was known; 65,535 before.
constexpr size_t connection_bytes = 192 << 10;
constexpr size_t open_heads_max = 256 << 10;      // of the requests that run
constexpr size_t stranger_heads_max = 96 << 10;   // before a caller was known
constexpr size_t header_cost = 32;                // as RFC 9113 counts, section 6.5.2
constexpr int64_t bytes_a_window_update = 4'096;  // sent, that make one a fair answer

nghttp2_nv pair(std::string_view name, std::string_view value, uint8_t flags = NGHTTP2_NV_FLAG_NONE) {
  const auto bytes = [](std::string_view text) {
    return const_cast<uint8_t*>(reinterpret_cast<const uint8_t*>(text.data()));
  };
  return {bytes(name), bytes(value), name.size(), value.size(), flags};
}

std::string_view text_of(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

bool of_the_connection(std::string_view name) {
  for (std::string_view own :
       {"connection", "transfer-encoding", "keep-alive", "upgrade", "proxy-connection", "content-length"}) {
    if (name == own) return true;
  }
  return false;
}

// Of these no two are alike: to remember them would drive out what comes again.
bool of_one_reply(std::string_view name) {
  return name == "x-amzn-requestid" || name == "x-amz-request-id" || name == "x-amz-id-2" || name == "etag";
}

// Status and headers as HTTP/2 has them: names in lower case, nothing of the connection.
class ReplyHead {
 public:
  // `text` holds them all, and must live until they are sent.
  ReplyHead(const api::Response& response, const Framing& framing, const BodyPlan& body, std::string& text)
      : text_(text) {
    size_t bytes = 256;  // for ours
    for (const auto& [name, value] : response.headers) bytes += name.size() + value.size();
    text_.clear();
    text_.reserve(bytes);  // what is added stays where it is
    pairs_.reserve(response.headers.size() + 4);
    add(":status", std::to_string(response.status));
    bool server = false;
    for (const auto& [name, value] : response.headers) server = add(name, value) == "server" || server;
    add("date", codec::format_rfc822(framing.now_ms));
    if (!server) add("server", "Mekong");
    if (!body.bodiless && body.length >= 0) add(content_length, std::to_string(body.length), true);
  }
  const std::vector<nghttp2_nv>& pairs() const { return pairs_; }

 private:
  static constexpr std::string_view content_length = "content-length";
  std::string_view add(std::string_view name, std::string_view value, bool own = false) {
    const size_t at = text_.size();
    for (const char c : name) text_ += static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
    clean_in_place(text_, at);
    const auto lower = std::string_view(text_).substr(at);  // text_ never moves
    if (!own && of_the_connection(lower)) {
      text_.resize(at);
      return {};
    }
    const size_t value_at = text_.size();
    text_ += value;
    clean_in_place(text_, value_at);
    const uint8_t once = of_one_reply(lower) ? NGHTTP2_NV_FLAG_NO_INDEX : NGHTTP2_NV_FLAG_NONE;
    pairs_.push_back(pair(lower, std::string_view(text_).substr(value_at),
                          once | NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE));
    return lower;
  }

  std::string& text_;
  std::vector<nghttp2_nv> pairs_;
};

}  // namespace

struct Http2Session::Incoming {
  ParsedHead head;
  size_t bytes = 0;  // of the head as RFC 9113 counts it
  std::optional<Error> broken;
  std::string reply;  // its headers, as long as nghttp2 may need them
  bool dispatched = false, body_ended = false, replied = false;
};

// nghttp2's, turned into our words. Their results: 0, or an error that ends the session.
struct Http2Session::Callbacks {
  static Http2Session& self(void* data) { return *static_cast<Http2Session*>(data); }

  static int begin_headers(nghttp2_session*, const nghttp2_frame* frame, void* data) {
    if (frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST)
      self(data).begin_head(frame->hd.stream_id);
    return 0;
  }

  static int header(nghttp2_session*, const nghttp2_frame* frame, const uint8_t* name, size_t name_size,
                    const uint8_t* value, size_t value_size, uint8_t, void* data) {
    if (frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST)
      self(data).add_header(frame->hd.stream_id, text_of(name, name_size), text_of(value, value_size));
    return 0;
  }

  static int frame_received(nghttp2_session*, const nghttp2_frame* frame, void* data) {
    auto& session = self(data);
    const auto stream = frame->hd.stream_id;
    const bool ends = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    switch (frame->hd.type) {
      case NGHTTP2_HEADERS:
        if (frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
          session.end_head(stream, ends);
        } else {
          session.count_control();
          if (ends) session.end_body(stream);
        }
        break;
      case NGHTTP2_DATA:
        if (frame->hd.length == 0) session.count_control();
        if (ends) session.end_body(stream);
        break;
      default:
        session.count_control();
    }
    return 0;
  }

  static int data_received(nghttp2_session*, uint8_t, int32_t stream, const uint8_t* bytes, size_t size,
                           void* data) {
    self(data).handler_.on_body(stream, text_of(bytes, size));
    return 0;
  }

  // The reply is whole before the request: the client may stop sending (RFC 9113, section 8.1).
  static int frame_sent(nghttp2_session* session, const nghttp2_frame* frame, void* data) {
    const bool reply = frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA;
    if (!reply || (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0) return 0;
    auto& incoming = self(data).incoming_;
    const auto it = incoming.find(frame->hd.stream_id);
    if (it == incoming.end()) return 0;
    it->second.replied = true;
    if (!it->second.body_ended)
      nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, frame->hd.stream_id, NGHTTP2_NO_ERROR);
    return 0;
  }

  static int stream_closed(nghttp2_session*, int32_t stream, uint32_t, void* data) {
    self(data).close_stream(stream);
    return 0;
  }

  static ssize_t read_body(nghttp2_session*, int32_t stream, uint8_t* to, size_t size, uint32_t* flags,
                           nghttp2_data_source*, void* data) {
    auto& session = self(data);
    const auto piece = session.handler_.next_piece(stream, reinterpret_cast<char*>(to), size);
    if (piece.state == Piece::failed) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    if (piece.state == Piece::wait && piece.bytes == 0) return NGHTTP2_ERR_DEFERRED;
    if (piece.state == Piece::end) *flags |= NGHTTP2_DATA_FLAG_EOF;
    session.controls_.give(static_cast<int64_t>(piece.bytes) / bytes_a_window_update + 1);
    return static_cast<ssize_t>(piece.bytes);
  }
};

Http2Session::Http2Session(const ServerOptions& options, Handler& handler)
    : options_(options), handler_(handler) {
  nghttp2_session_callbacks* callbacks = nullptr;
  nghttp2_session_callbacks_new(&callbacks);
  nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, Callbacks::begin_headers);
  nghttp2_session_callbacks_set_on_header_callback(callbacks, Callbacks::header);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, Callbacks::frame_received);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, Callbacks::data_received);
  nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, Callbacks::frame_sent);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, Callbacks::stream_closed);
  nghttp2_option* option = nullptr;
  nghttp2_option_new(&option);
  nghttp2_option_set_no_auto_window_update(option, 1);
  nghttp2_option_set_no_closed_streams(option, 1);
  nghttp2_option_set_max_outbound_ack(option, 128);
  nghttp2_session_server_new2(&session_, callbacks, this, option);
  nghttp2_option_del(option);
  nghttp2_session_callbacks_del(callbacks);
  const nghttp2_settings_entry settings[] = {
      {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, static_cast<uint32_t>(options.streams_max)},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, window_bytes},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, static_cast<uint32_t>(options.header_max_bytes)}};
  nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings, std::size(settings));
}

Http2Session::~Http2Session() {
  nghttp2_session_del(session_);
}

bool Http2Session::feed(std::string_view bytes, int64_t now_ms) {
  now_ms_ = now_ms;
  const auto used =
      nghttp2_session_mem_recv(session_, reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
  if (used < 0) calm_down();  // not HTTP/2 at all, or more answers owed than we queue
  return !calmed_;
}

void Http2Session::take_output(std::string& out, size_t bytes_max) {
  out.clear();
  while (out.size() < bytes_max) {
    const uint8_t* bytes = nullptr;
    const auto size = nghttp2_session_mem_send(session_, &bytes);
    if (size <= 0) break;
    out.append(text_of(bytes, static_cast<size_t>(size)));
  }
}

bool Http2Session::has_output() const {
  return nghttp2_session_want_write(session_) != 0 || finished();
}

bool Http2Session::finished() const {
  return nghttp2_session_want_read(session_) == 0 && nghttp2_session_want_write(session_) == 0;
}

void Http2Session::begin_head(StreamId stream) {
  incoming_[stream];
}

void Http2Session::add_header(StreamId stream, std::string_view name, std::string_view value) {
  const auto it = incoming_.find(stream);
  if (it == incoming_.end()) return;
  auto& in = it->second;
  const size_t bytes = name.size() + value.size() + header_cost;
  in.bytes += bytes;
  head_bytes_ += bytes;
  if (in.bytes > options_.header_max_bytes || in.head.head.headers.size() >= options_.headers_max)
    in.broken = Error{"HeaderTooLarge", "the head is too large", 431};
  if (in.broken) return;
  if (name == ":method") {
    in.head.head.method = value;
  } else if (name == ":path") {
    const auto parsed = parse_target(value, in.head.head);
    if (!parsed.ok()) in.broken = parsed.error();
  } else if (name == ":authority") {
    in.head.authority = value;
  } else if (!name.starts_with(':')) {
    in.head.head.headers.emplace_back(name, codec::trim(value));
  }
}

void Http2Session::caller_known() {
  if (std::exchange(known_, true)) return;
  nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, connection_bytes);
}

void Http2Session::end_head(StreamId stream, bool ended) {
  const auto it = incoming_.find(stream);
  if (it == incoming_.end() || it->second.dispatched) return;
  auto& in = it->second;
  in.dispatched = true;
  in.body_ended = ended;
  const size_t heads_max = known_ ? open_heads_max : stranger_heads_max;
  if (head_bytes_ > heads_max && in.bytes < head_bytes_) return refuse(stream);
  Result<ParsedHead> head = std::move(in.head);
  auto& headers = head->head.headers;
  if (!head->authority.empty() && api::find_header(headers, "host") == nullptr)
    headers.emplace(headers.begin(), "host", head->authority);
  if (!in.broken && head->head.raw_path.empty()) in.broken = Error{"BadRequest", "no path", 400};
  if (!in.broken) {
    const auto applied = apply_headers(*head);
    if (!applied.ok()) in.broken = applied.error();
  }
  const bool announced = api::find_header(headers, "content-length") != nullptr;
  if (!announced) head->head.content_length = ended ? 0 : -1;
  if (in.broken) head = *in.broken;
  handler_.on_request(stream, std::move(head), ended);
}

void Http2Session::end_body(StreamId stream) {
  const auto it = incoming_.find(stream);
  if (it == incoming_.end()) return;
  it->second.body_ended = true;
  handler_.on_body_end(stream);
}

void Http2Session::close_stream(StreamId stream) {
  const auto it = incoming_.find(stream);
  if (it == incoming_.end()) return;
  const bool wasted = !it->second.replied;
  const bool dispatched = it->second.dispatched;
  head_bytes_ -= it->second.bytes;
  incoming_.erase(it);
  if (dispatched) handler_.on_closed(stream);
  // Work begun for nothing, whoever made it end: reset by the client, or by us for what the client did.
  if (wasted && !resets_.take(now_ms_)) calm_down();
}

void Http2Session::count_control() {
  if (!controls_.take(now_ms_)) calm_down();
}

void Http2Session::calm_down() {
  if (std::exchange(calmed_, true)) return;
  nghttp2_session_terminate_session(session_, NGHTTP2_ENHANCE_YOUR_CALM);
}

void Http2Session::say_continue(StreamId stream) {
  const auto status = pair(":status", "100");
  nghttp2_submit_headers(session_, NGHTTP2_FLAG_NONE, stream, nullptr, &status, 1, nullptr);
}

void Http2Session::respond(StreamId stream, const api::Response& response, const Framing& framing) {
  const auto it = incoming_.find(stream);
  if (it == incoming_.end()) return;  // reset meanwhile
  const auto body = plan_body(response, framing.head_request);
  const ReplyHead head(response, framing, body, it->second.reply);
  nghttp2_data_provider provider{{.ptr = nullptr}, Callbacks::read_body};
  nghttp2_submit_response(session_, stream, head.pairs().data(), head.pairs().size(),
                          body.sent && body.length != 0 ? &provider : nullptr);
}

void Http2Session::resume(StreamId stream) {
  nghttp2_session_resume_data(session_, stream);
}

void Http2Session::reset(StreamId stream) {
  nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream, NGHTTP2_CANCEL);
}

void Http2Session::refuse(StreamId stream) {
  nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream, NGHTTP2_REFUSED_STREAM);
}

void Http2Session::consume(StreamId stream, size_t bytes, bool open) {
  if (open) {
    nghttp2_session_consume(session_, stream, bytes);
  } else {
    nghttp2_session_consume_connection(session_, bytes);
  }
}

void Http2Session::shut_down() {
  nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE, nghttp2_session_get_last_proc_stream_id(session_),
                        NGHTTP2_NO_ERROR, nullptr, 0);
}

}  // namespace mekong::front
