// One client's HTTP/2 connection: many requests at once, bodies streaming both ways, each stream as fast as
// its two ends are. Internal to front.
#pragma once
#include <string>

#include "front/exchange.h"

namespace mekong::front {

constexpr std::string_view http2_preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

// Until the client leaves, breaks the protocol, asks for nothing for too long or the server stops, and all
// that it asked for has ended. `first`: what has been read already.
Task<void> serve_http2(const Service& service, os::ConnectionPtr connection, std::string first);

}  // namespace mekong::front
