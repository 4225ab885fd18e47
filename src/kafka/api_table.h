// The APIs that this broker answers: one table, made from models/kafka_protocol.txt and the handlers in
// ops.h. An API listed there without a handler does not compile.
#pragma once
#include <cstdint>

#include "base/task.h"
#include "codec/kafka_wire.h"
#include "gen/kafka_protocol/api_versions.h"

namespace mekong::kafka {

struct RequestContext;

struct Api {
  int16_t key, min_version, max_version, first_flexible_version;
  // Decodes the request, handles it, encodes the reply (unless the context says malformed or no_reply).
  Task<void> (*handle)(RequestContext& context, codec::KafkaReader& reader, codec::KafkaWriter& writer);
};

const Api* find_api(int16_t key);  // null: not built

// `known_version`: otherwise the reply says UNSUPPORTED_VERSION and what ApiVersions itself can do.
gen::kafka_protocol::ApiVersionsResponse api_versions(bool known_version);

}  // namespace mekong::kafka
