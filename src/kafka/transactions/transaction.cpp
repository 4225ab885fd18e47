#include "kafka/transactions/transaction.h"

#include "codec/kafka_wire.h"

namespace mekong::kafka {

namespace {
constexpr int8_t kVersion = 2;
constexpr int8_t kWithoutTopicIds = 1;
}  // namespace

std::string Transaction::encode() const {
  codec::KafkaWriter w;
  w.i8(kVersion);
  w.i64(producer.id);
  w.i16(producer.epoch);
  w.i16(last_epoch);
  w.i32(timeout_ms);
  w.i8(static_cast<int8_t>(state));
  w.i64(started_ms);
  w.i64(changed_ms);
  w.i8(static_cast<int8_t>(ended));
  w.varuint(static_cast<uint32_t>(partitions.size()));
  for (const auto& partition : partitions) w.string(partition, true);
  w.varuint(static_cast<uint32_t>(offsets.size()));
  for (const auto& [group, pending] : offsets) {
    w.string(group, true);
    w.varuint(static_cast<uint32_t>(pending.size()));
    for (const auto& offset : pending) {
      w.string(offset.topic, true);
      w.i32(offset.partition);
      w.i64(offset.offset);
      w.i32(offset.leader_epoch);
      w.bytes(offset.metadata, true);
      w.uuid(offset.topic_id);
    }
  }
  return w.take();
}

Result<Transaction> Transaction::decode(std::string_view bytes) {
  codec::KafkaReader r(bytes, bytes.size() * 4);
  Transaction out;
  const int8_t version = r.i8();
  const bool known = version == kVersion || version == kWithoutTopicIds;
  out.producer.id = r.i64();
  out.producer.epoch = r.i16();
  out.last_epoch = r.i16();
  out.timeout_ms = r.i32();
  out.state = static_cast<TransactionState>(r.i8());
  out.started_ms = r.i64();
  out.changed_ms = r.i64();
  out.ended = static_cast<Ended>(r.i8());
  for (uint32_t left = r.varuint(); left > 0 && !r.failed(); --left) out.partitions.insert(r.string(true));
  for (uint32_t groups = r.varuint(); groups > 0 && !r.failed(); --groups) {
    auto& pending = out.offsets[r.string(true)];
    for (uint32_t left = r.varuint(); left > 0 && !r.failed(); --left) {
      CommittedOffset offset;
      offset.topic = r.string(true);
      offset.partition = r.i32();
      offset.offset = r.i64();
      offset.leader_epoch = r.i32();
      offset.metadata = r.bytes(true);
      if (version != kWithoutTopicIds) offset.topic_id = r.uuid();
      pending.push_back(std::move(offset));
    }
  }
  if (!known || r.failed()) return Error{"KAFKA_STORAGE_ERROR", "a stored transaction cannot be read"};
  return out;
}

}  // namespace mekong::kafka
