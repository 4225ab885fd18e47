// GET over TLS, for the documents of identity providers: no redirects, no reuse, small bodies. Speaks through
// os::Network; the TLS is OpenSSL's on memory.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/task.h"
#include "os/net.h"

namespace mekong::iam {

struct HttpsQuestion {
  std::string host, path;
  uint16_t port = 443;
  // SHA-1 of certificates, hex: a chain that holds one of them ends there. Without: the system's authorities.
  std::vector<std::string> thumbprints;
};

// "https://host[:port]/path"; none for anything else.
std::optional<HttpsQuestion> parse_https_url(std::string_view url);

// The body of a 200. Blocks (resolver, network): pool threads only. "ConnectionFailed": nobody there, a
// certificate that is not trusted or of another name, or another status.
Result<std::string> https_get(os::Network& network, const HttpsQuestion& question);

}  // namespace mekong::iam
