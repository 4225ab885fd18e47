// log: partitions of record batches in Kafka's v2 format
// (https://kafka.apache.org/documentation/#recordbatch), append-only, durable at acknowledgement, read back
// without decoding. Knows no topic and no wire protocol beyond the batch header; Kafka topics and Kinesis
// shards are both partitions here.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "base/task.h"
#include "os/files.h"

namespace mekong::log {

// Unique for ever, never reused: e.g. "<topic uuid>-<index>". Letters, digits, '-', '_', at most 100.
using PartitionId = Id<struct PartitionIdTag, std::string>;

struct PartitionConfig {
  int64_t retention_ms = 7LL * 24 * 3600 * 1000;  // -1: for ever
  int64_t retention_bytes = -1;
  int32_t max_batch_bytes = 1'048'588;
  bool log_append_time = false;  // stamps batches on arrival instead of keeping the producer's time
  // Kafka's cleanup.policy: retention drops what is old, compaction all but the last record of each key.
  bool retain_by_age = true, compact = false;
  int32_t min_cleanable_dirty_ppm = 500'000;  // millionths of the bytes that must be new for a compaction
  int64_t delete_retention_ms = 24LL * 3600 * 1000;  // for what marks a deletion or ends a transaction
  int64_t min_compaction_lag_ms = 0;                 // younger records stay
  int64_t max_compaction_lag_ms = INT64_MAX;         // older ones are compacted whatever the ratio

  bool operator==(const PartitionConfig&) const = default;
};

struct AppendResult {
  int64_t base_offset = -1;
  int64_t log_append_time_ms = -1;  // -1 unless log_append_time
  int64_t log_start_offset = 0;
  bool duplicate = false;  // an idempotent producer's retry: base_offset is the first append's
};

enum class Isolation { read_uncommitted, read_committed };
// held: much of it may stay where it lies in the page cache, to be sent from there.
enum class ReadAs { copied, held };

// A transaction that was aborted: its producer's records from `first_offset` up to its abort marker do not
// count.
struct AbortedTransaction {
  int64_t producer_id = -1;
  int64_t first_offset = 0;

  bool operator==(const AbortedTransaction&) const = default;
};

struct ReadResult {
  // Whole v2 batches, the first may begin before the offset asked for: here, or the first `held_bytes` of
  // what is held.
  std::string batches;
  int64_t high_watermark = 0;      // first offset not yet durable = next to be read
  int64_t last_stable_offset = 0;  // all transactions with records before it are decided
  int64_t log_start_offset = 0;
  std::vector<AbortedTransaction> aborted = {};  // with read_committed: those among the batches
  std::shared_ptr<os::HeldBytes> held = {};
  size_t held_bytes = 0;
  bool more = false;  // lies there already behind these: the limit, or a segment's end, cut them off
};

// The end of a producer's transaction in one partition.
struct TransactionMarker {
  int64_t producer_id = -1;
  int16_t producer_epoch = -1;  // may be above that of the records: then it fences their producer
  bool commit = false;
};

struct Offsets {
  int64_t log_start = 0, high_watermark = 0, last_stable = 0;
};

struct TimestampOffset {
  int64_t offset = -1, timestamp_ms = -1;  // -1: no such record
};

// Errors carry Kafka's names: UNKNOWN_TOPIC_OR_PARTITION, OFFSET_OUT_OF_RANGE, CORRUPT_MESSAGE,
// MESSAGE_TOO_LARGE, INVALID_RECORD, OUT_OF_ORDER_SEQUENCE_NUMBER, INVALID_PRODUCER_EPOCH,
// INVALID_TXN_STATE (a transactional producer writes outside of its open transaction), KAFKA_STORAGE_ERROR.
class Log {
 public:
  virtual ~Log() = default;
  virtual Status create(const PartitionId& partition, const PartitionConfig& config) = 0;  // durable
  virtual Status configure(const PartitionId& partition, const PartitionConfig& config) = 0;
  virtual Status remove(const PartitionId& partition) = 0;
  // `batches`: one or more v2 batches; base offsets are assigned here, the CRC is checked and kept.
  // The future is set once the bytes are durable. Any thread; order per partition is the order of calls.
  virtual Future<Result<AppendResult>> append(const PartitionId& partition, std::string batches) = 0;
  // Ends the producer's transaction with a control batch; nothing is written where none is open.
  virtual Future<Result<AppendResult>> end_transaction(const PartitionId& partition,
                                                       const TransactionMarker& marker) = 0;
  // Whole batches from `offset` up to about `max_bytes` (at least one batch if there is one), never past the
  // high watermark, or with read_committed the last stable offset. Empty at the end of the log. Checksums are
  // verified: what is damaged is KAFKA_STORAGE_ERROR. May read the disk: pool threads.
  virtual Result<ReadResult> read(const PartitionId& partition, int64_t offset, size_t max_bytes,
                                  Isolation isolation = Isolation::read_uncommitted,
                                  ReadAs as = ReadAs::copied) = 0;
  virtual Result<Offsets> offsets(const PartitionId& partition) = 0;
  // The first record with timestamp >= `timestamp_ms`, below the high watermark. May read the disk: pool
  // threads.
  virtual Result<TimestampOffset> offset_for(const PartitionId& partition, int64_t timestamp_ms) = 0;
  // DeleteRecords. POLICY_VIOLATION where only compaction may remove records.
  virtual Status delete_before(const PartitionId& partition, int64_t offset) = 0;
  // Set when any of the partitions' high watermarks passes its given offset, or is removed. No polling.
  virtual Future<bool> wait_beyond(const std::vector<std::pair<PartitionId, int64_t>>& positions) = 0;
  // Cancels a wait whose time is up; its future is then set to false.
  // (A wait that nobody cancels and nothing wakes stays registered.)
  virtual void cancel_wait(const Future<bool>& wait) = 0;
  virtual Result<int64_t> size_bytes(const PartitionId& partition) = 0;
};

}  // namespace mekong::log
