#include "kafka/api_table.h"

#include <algorithm>
#include <array>
#include <iterator>

#include "gen/kafka_protocol/apis.h"
#include "gen/kafka_protocol/sasl_authenticate.h"
#include "gen/kafka_protocol/sasl_handshake.h"
#include "kafka/ops.h"

namespace mekong::kafka {

namespace {

using Handle = decltype(Api::handle);

constexpr size_t kKeptBytesMin = 32 << 10;  // below it a copy is cheaper than one more write

template <class Request, class Response>
Task<void> run(Response (*handler)(RequestContext&, Request&), RequestContext& context,
               codec::KafkaReader& reader, codec::KafkaWriter& writer) {
  std::remove_const_t<Request> request;
  request.decode(reader, context.version);
  context.malformed = reader.failed();
  if (!context.malformed) handler(context, request).encode(writer, context.version);
  co_return;
}

template <class Request, class Response>
Task<void> run(Task<Response> (*handler)(RequestContext&, Request&), RequestContext& context,
               codec::KafkaReader& reader, codec::KafkaWriter& writer) {
  std::remove_const_t<Request> request;
  request.decode(reader, context.version);
  context.malformed = reader.failed();
  if (context.malformed) co_return;
  auto response = co_await handler(context, request);
  auto owner = std::make_shared<const Response>(std::move(response));
  writer.keep_large(kKeptBytesMin);
  owner->encode(writer, context.version);
  context.reply_owner = std::move(owner);
}

template <auto handler>
Task<void> handle(RequestContext& context, codec::KafkaReader& reader, codec::KafkaWriter& writer) {
  return run(handler, context, reader, writer);
}

template <class Request, class Response>
constexpr int16_t key_of(Response (*)(RequestContext&, Request&)) {
  return Request::api_key;
}

struct Bound {
  int16_t key;
  Handle handle;
};

template <auto handler>
constexpr Bound bind() {
  return {key_of(handler), &handle<handler>};
}

// The connection itself answers ApiVersions and the login.
constexpr Bound kBound[] = {
    bind<produce>(),
    bind<fetch>(),
    bind<list_offsets>(),
    bind<metadata>(),
    bind<offset_commit>(),
    bind<offset_fetch>(),
    bind<find_coordinator>(),
    bind<join_group>(),
    bind<heartbeat>(),
    bind<leave_group>(),
    bind<sync_group>(),
    bind<describe_groups>(),
    bind<list_groups>(),
    bind<create_topics>(),
    bind<delete_topics>(),
    bind<delete_records>(),
    bind<init_producer_id>(),
    bind<offset_for_leader_epoch>(),
    bind<describe_configs>(),
    bind<alter_configs>(),
    bind<create_partitions>(),
    bind<delete_groups>(),
    bind<incremental_alter_configs>(),
    bind<offset_delete>(),
    bind<describe_cluster>(),
    bind<add_partitions_to_txn>(),
    bind<add_offsets_to_txn>(),
    bind<end_txn>(),
    bind<txn_offset_commit>(),
    {proto::SaslHandshakeRequest::api_key, nullptr},
    {proto::ApiVersionsRequest::api_key, nullptr},
    {proto::SaslAuthenticateRequest::api_key, nullptr},
};

constexpr const Bound* bound_to(int16_t key) {
  return std::find_if(std::begin(kBound), std::end(kBound), [key](const Bound& b) { return b.key == key; });
}

constexpr bool all_bound() {
  return std::all_of(std::begin(proto::kApis), std::end(proto::kApis),
                     [](const auto& api) { return bound_to(api.key) != std::end(kBound); });
}
static_assert(all_bound(), "models/kafka_protocol.txt lists an API without a handler");

constexpr auto make_table() {
  std::array<Api, std::size(proto::kApis)> table{};
  for (size_t i = 0; i < table.size(); ++i) {
    const auto& api = proto::kApis[i];
    table[i] = {api.key, api.min_version, api.max_version, api.first_flexible_version,
                bound_to(api.key)->handle};
  }
  return table;
}

constexpr auto kTable = make_table();

}  // namespace

const Api* find_api(int16_t key) {
  auto found = std::find_if(kTable.begin(), kTable.end(), [key](const Api& api) { return api.key == key; });
  return found == kTable.end() ? nullptr : &*found;
}

proto::ApiVersionsResponse api_versions(bool known_version) {
  proto::ApiVersionsResponse response;
  if (!known_version) response.error_code = UNSUPPORTED_VERSION;
  for (const auto& api : kTable) {
    if (known_version || api.key == proto::ApiVersionsRequest::api_key) {
      response.api_keys.push_back({api.key, api.min_version, api.max_version});
    }
  }
  return response;
}

}  // namespace mekong::kafka
