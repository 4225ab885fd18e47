#include "front/http_parser.h"

#include <algorithm>
#include <charconv>

#include "codec/text.h"

namespace mekong::front {
namespace {

constexpr size_t kLineMax = 8 << 10;  // of a chunk's head
constexpr size_t kTrailerMax = 16 << 10;

Error bad(const char* what) {
  return Error{"BadRequest", what, 400};
}

bool token_char(char c) {
  static constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         kMarks.find(c) != std::string_view::npos;
}

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), token_char);
}

bool is_control(char c) {
  return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
}

std::string_view take_line(std::string_view& text) {
  auto end = text.find("\r\n");
  auto line = text.substr(0, end);
  text.remove_prefix(std::min(text.size(), line.size() + 2));
  return line;
}

Status parse_target(std::string_view target, api::RequestHead& head) {
  if (target.starts_with("http://") || target.starts_with("https://")) {  // absolute form, as to a proxy
    auto slash = target.find('/', target.find("//") + 2);
    target = slash == std::string_view::npos ? "/" : target.substr(slash);
  }
  if (!target.starts_with('/') && target != "*") return bad("the request's target is not a path");
  for (char c : target) {
    if (static_cast<unsigned char>(c) <= 0x20 || c == 0x7f) return bad("the request's target is not encoded");
  }
  auto question = target.find('?');
  head.raw_path = target.substr(0, question);
  if (question != std::string_view::npos) head.raw_query = target.substr(question + 1);
  return {};
}

Status parse_request_line(std::string_view line, ParsedHead& out) {
  auto first = line.find(' ');
  auto last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) return bad("the request line has not three parts");
  auto version = line.substr(last + 1);
  if (version != "HTTP/1.1" && version != "HTTP/1.0") {
    return Error{"HttpVersionNotSupported", "only HTTP/1.1 and HTTP/1.0 are spoken here", 505};
  }
  out.http_1_0 = version == "HTTP/1.0";
  if (!is_token(line.substr(0, first))) return bad("the method is not a token");
  out.head.method = line.substr(0, first);
  return parse_target(line.substr(first + 1, last - first - 1), out.head);
}

Status parse_header(std::string_view line, api::Headers& headers) {
  auto colon = line.find(':');
  if (colon == std::string_view::npos || !is_token(line.substr(0, colon)))
    return bad("a header's name is not a token");
  auto value = codec::trim(line.substr(colon + 1));
  if (std::any_of(value.begin(), value.end(), is_control))
    return bad("a header's value has control characters");
  headers.emplace_back(codec::lower_case(line.substr(0, colon)), std::string(value));
  return {};
}

bool has_word(std::string_view list, std::string_view word) {
  while (!list.empty()) {
    auto part = list.substr(0, list.find(','));
    if (codec::equal_no_case(codec::trim(part), word)) return true;
    list.remove_prefix(std::min(list.size(), part.size() + 1));
  }
  return false;
}

Status apply_length(const std::string& value, bool& seen, api::RequestHead& head) {
  if (seen) return bad("two Content-Length headers");
  seen = true;
  bool digits =
      !value.empty() && value.size() < 19 && value.find_first_not_of("0123456789") == std::string::npos;
  if (!digits) return bad("Content-Length is not a number");
  std::from_chars(value.data(), value.data() + value.size(), head.content_length);
  return {};
}

// What the headers mean for this connection.
Status apply_headers(ParsedHead& out) {
  int hosts = 0;
  bool length = false;
  out.keep_alive = !out.http_1_0;
  for (const auto& [name, value] : out.head.headers) {
    if (name == "host") {
      ++hosts;
    } else if (name == "content-length") {
      MEKONG_TRY(apply_length(value, length, out.head));
    } else if (name == "transfer-encoding") {
      if (out.chunked || !codec::equal_no_case(value, "chunked"))
        return bad("only 'chunked' is known as Transfer-Encoding");
      out.chunked = true;
    } else if (name == "connection") {
      if (has_word(value, "close")) out.keep_alive = false;
    } else if (name == "expect") {
      if (!codec::equal_no_case(value, "100-continue"))
        return Error{"ExpectationFailed", "only 100-continue is known", 417};
      out.expects_continue = !out.http_1_0;
    }
  }
  if (hosts > 1 || (hosts == 0 && !out.http_1_0)) return bad("not exactly one Host header");
  if (out.chunked && (length || out.http_1_0))
    return bad("Transfer-Encoding beside Content-Length or in HTTP/1.0");
  if (!out.chunked && !length) out.head.content_length = 0;
  return {};
}

}  // namespace

Result<std::optional<size_t>> find_head(std::string_view buffer) {
  size_t from = 0;
  while (true) {
    auto end = buffer.find('\n', from);
    if (end == std::string_view::npos) return std::optional<size_t>();
    if (end == 0 || buffer[end - 1] != '\r') return bad("a line does not end in CR LF");
    if (end - 1 == from && from > 0) return std::optional<size_t>(end + 1);
    if (end - 1 == from) return bad("the request begins with an empty line");
    from = end + 1;
  }
}

Result<ParsedHead> parse_head(std::string_view text) {
  ParsedHead out;
  MEKONG_TRY(parse_request_line(take_line(text), out));
  while (true) {
    auto line = take_line(text);
    if (line.empty()) break;
    MEKONG_TRY(parse_header(line, out.head.headers));
  }
  MEKONG_TRY(apply_headers(out));
  return out;
}

// One line of the framing; false where the buffer does not hold it whole.
Result<bool> ChunkDecoder::line(std::string& buffer, std::string& out) {
  auto end = buffer.find('\n');
  if (end == std::string::npos) {
    if (buffer.size() > kLineMax) return bad("a chunk's head is too long");
    return false;
  }
  if (end == 0 || buffer[end - 1] != '\r') return bad("a line of the chunked body does not end in CR LF");
  out = buffer.substr(0, end - 1);
  buffer.erase(0, end + 1);
  if (std::any_of(out.begin(), out.end(), is_control)) return bad("a chunk's head has control characters");
  return true;
}

Result<std::string> ChunkDecoder::decode(std::string& buffer) {
  std::string text;
  while (state_ != State::done) {
    if (state_ == State::data) {
      auto size = std::min<uint64_t>(left_, buffer.size());
      if (size == 0) return std::string();
      auto data = buffer.substr(0, size);
      buffer.erase(0, size);
      left_ -= size;
      if (left_ == 0) state_ = State::data_end;
      return data;
    }
    MEKONG_TRY_ASSIGN(bool whole, line(buffer, text));
    if (!whole) return std::string();
    if (state_ == State::size) {
      auto digits = std::string_view(text).substr(0, text.find(';'));
      auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), left_, 16);
      if (digits.empty() || error != std::errc() || end != digits.data() + digits.size() ||
          left_ >> 60 != 0) {
        return bad("a chunk's size is not a hexadecimal number");
      }
      state_ = left_ == 0 ? State::trailer : State::data;
    } else if (state_ == State::data_end) {
      if (!text.empty()) return bad("a chunk is longer than it says");
      state_ = State::size;
    } else if (text.empty()) {
      state_ = State::done;
    } else if ((trailer_bytes_ += text.size()) > kTrailerMax) {
      return bad("the trailer is too long");
    }
  }
  return std::string();
}

}  // namespace mekong::front
