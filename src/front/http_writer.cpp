#include "front/http_writer.h"

#include "codec/text.h"
#include "codec/time.h"

namespace mekong::front {
namespace {

const char* reason(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 206:
      return "Partial Content";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 304:
      return "Not Modified";
    case 307:
      return "Temporary Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 411:
      return "Length Required";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Content Too Large";
    case 416:
      return "Range Not Satisfiable";
    case 417:
      return "Expectation Failed";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Status";
  }
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
