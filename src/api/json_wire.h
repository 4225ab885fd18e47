// Generated structs as JSON bodies (awsJson 1.0 and 1.1, restJson1).
#pragma once
#include "api/decode.h"
#include "codec/json.h"

namespace mekong::api {

// Reads the members that live in the body into `out`; null and unknown ones are skipped. Marks what it sets
// in `seen`; missing members further down go to `violations`. Errors: "SerializationException".
Status read_json_members(const codec::Json& json, const Shape& shape, void* out, const Path* at, Seen& seen,
                         Violations& violations);
Status read_json_value(const codec::Json& json, const Member& member, void* out, const Path* at,
                       Violations& violations);

void write_json_members(codec::JsonWriter& out, const Shape& shape, const void* value);  // an object
void write_json_value(codec::JsonWriter& out, const Member& member, const void* value);

}  // namespace mekong::api
