// A reply's head as text.
#pragma once
#include <cstdint>
#include <string>

#include "api/pipeline.h"

namespace mekong::front {

struct Framing {
  bool head_request = false;  // the reply to HEAD has headers of a body, and none
  bool http_1_0 = false;
  bool keep_alive_1_0 = false;  // an HTTP/1.0 client is told that the connection stays
  bool close = false;
  int64_t now_ms = 0;
};

struct WrittenHead {
  std::string text;
  bool has_body = true;
  bool chunked = false;
};

// How long the body is, and whether it goes over the wire; for both HTTP versions.
struct BodyPlan {
  bool bodiless = false;  // the status has none, not even a length
  bool sent = true;
  int64_t length = 0;  // -1: unknown
};
BodyPlan plan_body(const api::Response& response, bool head_request);

// No header ends another: what cannot stand in a value becomes a space.
std::string clean_value(std::string_view value);
void clean_in_place(std::string& text, size_t from);

// With Date, Server, Connection and the body's framing. A Content-Length among the response's own headers
// counts for HEAD only; otherwise the body itself is measured.
WrittenHead write_head(const api::Response& response, const Framing& framing);

}  // namespace mekong::front
