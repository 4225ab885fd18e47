// Input and output of an operation in its protocol: which part of the HTTP message holds what.
#pragma once
#include <map>
#include <string>

#include "api/decode.h"
#include "api/pipeline.h"
#include "api/router.h"
#include "api/shape.h"
#include "api/xml_wire.h"

namespace mekong::api {

struct InputParts {
  const Headers& headers;
  const Pairs& query;                                // decoded
  const std::map<std::string, std::string>& labels;  // decoded
  const Form& form;                                  // query protocol
  std::string_view body;                             // empty for streaming operations
};

// The protocol that a request speaks, of those of the service: by its target, its smithy-protocol header, its
// content type. The model's first where nothing tells.
Protocol spoken(const ServiceTable& table, const Headers& headers);
const char* content_type(Protocol protocol, const ServiceTable* table);

// Fills `out` (of the operation's input shape). Errors: "SerializationException"; missing ones: `violations`.
Status decode_input(Protocol protocol, const ServiceTable& table, const Operation& operation,
                    const InputParts& parts, void* out, Violations& violations);

// The reply without its stream.
Response encode_output(Protocol protocol, const ServiceTable& table, const Operation& operation,
                       const void* output, const std::string& request_id);

}  // namespace mekong::api
