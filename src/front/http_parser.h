// HTTP/1.1 messages, read strictly (RFC 9112): what two readers could understand differently is refused.
// No input or output in here; the server feeds it.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "api/pipeline.h"
#include "base/result.h"

namespace mekong::front {

struct ParsedHead {
  api::RequestHead head;  // source_ip and secure are the server's to fill
  std::string authority;  // of an absolute target or an HTTP/2 request; empty: none
  bool chunked = false;
  bool keep_alive = true;
  bool expects_continue = false;
  bool http_1_0 = false;
  bool keep_alive_1_0 = false;  // HTTP/1.0 that asked for it, and wants to be told
};

// The size of the head at the front of `buffer`, with its empty line; absent while it is not complete.
// `scanned`: 0 at first, then what the last call left in it, so that no line is looked at twice. Errors:
// "BadRequest" for a line that does not end in CR LF.
Result<std::optional<size_t>> find_head(std::string_view buffer, size_t& scanned);

// `text`: exactly a head. Errors: "BadRequest" (400), "HeaderTooLarge" (431), "HttpVersionNotSupported"
// (505), "ExpectationFailed" (417), each with its http_status.
Result<ParsedHead> parse_head(std::string_view text, size_t headers_max);

// The parts that HTTP/2 has in common, with the same errors. The target: path and query.
Status parse_target(std::string_view target, api::RequestHead& head);
// From the headers to what they mean for this exchange; chunked framing excludes a length.
Status apply_headers(ParsedHead& out);

// Takes the chunked coding off. Extensions and trailers are checked in form, bounded and dropped.
class ChunkDecoder {
 public:
  // Eats from the front of `buffer`, returns the data in it; empty with !done(): give more. Errors:
  // "BadRequest".
  Result<std::string> decode(std::string& buffer);
  bool done() const { return state_ == State::done; }

 private:
  enum class State { size, data, data_end, trailer, done };
  // One line from `buffer` at `at`, which moves past it; absent where it is not there whole.
  static Result<std::optional<std::string_view>> line(std::string_view buffer, size_t& at);
  Status take_data(std::string_view buffer, size_t& at, std::string& out);
  Status take_line(std::string_view text);
  State state_ = State::size;
  uint64_t left_ = 0;
  size_t extra_bytes_ = 0;  // of extensions and trailers
};

}  // namespace mekong::front
