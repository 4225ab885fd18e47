#include "log/batch.h"

#include <endian.h>

#include <algorithm>
#include <cstring>

#include "base/crc32c.h"
#include "log/records.h"

namespace mekong::log {
namespace {

uint16_t swap_endian(uint16_t v) {
  return htobe16(v);
}
uint32_t swap_endian(uint32_t v) {
  return htobe32(v);
}
uint64_t swap_endian(uint64_t v) {
  return htobe64(v);
}

template <class Unsigned>
Unsigned get(std::string_view bytes, size_t at) {
  Unsigned value;
  std::memcpy(&value, bytes.data() + at, sizeof(value));
  return swap_endian(value);
}

template <class Unsigned>
void put(char* at, Unsigned value) {
  value = swap_endian(value);
  std::memcpy(at, &value, sizeof(value));
}

Error corrupt(std::string_view what) {
  return Error{"CORRUPT_MESSAGE", std::string(what)};
}

}  // namespace

Result<BatchHeader> parse_header(std::string_view bytes) {
  if (bytes.size() < batch_header_bytes) return corrupt("shorter than a batch header");
  BatchHeader header;
  header.base_offset = static_cast<int64_t>(get<uint64_t>(bytes, 0));
  const auto length = static_cast<int32_t>(get<uint32_t>(bytes, 8));
  header.leader_epoch = static_cast<int32_t>(get<uint32_t>(bytes, 12));
  header.magic = static_cast<int8_t>(bytes[16]);
  if (header.magic < 2 && header.magic >= 0)
    return Error{"INVALID_RECORD", "record batches before v2 are not taken"};
  if (header.magic != 2) return corrupt("unknown magic");
  if (length < static_cast<int32_t>(batch_header_bytes - batch_length_ends_at))
    return corrupt("impossible length");
  header.size_bytes = batch_length_ends_at + static_cast<size_t>(length);
  header.crc = get<uint32_t>(bytes, 17);
  header.attributes = static_cast<int16_t>(get<uint16_t>(bytes, 21));
  header.last_offset_delta = static_cast<int32_t>(get<uint32_t>(bytes, 23));
  header.base_timestamp_ms = static_cast<int64_t>(get<uint64_t>(bytes, 27));
  header.max_timestamp_ms = static_cast<int64_t>(get<uint64_t>(bytes, 35));
  header.producer_id = static_cast<int64_t>(get<uint64_t>(bytes, 43));
  header.producer_epoch = static_cast<int16_t>(get<uint16_t>(bytes, 51));
  header.base_sequence = static_cast<int32_t>(get<uint32_t>(bytes, 53));
  header.record_count = static_cast<int32_t>(get<uint32_t>(bytes, 57));
  return header;
}

// The key of a control record: version (2), type (2), 0 abort, 1 commit. Its time may be far from the batch's
// base, which is the delete horizon once it was compacted.
Result<bool> parse_marker(std::string_view batch) {
  MEKONG_TRY_ASSIGN(const BatchHeader header, parse_header(batch));
  constexpr size_t key_bytes = 4, type_at = 2;
  uint16_t type = UINT16_MAX;
  const auto records = batch.substr(0, header.size_bytes).substr(batch_header_bytes);
  MEKONG_TRY(each_record(header, records, [&](const Record& record) {
    if (record.key && record.key->size() >= key_bytes) type = get<uint16_t>(*record.key, type_at);
    return ok();
  }));
  if (type > 1) return corrupt("an unknown control batch");
  return type == 1;
}

Status verify_checksum(const BatchHeader& header, std::string_view batch) {
  if (batch.size() < header.size_bytes) return corrupt("the batch is cut short");
  if (crc32c(batch.substr(21, header.size_bytes - 21)) != header.crc)
    return corrupt("the checksum does not match");
  return ok();
}

Status verify_batch(const BatchHeader& header, std::string_view batch) {
  MEKONG_TRY(verify_checksum(header, batch));
  if (header.record_count < 1 || header.last_offset_delta != header.record_count - 1) {
    return Error{"INVALID_RECORD", "record count and last offset delta do not agree"};
  }
  return ok();
}

Result<std::vector<BatchHeader>> verify_batches(std::string_view batches) {
  if (batches.empty()) return corrupt("no batch");
  std::vector<BatchHeader> out;
  while (!batches.empty()) {
    MEKONG_TRY_ASSIGN(const BatchHeader header, parse_header(batches));
    MEKONG_TRY(verify_batch(header, batches));
    out.push_back(header);
    batches.remove_prefix(header.size_bytes);
  }
  return out;
}

void assign_offset(char* batch, int64_t base_offset, int32_t leader_epoch) {
  put(batch, static_cast<uint64_t>(base_offset));
  put(batch + 12, static_cast<uint32_t>(leader_epoch));
}

void assign_append_time(std::string& bytes, size_t at, size_t size_bytes, int64_t now_ms) {
  char* batch = bytes.data() + at;
  put(batch + 21, static_cast<uint16_t>(get<uint16_t>(bytes, at + 21) | 0x08));
  put(batch + 35, static_cast<uint64_t>(now_ms));
  put(batch + 17, crc32c(std::string_view(batch + 21, size_bytes - 21)));
}

}  // namespace mekong::log
