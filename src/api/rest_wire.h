// restJson1 and restXml: which part of the HTTP message holds what.
#pragma once
#include "api/protocol.h"

namespace mekong::api {

Status read_rest(const ServiceTable& table, const Operation& operation, const InputParts& parts, void* out,
                 Seen& seen, Violations& violations);
Response write_rest(const ServiceTable& table, const Operation& operation, const void* output);

// A member that travels as a header or as the status, of replies and of errors; others are left alone.
void write_located(const Member& member, const void* value, Response& response);

}  // namespace mekong::api
