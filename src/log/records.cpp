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

// Offsets and times are what a client says: sums go around as they do in Java.
int64_t plus(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}
int64_t minus(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
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
  put_varint(body, minus(record.timestamp_ms, base_timestamp_ms));
  put_varint(body, minus(record.offset, base_offset));
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
  summed.i32(static_cast<int32_t>(minus(last_offset, header.base_offset)));
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

Status each_record(const BatchHeader& header, std::string_view unpacked, const VisitRecord& visit) {
  const bool append_time = (header.attributes & append_time_bit) != 0;
  Varints all(unpacked);
  for (int32_t i = 0; i < header.record_count; ++i) {
    Varints one(all.take(all.number()));
    one.take(1);  // attributes: none are in use
    Record record;
    record.timestamp_ms = plus(header.base_timestamp_ms, one.number());
    if (append_time) record.timestamp_ms = header.max_timestamp_ms;
    const int64_t delta = one.number();
    record.offset = plus(header.base_offset, delta);
    record.key = one.nullable();
    record.value = one.nullable();
    record.headers = one.rest();
    const bool inside = delta >= 0 && delta <= header.last_offset_delta;
    if (all.failed() || one.failed() || record.headers.empty() || !inside) return corrupt();
    MEKONG_TRY(visit(record));
  }
  return all.rest().empty() ? ok() : Status(corrupt());
}

Status check_keys(std::string_view batch) {
  MEKONG_TRY_ASSIGN(const BatchHeader header, parse_header(batch));
  MEKONG_TRY_ASSIGN(const std::string unpacked, unpack_records(header, batch));
  return each_record(header, unpacked, [](const Record& record) -> Status {
    if (!record.key) return Error{"INVALID_RECORD", "Compacted topic cannot accept message without key."};
    return ok();
  });
}

TimestampOffset first_record_at(const BatchHeader& header, std::string_view batch, int64_t from,
                                int64_t timestamp_ms) {
  if (header.max_timestamp_ms < timestamp_ms || header.last_offset() < from) return {};
  const auto unpacked = unpack_records(header, batch);
  TimestampOffset found;
  const auto look = [&](const Record& record) -> Status {
    if (record.offset < from || record.timestamp_ms < timestamp_ms) return ok();
    found = {record.offset, record.timestamp_ms};
    return Error{"Enough", ""};
  };
  const auto seen = unpacked.ok() ? each_record(header, *unpacked, look) : Status(unpacked.error());
  if (seen.ok() || found.offset >= 0) return found;
  return {std::max(header.base_offset, from), header.max_timestamp_ms};
}

Result<std::string> rebuild_batch(const BatchHeader& header, const BatchShape& shape,
                                  std::string_view unpacked, const KeepRecord& keep) {
  BatchHeader to = header;
  to.base_offset = shape.base_offset;
  if (shape.delete_horizon_ms >= 0) {
    to.attributes = static_cast<int16_t>(to.attributes | horizon_bit);
    to.base_timestamp_ms = shape.delete_horizon_ms;
  }
  to.max_timestamp_ms = -1;
  std::string body;
  size_t kept = 0;
  MEKONG_TRY(each_record(header, unpacked, [&](const Record& record) {
    if (!keep(record)) return ok();
    if (kept++ == 0 && shape.delete_horizon_ms < 0) to.base_timestamp_ms = record.timestamp_ms;
    to.max_timestamp_ms = std::max(to.max_timestamp_ms, record.timestamp_ms);
    body += encode_record(record, to.base_offset, to.base_timestamp_ms);
    return ok();
  }));
  if (kept == 0) {
    to.attributes = static_cast<int16_t>(to.attributes & ~compression_mask);
  } else {
    MEKONG_TRY_ASSIGN(body, codec::compress(compression_of(to), body));
  }
  return assemble(to, shape.last_offset, kept, body);
}

std::string empty_batch(int64_t base_offset, int64_t last_offset) {
  BatchHeader header;
  header.base_offset = base_offset;
  header.base_timestamp_ms = header.max_timestamp_ms = -1;
  return assemble(header, last_offset, 0, {});
}

}  // namespace mekong::log
