#include "kafka/batch.h"

#include <algorithm>

#include "codec/kafka_wire.h"
#include "log/records.h"

namespace mekong::kafka {

namespace {

constexpr size_t kMagicAt = 16;
constexpr int16_t kCompressionMask = 0x07;
constexpr int16_t kTransactional = 0x10;
constexpr int16_t kControl = 0x20;
constexpr int16_t kZstd = 4;
constexpr int16_t kZstdSinceProduce = 7;  // KIP-110

}  // namespace

BatchProducer producer_of(std::string_view records) {
  codec::KafkaReader r(records, 0);
  r.skip(21);
  const int16_t attributes = r.i16();
  r.skip(4 + 8 + 8);
  const int64_t id = r.i64();
  return {id, r.i16(), (attributes & kTransactional) != 0};
}

bool nothing_committed(std::string_view batches, std::vector<log::AbortedTransaction> aborted,
                       int64_t& until) {
  while (batches.size() >= kBatchHeaderBytes) {
    codec::KafkaReader r(batches, 0);
    const int64_t base = r.i64();
    const size_t size = static_cast<size_t>(r.i32()) + 12;
    r.skip(4 + 1 + 4);
    const int16_t attributes = r.i16();
    until = base + r.i32() + 1;
    const auto producer = producer_of(batches);
    const auto of_it = [&](const auto& one) {
      return producer.transactional && one.producer_id == producer.id && one.first_offset <= base;
    };
    const bool control = (attributes & kControl) != 0;
    if (!control && std::none_of(aborted.begin(), aborted.end(), of_it)) return false;
    if (control) std::erase_if(aborted, of_it);  // its transaction ends here
    batches.remove_prefix(std::min(size, batches.size()));
  }
  return true;
}

Status check_produced(std::string_view records, const BatchRules& rules) {
  if (records.size() > kMagicAt && records[kMagicAt] != 2) {
    return Error{"UNSUPPORTED_FOR_MESSAGE_FORMAT", "only record batches of format version 2 are taken"};
  }
  if (records.size() < kBatchHeaderBytes) return Error{"CORRUPT_MESSAGE", "shorter than a record batch"};
  codec::KafkaReader r(records, 0);
  r.skip(8);
  int64_t length = r.i32();
  r.skip(4 + 1 + 4);
  int16_t attributes = r.i16();
  int64_t last_delta = r.i32();
  r.skip(8);
  int64_t max_timestamp = r.i64();
  r.skip(8 + 2 + 4);
  int64_t count = r.i32();
  if (length + 12 < static_cast<int64_t>(records.size())) {
    return Error{"INVALID_RECORD", "Produce takes exactly one record batch a partition"};
  }
  if (length + 12 != static_cast<int64_t>(records.size()))
    return Error{"CORRUPT_MESSAGE", "wrong batch length"};
  if (count < 1 || last_delta != count - 1)
    return Error{"INVALID_RECORD", "record count and offsets disagree"};
  if ((attributes & kControl) != 0) return Error{"INVALID_RECORD", "clients may not write control records"};
  const bool transactional = (attributes & kTransactional) != 0;
  if (transactional && !rules.transactional) {
    return Error{"INVALID_RECORD", "transactional records in a request without transactional id"};
  }
  int16_t compression = attributes & kCompressionMask;
  if (compression > kZstd || (compression == kZstd && rules.produce_version < kZstdSinceProduce)) {
    return Error{"UNSUPPORTED_COMPRESSION_TYPE", "compression " + std::to_string(compression)};
  }
  int64_t limit = rules.timestamp_difference_max_ms;
  bool early = max_timestamp < 0 ? limit < INT64_MAX : max_timestamp < rules.now_ms - limit;
  bool late = max_timestamp > rules.now_ms && max_timestamp - rules.now_ms > limit;
  if (!rules.log_append_time && (early || late)) {
    return Error{"INVALID_TIMESTAMP", "the record time differs too much from the broker's"};
  }
  return rules.keyed ? log::check_keys(records) : ok();
}

}  // namespace mekong::kafka
