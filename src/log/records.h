// The records inside of a v2 batch, for what must look at them: compaction, and topics whose records must
// have keys. (https://kafka.apache.org/documentation/#record)
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "log/batch.h"
#include "log/log.h"

namespace mekong::log {

// Views into the bytes that it was read from.
struct Record {
  int64_t offset = 0, timestamp_ms = 0;
  std::optional<std::string_view> key, value;
  std::string_view headers;  // as they are encoded
};

// More than this a batch may not unpack to where its records are looked at.
inline constexpr size_t unpacked_bytes_max = 64 << 20;

// The records' bytes, out of their compression. Errors: CORRUPT_MESSAGE, MESSAGE_TOO_LARGE.
Result<std::string> unpack_records(const BatchHeader& header, std::string_view batch);
// `unpacked`: what unpack_records() gave. Visits its records in their order; an error of `visit` ends it.
// They are not gathered: a million of the smallest take some kilobytes to send. Error: CORRUPT_MESSAGE,
// perhaps after some were visited.
using VisitRecord = std::function<Status(const Record&)>;
Status each_record(const BatchHeader& header, std::string_view unpacked, const VisitRecord& visit);

// Whether each record has a key. Error: INVALID_RECORD, or as above.
Status check_keys(std::string_view batch);

// The first of a whole batch's records from the offset `from` on that is no older than `timestamp_ms`.
// Records that cannot be unpacked (the log takes them as they come) count as one, of the batch's largest
// timestamp.
TimestampOffset first_record_at(const BatchHeader& header, std::string_view batch, int64_t from,
                                int64_t timestamp_ms);

struct BatchShape {
  int64_t base_offset = 0, last_offset = 0;
  int64_t delete_horizon_ms = -1;  // when what marks a deletion may go (KIP-534)
};
// A batch like `header`'s, whose records `unpacked` holds, with those that are to be kept, in its
// compression; none: it only stands for its range of offsets.
using KeepRecord = std::function<bool(const Record&)>;
Result<std::string> rebuild_batch(const BatchHeader& header, const BatchShape& shape,
                                  std::string_view unpacked, const KeepRecord& keep);
// A batch without records, of no producer, that stands for a range of offsets.
std::string empty_batch(int64_t base_offset, int64_t last_offset);

}  // namespace mekong::log
