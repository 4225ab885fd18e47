// Any bytes as any request in any version: refused, or read; and what was read is written and read alike.
// Input: one byte picks the request, one its version, the rest is the body.
#include <cstdint>
#include <string>

#include "gen/kafka_protocol/apis.h"
#include "gen/kafka_protocol/sasl_authenticate.h"
#include "gen/kafka_protocol/sasl_handshake.h"
#include "kafka/ops.h"

namespace mekong::kafka {
namespace {

template <class Message>
void read(int16_t version, std::string_view body) {
  Message message;
  codec::KafkaReader reader(body, 1 << 20);
  message.decode(reader, version);
  if (reader.failed()) return;
  codec::KafkaWriter first;
  message.encode(first, version);
  const auto written = first.take();
  Message again;
  codec::KafkaReader second(written, 1 << 20);
  again.decode(second, version);
  if (second.failed() || second.remaining() != 0) __builtin_trap();
  codec::KafkaWriter third;
  again.encode(third, version);
  if (third.take() != written) __builtin_trap();
}

template <class Message>
void read_version(uint8_t version, std::string_view body) {
  for (const auto& api : proto::kApis) {
    if (api.key != Message::api_key) continue;
    const int versions = api.max_version - api.min_version + 1;
    read<Message>(static_cast<int16_t>(api.min_version + version % versions), body);
  }
}

template <class... Messages>
void read_one(uint8_t pick, uint8_t version, std::string_view body) {
  size_t at = 0;
  ((at++ == pick % sizeof...(Messages) ? read_version<Messages>(version, body) : void()), ...);
}

}  // namespace
}  // namespace mekong::kafka

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size_bytes) {
  using namespace mekong::kafka;
  if (size_bytes < 2) return 0;
  const std::string_view body(reinterpret_cast<const char*>(data) + 2, size_bytes - 2);
  read_one<proto::ProduceRequest, proto::FetchRequest, proto::ListOffsetsRequest, proto::MetadataRequest,
           proto::OffsetCommitRequest, proto::OffsetFetchRequest, proto::FindCoordinatorRequest,
           proto::JoinGroupRequest, proto::SyncGroupRequest, proto::LeaveGroupRequest,
           proto::CreateTopicsRequest, proto::DeleteTopicsRequest, proto::InitProducerIdRequest,
           proto::DescribeConfigsRequest, proto::IncrementalAlterConfigsRequest, proto::SaslHandshakeRequest,
           proto::SaslAuthenticateRequest>(data[0], data[1], body);
  return 0;
}
