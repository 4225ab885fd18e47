#include "front/http_parser.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "codec/text.h"

namespace mekong::front {
namespace {

constexpr size_t chunk_line_max = 8 << 10;
constexpr size_t chunk_extra_max = 16 << 10;  // of extensions and trailers in a whole body
constexpr size_t parameters_max = 1'024;      // of a query

Error bad(const char* what) {
  return Error{"BadRequest", what, 400};
}

constexpr std::array<bool, 256> make_token_chars() {
  constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
  std::array<bool, 256> table{};
  for (size_t c = 0; c < table.size(); ++c) {
    table[c] = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               marks.find(static_cast<char>(c)) != std::string_view::npos;
  }
  return table;
}
constexpr std::array<bool, 256> token_chars = make_token_chars();

bool token_char(char c) {
  return token_chars[static_cast<unsigned char>(c)];
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

// Of an absolute target: the authority; empty for a path. `target` becomes the path.
std::string_view take_authority(std::string_view& target) {
  if (!target.starts_with("http://") && !target.starts_with("https://")) return {};
  target.remove_prefix(target.find("//") + 2);
  const auto authority = target.substr(0, target.find_first_of("/?"));
  target.remove_prefix(authority.size());
  if (target.empty()) target = "/";
  return authority;
}

bool is_host(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("-._~:[]%!$&'()*+;=").find(c) != std::string_view::npos;
  });
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
  auto target = line.substr(first + 1, last - first - 1);
  out.authority = take_authority(target);  // as to a proxy
  return parse_target(target, out.head);
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

Status apply_host(const std::string& value, ParsedHead& out, int& hosts) {
  if (++hosts > 1) return bad("two Host headers");
  if (!is_host(value)) return bad("the Host header is not a host");
  if (!out.authority.empty() && !codec::equal_no_case(out.authority, value))
    return bad("the target and the Host header name different hosts");
  return {};
}

void apply_connection(const std::string& value, ParsedHead& out) {
  if (has_word(value, "close")) {
    out.keep_alive = out.keep_alive_1_0 = false;
  } else if (out.http_1_0 && has_word(value, "keep-alive")) {
    out.keep_alive = out.keep_alive_1_0 = true;
  }
}

}  // namespace

Status parse_target(std::string_view target, api::RequestHead& head) {
  if (!target.starts_with('/') && target != "*") return bad("the request's target is not a path");
  bool encoded = true;  // looked at whole: the compiler takes many at a time then
  for (const char c : target) encoded &= static_cast<unsigned char>(c) > 0x20 && c != 0x7f;
  if (!encoded) return bad("the request's target is not encoded");
  auto question = target.find('?');
  head.raw_path = target.substr(0, question);
  if (question != std::string_view::npos) head.raw_query = target.substr(question + 1);
  if (std::count(head.raw_query.begin(), head.raw_query.end(), '&') >= static_cast<int>(parameters_max))
    return bad("the query has too many parameters");
  return {};
}

Status apply_headers(ParsedHead& out) {
  int hosts = 0;
  bool length = false;
  out.keep_alive = !out.http_1_0;
  for (const auto& [name, value] : out.head.headers) {
    if (name == "host") {
      MEKONG_TRY(apply_host(value, out, hosts));
    } else if (name == "content-length") {
      MEKONG_TRY(apply_length(value, length, out.head));
    } else if (name == "transfer-encoding") {
      if (out.chunked || !codec::equal_no_case(value, "chunked"))
        return bad("only 'chunked' is known as Transfer-Encoding");
      out.chunked = true;
    } else if (name == "connection") {
      apply_connection(value, out);
    } else if (name == "expect") {
      if (!codec::equal_no_case(value, "100-continue"))
        return Error{"ExpectationFailed", "only 100-continue is known", 417};
      out.expects_continue = !out.http_1_0;
    }
  }
  if (hosts == 0 && !out.http_1_0) return bad("no Host header");
  if (out.chunked && (length || out.http_1_0))
    return bad("Transfer-Encoding beside Content-Length or in HTTP/1.0");
  if (!out.chunked && !length) out.head.content_length = 0;
  return {};
}

Result<std::optional<size_t>> find_head(std::string_view buffer, size_t& scanned) {
  size_t& line = scanned;  // where the last line begins, that is not whole
  while (true) {
    auto end = buffer.find('\n', line);
    if (end == std::string_view::npos) return std::optional<size_t>();
    if (end == 0 || buffer[end - 1] != '\r') return bad("a line does not end in CR LF");
    if (end - 1 == line && line > 0) return std::optional<size_t>(end + 1);
    if (end - 1 == line) return bad("the request begins with an empty line");
    line = end + 1;
  }
}

Result<ParsedHead> parse_head(std::string_view text, size_t headers_max) {
  ParsedHead out;
  MEKONG_TRY(parse_request_line(take_line(text), out));
  while (true) {
    auto line = take_line(text);
    if (line.empty()) break;
    if (out.head.headers.size() == headers_max) return Error{"HeaderTooLarge", "too many headers", 431};
    MEKONG_TRY(parse_header(line, out.head.headers));
  }
  MEKONG_TRY(apply_headers(out));
  return out;
}

Result<std::optional<std::string_view>> ChunkDecoder::line(std::string_view buffer, size_t& at) {
  const auto end = buffer.find('\n', at);
  if (end == std::string_view::npos) {
    if (buffer.size() - at > chunk_line_max) return bad("a chunk's head is too long");
    return std::optional<std::string_view>();
  }
  if (end == at || buffer[end - 1] != '\r') return bad("a line of the chunked body does not end in CR LF");
  const auto text = buffer.substr(at, end - 1 - at);
  if (text.size() > chunk_line_max) return bad("a chunk's head is too long");
  if (std::any_of(text.begin(), text.end(), is_control)) return bad("a chunk's head has control characters");
  at = end + 1;
  return std::optional(text);
}

Status ChunkDecoder::take_line(std::string_view text) {
  if (state_ == State::data_end) {
    if (!text.empty()) return bad("a chunk is longer than it says");
    state_ = State::size;
    return {};
  }
  if (state_ == State::trailer) {
    if (text.empty()) {
      state_ = State::done;
      return {};
    }
    if (!is_token(text.substr(0, text.find(':'))) || text.find(':') == std::string_view::npos)
      return bad("a trailer's name is not a token");
    extra_bytes_ += text.size();
  } else {
    const auto digits = text.substr(0, text.find(';'));
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), left_, 16);
    if (digits.empty() || error != std::errc() || end != digits.data() + digits.size() || left_ >> 60 != 0)
      return bad("a chunk's size is not a hexadecimal number");
    extra_bytes_ += text.size() - digits.size();
    state_ = left_ == 0 ? State::trailer : State::data;
  }
  if (extra_bytes_ > chunk_extra_max) return bad("the body has too many extensions or trailers");
  return {};
}

Status ChunkDecoder::take_data(std::string_view buffer, size_t& at, std::string& out) {
  while (state_ != State::done) {
    if (state_ == State::data) {
      const auto size = std::min<uint64_t>(left_, buffer.size() - at);
      if (size == 0) return {};
      out.append(buffer, at, size);
      at += size;
      left_ -= size;
      if (left_ == 0) state_ = State::data_end;
      continue;
    }
    MEKONG_TRY_ASSIGN(const auto text, line(buffer, at));
    if (!text) return {};
    MEKONG_TRY(take_line(*text));
  }
  return {};
}

Result<std::string> ChunkDecoder::decode(std::string& buffer) {
  if (state_ == State::data && left_ >= buffer.size()) {  // most of a large chunk: no copy
    left_ -= buffer.size();
    if (left_ == 0) state_ = State::data_end;
    return std::exchange(buffer, {});
  }
  std::string out;
  size_t at = 0;
  const auto taken = take_data(buffer, at, out);
  buffer.erase(0, at);
  if (!taken.ok()) return taken.error();
  return out;
}

}  // namespace mekong::front
