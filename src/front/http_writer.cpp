#include "front/http_writer.h"

#include <array>
#include <charconv>
#include <span>

#include "codec/text.h"
#include "codec/time.h"

namespace mekong::front {
namespace {

struct Reason {
  int status;
  const char* text;
};
constexpr Reason kReasons[] = {
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {206, "Partial Content"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {505, "HTTP Version Not Supported"},
};

constexpr size_t head_bytes_expected = 640;
constexpr size_t small_body_bytes = 64 << 10;

const char* reason(int status) {
  for (const auto& entry : kReasons) {
    if (entry.status == status) return entry.text;
  }
  return "Status";
}

void add(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ").append(value).append("\r\n");
}

// Of a response: whatever is in it, it stays one line.
void add_clean(std::string& out, std::string_view name, std::string_view value) {
  const size_t from = out.size();
  out.append(name).append(": ").append(value);
  clean_in_place(out, from);
  out += "\r\n";
}

std::string_view decimal(int64_t number, std::span<char> room) {
  return {room.data(), std::to_chars(room.data(), room.data() + room.size(), number).ptr};
}

bool of_the_connection(std::string_view name) {
  return codec::equal_no_case(name, "content-length") || codec::equal_no_case(name, "transfer-encoding") ||
         codec::equal_no_case(name, "connection");
}

}  // namespace

std::string clean_value(std::string_view value) {
  std::string out(value);
  clean_in_place(out, 0);
  return out;
}

void clean_in_place(std::string& text, size_t from) {
  for (char& c : std::span(text).subspan(from)) {
    if (c == '\r' || c == '\n' || c == '\0') c = ' ';
  }
}

BodyPlan plan_body(const api::Response& response, bool head_request) {
  BodyPlan out;
  out.bodiless = response.status == 204 || response.status == 304 || response.status < 200;
  out.sent = !out.bodiless && !head_request;
  out.length = response.stream ? response.stream->length() : static_cast<int64_t>(response.body.size());
  if (!head_request) return out;
  for (const auto& [name, value] : response.headers) {
    if (codec::equal_no_case(name, "content-length")) out.length = std::strtoll(value.c_str(), nullptr, 10);
  }
  return out;
}

WrittenHead write_head(const api::Response& response, const Framing& framing) {
  const auto body = plan_body(response, framing.head_request);
  WrittenHead out;
  std::array<char, 24> digits;
  // A small body goes out behind it, in the same piece.
  const bool small = body.sent && response.body.size() <= small_body_bytes;
  out.text.reserve(head_bytes_expected + (small ? response.body.size() : 0));
  out.text.append("HTTP/1.1 ").append(decimal(response.status, digits)).append(" ");
  out.text.append(reason(response.status)).append("\r\n");
  bool server = false;
  for (const auto& [name, value] : response.headers) {
    if (of_the_connection(name)) continue;
    server = server || codec::equal_no_case(name, "server");
    add_clean(out.text, name, value);
  }
  add(out.text, "Date", codec::format_rfc822(framing.now_ms));
  if (!server) add(out.text, "Server", "Mekong");
  const bool close = framing.close || (framing.http_1_0 && body.length < 0);
  if (close) add(out.text, "Connection", "close");
  if (!close && framing.keep_alive_1_0) add(out.text, "Connection", "keep-alive");
  if (!body.bodiless && body.length >= 0) add(out.text, "Content-Length", decimal(body.length, digits));
  out.chunked = !body.bodiless && body.length < 0 && !framing.http_1_0;
  if (out.chunked) add(out.text, "Transfer-Encoding", "chunked");
  out.has_body = body.sent;
  out.text += "\r\n";
  return out;
}

}  // namespace mekong::front
