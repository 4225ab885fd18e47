// Record batch v2, as bytes (https://kafka.apache.org/documentation/#recordbatch). All integers big endian.
//
//    0  base offset        8      21  attributes          2   bits 0-2 codec, 3 log append time,
//    8  batch length       4          (bytes after it)        4 transactional, 5 control, 6 the base
//    timestamp
//   12  leader epoch       4      23  last offset delta   4
//   16  magic = 2          1      27  base timestamp      8
//   17  CRC32C of 21…end   4      35  max timestamp       8
//                                 43  producer id         8
//                                 51  producer epoch      2
//                                 53  base sequence       4
//                                 57  record count        4
//                                 61  records
//
// Base offset and leader epoch stand outside the checksum, so the log assigns offsets without touching a
// record.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace mekong::log {

inline constexpr size_t batch_header_bytes = 61;
inline constexpr size_t batch_length_ends_at = 12;  // batch length counts from here

struct BatchHeader {
  int64_t base_offset = 0;
  size_t size_bytes = 0;  // the whole batch
  int8_t magic = 0;
  uint32_t crc = 0;
  int16_t attributes = 0;
  int32_t last_offset_delta = 0;
  int64_t base_timestamp_ms = 0, max_timestamp_ms = 0;
  int64_t producer_id = -1;
  int16_t producer_epoch = -1;
  int32_t base_sequence = -1;
  int32_t record_count = 0;
  int32_t leader_epoch = 0;  // there is one leader: 0 of all that is stored
  bool commits = false;      // of a control batch, where it was looked into

  int64_t last_offset() const { return base_offset + last_offset_delta; }
  bool transactional() const { return (attributes & 0x10) != 0; }
  bool control() const { return (attributes & 0x20) != 0; }
  // When compaction may drop what marks a deletion here (KIP-534: it is the base timestamp then); -1: not
  // set.
  int64_t delete_horizon_ms() const { return (attributes & 0x40) != 0 ? base_timestamp_ms : -1; }
};

// Reads the header at the front of `bytes`, which may hold less than the batch. Errors: CORRUPT_MESSAGE (too
// short, impossible length), INVALID_RECORD (an older magic).
Result<BatchHeader> parse_header(std::string_view bytes);

// What a whole control batch says: true commit, false abort. Error: CORRUPT_MESSAGE, also for other kinds.
Result<bool> parse_marker(std::string_view batch);

// Holds the whole batch against its checksum. Error: CORRUPT_MESSAGE. (Base offset and leader epoch stand
// outside of it: whoever reads what was stored holds those against what they must be.)
Status verify_checksum(const BatchHeader& header, std::string_view batch);

// Against its counts, too: true of what clients send, not of what compaction leaves. Error: INVALID_RECORD.
Status verify_batch(const BatchHeader& header, std::string_view batch);

// Splits what a producer sent into batches, each verified. Errors as above.
Result<std::vector<BatchHeader>> verify_batches(std::string_view batches);

void assign_offset(char* batch, int64_t base_offset, int32_t leader_epoch);
// Stamps the batch with the time of arrival and renews the checksum.
void assign_append_time(std::string& bytes, size_t at, size_t size_bytes, int64_t now_ms);

}  // namespace mekong::log
