// Every built message in every version: what is written is read back, and no cut or changed byte does harm.
#include <gtest/gtest.h>

#include <random>

#include "gen/kafka_protocol/apis.h"
#include "gen/kafka_protocol/sasl_authenticate.h"
#include "gen/kafka_protocol/sasl_handshake.h"
#include "kafka/ops.h"

namespace mekong::kafka {
namespace {

proto::ApiVersionRange range_of(int16_t key) {
  for (const auto& api : proto::kApis) {
    if (api.key == key) return api;
  }
  return {};
}

template <class Message>
std::string encoded(const Message& message, int16_t version) {
  codec::KafkaWriter w;
  message.encode(w, version);
  return w.take();
}

template <class Message>
bool decodes(const std::string& bytes, int16_t version, Message& out) {
  codec::KafkaReader r(bytes, 1 << 20);
  out.decode(r, version);
  return !r.failed() && r.remaining() == 0;
}

template <class Message>
class MessageTest : public testing::Test {};

using Messages = testing::Types<
    proto::ProduceRequest, proto::ProduceResponse, proto::FetchRequest, proto::FetchResponse,
    proto::ListOffsetsRequest, proto::ListOffsetsResponse, proto::MetadataRequest, proto::MetadataResponse,
    proto::OffsetCommitRequest, proto::OffsetFetchRequest, proto::OffsetFetchResponse,
    proto::FindCoordinatorRequest, proto::JoinGroupRequest, proto::JoinGroupResponse, proto::SyncGroupRequest,
    proto::LeaveGroupRequest, proto::CreateTopicsRequest, proto::CreateTopicsResponse,
    proto::DeleteTopicsRequest, proto::InitProducerIdRequest, proto::DescribeConfigsRequest,
    proto::DescribeConfigsResponse, proto::IncrementalAlterConfigsRequest, proto::SaslHandshakeRequest,
    proto::SaslAuthenticateRequest, proto::DescribeClusterResponse>;
TYPED_TEST_SUITE(MessageTest, Messages);

TYPED_TEST(MessageTest, an_empty_one_reads_back_in_each_version) {
  auto range = range_of(TypeParam::api_key);
  for (int16_t version = range.min_version; version <= range.max_version; ++version) {
    auto bytes = encoded(TypeParam(), version);
    TypeParam back;
    EXPECT_TRUE(decodes(bytes, version, back)) << range.name << " " << version;
    EXPECT_EQ(encoded(back, version), bytes) << range.name << " " << version;
  }
}

TYPED_TEST(MessageTest, random_bytes_do_no_harm_and_what_is_taken_writes_and_reads_alike) {
  auto range = range_of(TypeParam::api_key);
  std::mt19937 random(7);
  for (int round = 0; round < 3000; ++round) {
    auto version =
        static_cast<int16_t>(range.min_version + round % (range.max_version - range.min_version + 1));
    std::string bytes(random() % 60, '\0');
    for (auto& byte : bytes) byte = static_cast<char>(random() % 3 == 0 ? random() : random() % 4);
    TypeParam message;
    codec::KafkaReader r(bytes, 1 << 16);
    message.decode(r, version);
    if (r.failed()) continue;
    TypeParam again;
    ASSERT_TRUE(decodes(encoded(message, version), version, again)) << range.name << " " << version;
    EXPECT_EQ(again, message) << range.name << " " << version;
  }
}

TEST(ProtocolTest, a_produce_request_as_kafka_writes_it) {
  // Version 9 (flexible): transactional id null, acks -1, timeout 1500, topic "t", partition 2, two bytes.
  std::string bytes("\x00\xff\xff\x00\x00\x05\xdc\x02\x02t\x02\x00\x00\x00\x02\x03xy\x00\x00\x00", 21);
  proto::ProduceRequest request;
  ASSERT_TRUE(decodes(bytes, 9, request));
  EXPECT_FALSE(request.transactional_id.has_value());
  EXPECT_EQ(request.acks, -1);
  EXPECT_EQ(request.timeout_ms, 1500);
  EXPECT_EQ(request.topic_data.at(0).name, "t");
  EXPECT_EQ(request.topic_data[0].partition_data.at(0).index, 2);
  EXPECT_EQ(std::string_view(*request.topic_data[0].partition_data[0].records), "xy");
  EXPECT_EQ(encoded(request, 9), bytes);
}

TEST(ProtocolTest, unknown_tagged_fields_are_skipped_and_known_ones_read) {
  proto::FetchRequest request;
  request.cluster_id = "c";
  request.max_bytes = 5;
  auto bytes = encoded(request, 12);
  proto::FetchRequest back;
  ASSERT_TRUE(decodes(bytes, 12, back));
  EXPECT_EQ(back.cluster_id, "c");
  // One more tagged field: number 9, three bytes.
  auto at = bytes.size() - 5;  // count, tag, size, compact string "c"
  ASSERT_EQ(bytes[at], 1);
  bytes[at] = 2;
  bytes += std::string("\x09\x03zzz", 5);
  EXPECT_TRUE(decodes(bytes, 12, back));
  EXPECT_EQ(back.cluster_id, "c");
}

TEST(ProtocolTest, each_element_is_charged_for_its_memory) {
  proto::MetadataRequest request;
  codec::KafkaWriter w;
  w.i32(1000);
  w.raw(std::string(2000, '\0'));  // a thousand empty names: 2 bytes each on the wire
  codec::KafkaReader r(w.data(), 10'000);
  request.decode(r, 1);
  EXPECT_TRUE(r.failed());
}

}  // namespace
}  // namespace mekong::kafka
