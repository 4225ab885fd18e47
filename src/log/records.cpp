#include "log/records.h"

#include <algorithm>

#include "base/crc32c.h"
#include "codec/compress.h"
#include "codec/kafka_wire.h"

namespace mekong::log {
namespace {

constexpr int16_t compression_mask = 0x07, append_time_bit = 0x08, horizon_bit = 0x40;

Error corrupt() {
  return Error{"CORRUPT_MESSAGE", "the records of a batch cannot be read"};
}

// Zigzag varints of 32 or 64 bits.
class Varints {
 public:
  explicit Varints(std::string_view bytes) : rest_(bytes) {}
  int64_t number() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (rest_.empty()) break;
      const auto byte = static_cast<unsigned char>(rest_.front());
      rest_.remove_prefix(1);
      value |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return static_cast<int64_t>(value >> 1) ^ -static_cast<int64_t>(value & 1);
    }
    failed_ = true;
    return 0;
  }
  std::string_view take(int64_t bytes) {
    if (bytes < 0 || static_cast<uint64_t>(bytes) > rest_.size()) {
      failed_ = true;
      return {};
    }
    const auto out = rest_.substr(0, static_cast<size_t>(bytes));
    rest_.remove_prefix(out.size());
    return out;
  }
  std::optional<std::string_view> nullable() {
    const int64_t bytes = number();
    if (bytes == -1) return std::nullopt;
    return take(bytes);
  }
  std::string_view rest() const { return rest_; }
  bool failed() const { return failed_; }

 private:
  std::string_view rest_;
  bool failed_ = false;
};

void put_varint(std::string& out, int64_t value) {
  uint64_t zigzag = (static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63);
  for (; zigzag >= 0x80; zigzag >>= 7) out.push_back(static_cast<char>(zigzag | 0x80));
  out.push_back(static_cast<char>(zigzag));
}

void put_nullable(std::string& out, const std::optional<std::string_view>& bytes) {
  put_varint(out, bytes ? static_cast<int64_t>(bytes->size()) : -1);
  if (bytes) out += *bytes;
}

std::string encode_record(const Record& record, int64_t base_offset, int64_t base_timestamp_ms) {
  std::string body(1, '\0');  // attributes
  put_varint(body, record.timestamp_ms - base_timestamp_ms);
  put_varint(body, record.offset - base_offset);
  put_nullable(body, record.key);
  put_nullable(body, record.value);
  body += record.headers;
  std::string out;
  put_varint(out, static_cast<int64_t>(body.size()));
  return out + body;
}

// `header`: with the timestamps and the attributes to be written.
std::string assemble(const BatchHeader& header, int64_t last_offset, size_t records, std::string_view body) {
  codec::KafkaWriter summed;
  summed.i16(header.attributes);
  summed.i32(static_cast<int32_t>(last_offset - header.base_offset));
  summed.i64(header.base_timestamp_ms);
  summed.i64(header.max_timestamp_ms);
  summed.i64(header.producer_id);
  summed.i16(header.producer_epoch);
  summed.i32(header.base_sequence);
  summed.i32(static_cast<int32_t>(records));
  summed.raw(body);
  codec::KafkaWriter all;
  all.i64(header.base_offset);
  all.i32(static_cast<int32_t>(9 + summed.size()));
  all.i32(0);  // leader epoch
  all.i8(2);   // magic
  all.u32(crc32c(summed.data()));
  all.raw(summed.data());
  return all.take();
}

codec::Compression compression_of(const BatchHeader& header) {
  return static_cast<codec::Compression>(header.attributes & compression_mask);
}

}  // namespace

Result<std::string> unpack_records(const BatchHeader& header, std::string_view batch) {
  const auto body = batch.substr(0, header.size_bytes).substr(batch_header_bytes);
  auto unpacked = codec::decompress(compression_of(header), body, unpacked_bytes_max);
  if (unpacked.ok()) return unpacked;
  if (unpacked.error().code == "TooLarge") return Error{"MESSAGE_TOO_LARGE", unpacked.error().message};
  return Error{"CORRUPT_MESSAGE", unpacked.error().message};
}

Result<std::vector<Record>> parse_records(const BatchHeader& header, std::string_view unpacked) {
  const bool append_time = (header.attributes & append_time_bit) != 0;
  std::vector<Record> records;
  Varints all(unpacked);
  for (int32_t i = 0; i < header.record_count && !all.failed(); ++i) {
    Varints one(all.take(all.number()));
    one.take(1);  // attributes: none are in use
    Record record;
    record.timestamp_ms = header.base_timestamp_ms + one.number();
    if (append_time) record.timestamp_ms = header.max_timestamp_ms;
    record.offset = header.base_offset + one.number();
    record.key = one.nullable();
    record.value = one.nullable();
    record.headers = one.rest();
    const bool inside = record.offset >= header.base_offset && record.offset <= header.last_offset();
    if (one.failed() || record.headers.empty() || !inside) return corrupt();
    records.push_back(record);
  }
  if (all.failed() || !all.rest().empty()) return corrupt();
  return records;
}

Status check_keys(std::string_view batch) {
  MEKONG_TRY_ASSIGN(const BatchHeader header, parse_header(batch));
  MEKONG_TRY_ASSIGN(const std::string unpacked, unpack_records(header, batch));
  MEKONG_TRY_ASSIGN(const auto records, parse_records(header, unpacked));
  const bool all =
      std::all_of(records.begin(), records.end(), [](const Record& one) { return one.key.has_value(); });
  if (!all) return Error{"INVALID_RECORD", "Compacted topic cannot accept message without key."};
  return ok();
}

Result<std::string> rebuild_batch(const BatchHeader& header, const BatchShape& shape,
                                  const std::vector<Record>& records) {
  BatchHeader to = header;
  to.base_offset = shape.base_offset;
  if (shape.delete_horizon_ms >= 0) {
    to.attributes = static_cast<int16_t>(to.attributes | horizon_bit);
    to.base_timestamp_ms = shape.delete_horizon_ms;
  } else if (!records.empty()) {
    to.base_timestamp_ms = records.front().timestamp_ms;
  }
  std::string body;
  int64_t newest_ms = -1;
  for (const Record& record : records) {
    newest_ms = std::max(newest_ms, record.timestamp_ms);
    body += encode_record(record, to.base_offset, to.base_timestamp_ms);
  }
  to.max_timestamp_ms = newest_ms;
  if (records.empty()) to.attributes = static_cast<int16_t>(to.attributes & ~compression_mask);
  if (!records.empty()) {
    MEKONG_TRY_ASSIGN(body, codec::compress(compression_of(to), body));
  }
  return assemble(to, shape.last_offset, records.size(), body);
}

std::string empty_batch(int64_t base_offset, int64_t last_offset) {
  BatchHeader header;
  header.base_offset = base_offset;
  header.base_timestamp_ms = header.max_timestamp_ms = -1;
  return assemble(header, last_offset, 0, {});
}

}  // namespace mekong::log
