// Generated structs as CBOR bodies: Smithy RPC v2
// (https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html) and AWS's CBOR 1.1, which differ in
// their timestamps: seconds as a float, and milliseconds as an integer.
#pragma once
#include <string>
#include <string_view>

#include "api/decode.h"
#include "codec/cbor.h"

namespace mekong::api {

enum class CborTime { seconds, milliseconds };

// As read_json_members. A body is one map and nothing after it.
Status read_cbor_members(std::string_view cbor, const Shape& shape, CborTime time, void* out, Seen& seen,
                         Violations& violations);

void write_cbor_members(codec::CborWriter& out, const Shape& shape, CborTime time, const void* value);
// The members alone, into a map that is open, and how many they are; not the one called `without`.
size_t count_cbor_pairs(const Shape& shape, const void* value, std::string_view without = {});
void write_cbor_pairs(codec::CborWriter& out, const Shape& shape, CborTime time, const void* value,
                      std::string_view without = {});

}  // namespace mekong::api
