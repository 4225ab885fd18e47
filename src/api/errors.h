// Errors in each protocol's shape, under the names that the service in question uses.
#pragma once
#include <string>

#include "api/decode.h"
#include "api/pipeline.h"
#include "api/shape.h"

namespace mekong::api {

struct ErrorTarget {
  Protocol protocol = Protocol::rest_json;
  const ServiceTable* table = nullptr;  // null: the request named no service we know
  const Operation* operation = nullptr;
  std::string resource;  // S3's <Resource>: the path
};

// The name under which a client of `target` sees an error that the server calls `code`.
std::string wire_code(const ErrorTarget& target, const std::string& code);

// What fails inside has no name outside, and its message may hold a path of this machine: an errno's name, or
// that of an engine, becomes InsufficientStorage, ServiceUnavailable (SDKs ask again at 503) or
// InternalFailure.
Error outward(Error error);

Response error_response(const ErrorTarget& target, Error error, const std::string& request_id);

// "1 validation error detected: …" under the code that this operation's clients expect; EC2 has words of its
// own. `violations` is not empty.
Error validation_error(Protocol protocol, const ServiceTable& table, const Operation& operation,
                       const Violations& violations);

}  // namespace mekong::api
