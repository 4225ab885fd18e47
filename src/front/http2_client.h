// For tests: an HTTP/2 client on nghttp2 over a connection of os. Header only; nothing but tests includes it.
#pragma once
#include <nghttp2/nghttp2.h>

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "os/net.h"

namespace mekong::front {

class Http2Client {
 public:
  struct Reply {
    std::vector<int> statuses;
    std::map<std::string, std::string> headers;
    std::string body;
    bool closed = false;
    uint32_t error = 0;
  };
  using Headers = std::vector<std::pair<std::string, std::string>>;

  // `window`: how much a stream may send before it waits for the client.
  explicit Http2Client(os::ConnectionPtr connection, bool update_windows = true, uint32_t window = 65'535)
      : connection_(std::move(connection)) {
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_option* option = nullptr;
    nghttp2_option_new(&option);
    nghttp2_option_set_no_auto_window_update(option, update_windows ? 0 : 1);
    nghttp2_session_client_new2(&session, callbacks, this, option);
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(callbacks);
    const nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, window}};
    nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings, 1);
  }
  ~Http2Client() { nghttp2_session_del(session); }

  int32_t request(const std::string& method, const std::string& path, const Headers& headers = {},
                  const std::string& body = "", bool ends = true) {
    Headers all = {{":method", method}, {":scheme", "http"}, {":authority", "localhost"}, {":path", path}};
    all.insert(all.end(), headers.begin(), headers.end());
    std::vector<nghttp2_nv> pairs;
    for (auto& [name, value] : all)
      pairs.push_back({reinterpret_cast<uint8_t*>(name.data()), reinterpret_cast<uint8_t*>(value.data()),
                       name.size(), value.size(), NGHTTP2_NV_FLAG_NONE});
    nghttp2_data_provider provider{{.ptr = nullptr}, read_body};
    const auto id = nghttp2_submit_request(session, nullptr, pairs.data(), pairs.size(),
                                           body.empty() && ends ? nullptr : &provider, nullptr);
    bodies_[id] = {body, ends};
    return id;
  }

  void send_body(int32_t id, const std::string& body) {  // of a request that has not ended
    bodies_[id] = {body, true};
    nghttp2_session_resume_data(session, id);
  }

  // Sends and reads until `done` or the end of the connection; false: the end, or silence.
  bool run(const std::function<bool()>& done) {
    return sync_wait([](Http2Client& self, const std::function<bool()>& done) -> Task<bool> {
      while (true) {
        auto sent = co_await self.send();
        if (done()) co_return true;
        if (!sent) co_return false;
        auto got = co_await self.connection_->read_some(65'536, 5'000);
        if (!got.ok()) co_return done();
        const auto used = nghttp2_session_mem_recv(
            self.session, reinterpret_cast<const uint8_t*>(got->data()), got->size());
        if (used < 0) co_return false;
      }
    }(*this, done));
  }
  Reply& finish(int32_t id) {
    run([&] { return replies[id].closed; });
    return replies[id];
  }

  nghttp2_session* session = nullptr;
  std::map<int32_t, Reply> replies;
  bool goaway = false;
  uint32_t goaway_error = 0;

 private:
  struct Body {
    std::string left;
    bool ends;
  };
  Task<bool> send() {
    while (true) {
      const uint8_t* bytes = nullptr;
      const auto size = nghttp2_session_mem_send(session, &bytes);
      if (size <= 0) co_return size == 0;
      const std::string_view text(reinterpret_cast<const char*>(bytes), static_cast<size_t>(size));
      auto written = co_await connection_->write(text, 5'000);
      if (!written.ok()) co_return true;  // what the server said last may still be read
    }
  }
  static Http2Client& self(void* data) { return *static_cast<Http2Client*>(data); }
  static int on_header(nghttp2_session*, const nghttp2_frame* frame, const uint8_t* name, size_t name_size,
                       const uint8_t* value, size_t value_size, uint8_t, void* data) {
    auto& reply = self(data).replies[frame->hd.stream_id];
    const std::string key(reinterpret_cast<const char*>(name), name_size);
    const std::string text(reinterpret_cast<const char*>(value), value_size);
    if (key == ":status") reply.statuses.push_back(std::stoi(text));
    reply.headers[key] = text;
    return 0;
  }
  static int on_data(nghttp2_session*, uint8_t, int32_t id, const uint8_t* bytes, size_t size, void* data) {
    self(data).replies[id].body.append(reinterpret_cast<const char*>(bytes), size);
    return 0;
  }
  static int on_close(nghttp2_session*, int32_t id, uint32_t error, void* data) {
    self(data).replies[id].closed = true;
    self(data).replies[id].error = error;
    return 0;
  }
  static int on_frame(nghttp2_session*, const nghttp2_frame* frame, void* data) {
    if (frame->hd.type != NGHTTP2_GOAWAY) return 0;
    self(data).goaway = true;
    self(data).goaway_error = frame->goaway.error_code;
    return 0;
  }
  static ssize_t read_body(nghttp2_session*, int32_t id, uint8_t* to, size_t size, uint32_t* flags,
                           nghttp2_data_source*, void* data) {
    auto& body = self(data).bodies_[id];
    if (body.left.empty() && !body.ends) return NGHTTP2_ERR_DEFERRED;
    const auto bytes = std::min(size, body.left.size());
    std::copy_n(body.left.begin(), bytes, to);
    body.left.erase(0, bytes);
    if (body.left.empty() && body.ends) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return static_cast<ssize_t>(bytes);
  }

  os::ConnectionPtr connection_;
  std::map<int32_t, Body> bodies_;
};

}  // namespace mekong::front
