// The header of a record batch, format version 2, as far as the broker must look into it before the log does:
//
//   0 base offset (8) · 8 length (4) · 12 leader epoch (4) · 16 magic (1) · 17 crc (4) · 21 attributes (2)
//   23 last offset delta (4) · 27 base timestamp (8) · 35 max timestamp (8) · 43 producer id (8) · 51 epoch
//   (2) 53 base sequence (4) · 57 record count (4) · 61 records
#pragma once
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "log/log.h"

namespace mekong::kafka {

inline constexpr size_t kBatchHeaderBytes = 61;

struct BatchRules {
  int16_t produce_version = 0;
  bool log_append_time = false;
  int64_t timestamp_difference_max_ms = INT64_MAX;
  int64_t now_ms = 0;
  bool transactional = false;  // the request names a transactional id
  bool keyed = false;          // the topic is compacted: each record needs a key
};

// Who wrote a batch, as its header has it.
struct BatchProducer {
  int64_t id = -1;
  int16_t epoch = -1;
  bool transactional = false;
};
// Of records that check_produced() has taken.
BatchProducer producer_of(std::string_view records);

// Does this hold no record that a reader of committed ones gets: only control batches, and batches of aborted
// transactions? `until` is set to the offset after the last batch.
bool nothing_committed(std::string_view batches, std::vector<log::AbortedTransaction> aborted,
                       int64_t& until);

// What Produce demands of a partition's records: one whole batch of version 2, no control one, a
// transactional one only with a transactional id, a compression the version knows. Errors:
// UNSUPPORTED_FOR_MESSAGE_FORMAT, CORRUPT_MESSAGE, INVALID_RECORD, INVALID_TIMESTAMP,
// UNSUPPORTED_COMPRESSION_TYPE.
Status check_produced(std::string_view records, const BatchRules& rules);

}  // namespace mekong::kafka
