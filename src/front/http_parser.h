// HTTP/1.1 messages, read strictly (RFC 9112): what two readers could understand differently is refused.
// No input or output in here; the server feeds it.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "api/pipeline.h"
#include "base/result.h"

namespace mekong::front {

struct ParsedHead {
  api::RequestHead head;  // source_ip and secure are the server's to fill
  bool chunked = false;
  bool keep_alive = true;
  bool expects_continue = false;
  bool http_1_0 = false;
};

// The size of the head at the front of `buffer`, with its empty line; absent while it is not complete.
// Errors: "BadRequest" for a line that does not end in CR LF.
Result<std::optional<size_t>> find_head(std::string_view buffer);

// `text`: exactly a head. Errors: "BadRequest" (400), "HttpVersionNotSupported" (505), "ExpectationFailed"
// (417), each with its http_status.
Result<ParsedHead> parse_head(std::string_view text);

// Takes the chunked coding off. Extensions and trailers are checked in form and dropped.
class ChunkDecoder {
 public:
  // Eats from the front of `buffer`, returns data; empty with !done(): give more. Errors: "BadRequest".
  Result<std::string> decode(std::string& buffer);
  bool done() const { return state_ == State::done; }

 private:
  enum class State { size, data, data_end, trailer, done };
  Result<bool> line(std::string& buffer, std::string& out);
  State state_ = State::size;
  uint64_t left_ = 0;
  size_t trailer_bytes_ = 0;
};

}  // namespace mekong::front
