#include "log/batch_builder.h"

#include <algorithm>

#include "base/crc32c.h"

namespace mekong::log {
namespace {

void put_big_endian(std::string& out, uint64_t value, int bytes) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) out.push_back(static_cast<char>(value >> shift));
}

void put_varint(std::string& out, int64_t value) {
  uint64_t zigzag = (static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63);
  while (zigzag >= 0x80) {
    out.push_back(static_cast<char>(zigzag | 0x80));
    zigzag >>= 7;
  }
  out.push_back(static_cast<char>(zigzag));
}

void put_bytes(std::string& out, const std::optional<std::string>& bytes) {
  put_varint(out, bytes ? static_cast<int64_t>(bytes->size()) : -1);
  if (bytes) out += *bytes;
}

std::string encode_record(const RecordToWrite& record, int64_t base_timestamp_ms, size_t index) {
  std::string body(1, '\0');  // attributes
  put_varint(body, record.timestamp_ms - base_timestamp_ms);
  put_varint(body, static_cast<int64_t>(index));
  put_bytes(body, record.key);
  put_bytes(body, record.value);
  put_varint(body, static_cast<int64_t>(record.headers.size()));
  for (const auto& [name, value] : record.headers) {
    put_bytes(body, name);
    put_bytes(body, value);
  }
  std::string out;
  put_varint(out, static_cast<int64_t>(body.size()));
  return out + body;
}

}  // namespace

std::string build_batch(const std::vector<RecordToWrite>& records, const BatchOptions& options) {
  const int64_t first_ms = records.front().timestamp_ms;
  int64_t max_ms = first_ms;
  for (const auto& record : records) max_ms = std::max(max_ms, record.timestamp_ms);

  std::string summed;  // from the attributes on
  put_big_endian(summed, static_cast<uint16_t>(options.attributes), 2);
  put_big_endian(summed, records.size() - 1, 4);
  put_big_endian(summed, static_cast<uint64_t>(first_ms), 8);
  put_big_endian(summed, static_cast<uint64_t>(max_ms), 8);
  put_big_endian(summed, static_cast<uint64_t>(options.producer_id), 8);
  put_big_endian(summed, static_cast<uint16_t>(options.producer_epoch), 2);
  put_big_endian(summed, static_cast<uint32_t>(options.base_sequence), 4);
  put_big_endian(summed, records.size(), 4);
  for (size_t i = 0; i < records.size(); ++i) summed += encode_record(records[i], first_ms, i);

  std::string out;
  put_big_endian(out, 0, 8);
  put_big_endian(out, 9 + summed.size(), 4);
  put_big_endian(out, 0, 4);
  out.push_back(2);
  put_big_endian(out, crc32c(summed), 4);
  return out + summed;
}

}  // namespace mekong::log
