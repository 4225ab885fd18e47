// A reply's head as text.
#pragma once
#include <cstdint>
#include <string>

#include "api/pipeline.h"

namespace mekong::front {

struct Framing {
  bool head_request = false;  // the reply to HEAD has headers of a body, and none
  bool http_1_0 = false;
  bool close = false;
  int64_t now_ms = 0;
};

struct WrittenHead {
  std::string text;
  bool has_body = true;
  bool chunked = false;
};

// With Date, Server, Connection and the body's framing. A Content-Length among the response's own headers
// counts for HEAD only; otherwise the body itself is measured.
WrittenHead write_head(const api::Response& response, const Framing& framing);

}  // namespace mekong::front
