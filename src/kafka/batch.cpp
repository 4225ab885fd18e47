#include "kafka/batch.h"

#include "codec/kafka_wire.h"

namespace mekong::kafka {

namespace {

constexpr size_t kMagicAt = 16;
constexpr int16_t kCompressionMask = 0x07;
constexpr int16_t kTransactional = 0x10;
constexpr int16_t kControl = 0x20;
constexpr int16_t kZstd = 4;
constexpr int16_t kZstdSinceProduce = 7;  // KIP-110

}  // namespace

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
  if ((attributes & kTransactional) != 0) {
    return Error{"INVALID_RECORD", "NotImplemented: transactional records"};
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
  return ok();
}

}  // namespace mekong::kafka
