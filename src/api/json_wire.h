// Generated structs as JSON bodies (awsJson 1.0 and 1.1, restJson1). Read straight from the parser's tape
// into the struct, without a tree between.
#pragma once
#include <string_view>

#include "api/decode.h"
#include "codec/json.h"

namespace mekong::api {

// Reads the members that live in the body into `out`; null and unknown ones are skipped. Marks what it sets
// in `seen`; missing members further down go to `violations`. Errors: "SerializationException".
Status read_json_members(std::string_view json, const Shape& shape, void* out, Seen& seen,
                         Violations& violations);
// One value of any kind, e.g. a payload member.
Status read_json_value(std::string_view json, const Member& member, void* out, const Path* at,
                       Violations& violations);

void write_json_members(codec::JsonWriter& out, const Shape& shape, const void* value);  // an object
// The members alone, into an object that is open; not the one called `without`.
void write_json_pairs(codec::JsonWriter& out, const Shape& shape, const void* value,
                      std::string_view without = {});
void write_json_value(codec::JsonWriter& out, const Member& member, const void* value);

}  // namespace mekong::api
