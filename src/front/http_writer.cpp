#include "front/http_writer.h"

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

const char* reason(int status) {
  for (const auto& entry : kReasons) {
    if (entry.status == status) return entry.text;
  }
  return "Status";
}

void add(std::string& out, std::string_view name, std::string_view value) {
  out += name;
  out += ": ";
  for (char c : value) out += c == '\r' || c == '\n' || c == '\0' ? ' ' : c;  // no header ends another
  out += "\r\n";
}

}  // namespace

WrittenHead write_head(const api::Response& response, const Framing& framing) {
  WrittenHead out;
  out.text = "HTTP/1.1 " + std::to_string(response.status) + " " + reason(response.status) + "\r\n";
  bool bodiless = response.status == 204 || response.status == 304 || response.status < 200;
  int64_t length = response.stream ? response.stream->length() : static_cast<int64_t>(response.body.size());
  bool server = false;
  for (const auto& [name, value] : response.headers) {
    if (codec::equal_no_case(name, "content-length")) {
      if (framing.head_request) length = std::strtoll(value.c_str(), nullptr, 10);
      continue;
    }
    if (codec::equal_no_case(name, "transfer-encoding") || codec::equal_no_case(name, "connection")) continue;
    server = server || codec::equal_no_case(name, "server");
    add(out.text, name, value);
  }
  add(out.text, "Date", codec::format_rfc822(framing.now_ms));
  if (!server) add(out.text, "Server", "Mekong");
  bool close = framing.close || (framing.http_1_0 && length < 0);
  if (close) add(out.text, "Connection", "close");
  if (!bodiless && length >= 0) add(out.text, "Content-Length", std::to_string(length));
  out.chunked = !bodiless && length < 0 && !framing.http_1_0;
  if (out.chunked) add(out.text, "Transfer-Encoding", "chunked");
  out.has_body = !bodiless && !framing.head_request;
  out.text += "\r\n";
  return out;
}

}  // namespace mekong::front
