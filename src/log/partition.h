// One partition on disk: a folder with its segments, `partition`, a small text file (format, configuration,
// log start, and up to where the segments were known to be durable), and `producers`, the producers' state as
// of the beginning of the last segment. Written by the committer thread only, read by any.
#pragma once
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <shared_mutex>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "log/compaction.h"
#include "log/file_cache.h"
#include "log/log.h"
#include "log/partition_state.h"
#include "log/positions.h"
#include "log/producers.h"
#include "log/segment.h"
#include "os/files.h"

namespace mekong::log {

// What all partitions share. Outlives them.
struct PartitionDeps {
  os::Files& files;
  FileCache& cache;
  uint64_t segment_bytes_max = 256ULL << 20;
};

// What the journal knows of a partition: bytes to be written again, or (without bytes) how far it was synced.
struct JournalledBytes {
  int64_t segment = 0;
  uint64_t position = 0;
  uint64_t size_bytes = 0;
  std::string bytes;
};

// Which shares may wait in memory for their segment, to be written together with what comes next.
struct Gathering {
  size_t share_bytes_max = 0;  // a larger one is written
  size_t bytes_max = 0;        // of a partition: when it has so much it is written
};

class Partition {
 public:
  static Result<std::unique_ptr<Partition>> create(const PartitionDeps& deps, std::string folder,
                                                   const PartitionConfig& config);
  // Recovers: a torn tail past what was known to be durable is cut; damage before it is KAFKA_STORAGE_ERROR
  // and nothing is changed.
  // `known`: what is known besides of how far it is whole.
  static Result<std::unique_ptr<Partition>> open(const PartitionDeps& deps, std::string folder,
                                                 int64_t now_ms, const Position& known = {});
  // Before open(), after a crash: writes here what the journal knows and makes it durable, or, where there is
  // `unsynced`, adds to it the files that the caller is to sync. Returns up to where it is whole then, for
  // the caller to note; none: the partition is gone, or has all. `known` as of open().
  static Result<std::optional<Position>> restore(const PartitionDeps& deps, const std::string& folder,
                                                 const Position& known,
                                                 const std::vector<JournalledBytes>& entries,
                                                 std::vector<std::shared_ptr<os::File>>* unsynced);

  // Committer only, in this order: stage() any number of times, flush(), then durability of staged() by a
  // sync of flush()'s file or by the journal, then publish(). An error of stage() refuses that append and
  // leaves the partition as it was, unless broken(): then what is on disk is unknown and the log must stop.
  Result<AppendResult> stage(std::string& batches, std::vector<BatchHeader> headers, int64_t now_ms);
  // Nothing is staged (base offset -1) where no transaction of the producer is open.
  Result<AppendResult> stage(const TransactionMarker& marker, int64_t now_ms);
  bool broken() const { return broken_; }
  struct Staged {
    int64_t segment = 0;
    uint64_t position = 0;
    uint64_t size_bytes = 0;
    std::span<const std::string> pieces;  // one after the other; valid until publish()
  };
  Staged staged() const;
  // The segment's file. What may be gathered waits in memory, and only the journal makes it durable.
  Result<std::shared_ptr<os::File>> flush(const Gathering& may);
  void publish();

  // Committer only, after flush().
  size_t gathered_bytes() const { return segments_.back()->gathered_bytes(); }
  size_t gathered_memory_bytes() const { return segments_.back()->gathered_memory_bytes(); }
  Status write_gathered();

  // Committer only, with nothing staged.
  Status configure(const PartitionConfig& config);
  Status delete_before(int64_t offset);
  // As a client asks for it. POLICY_VIOLATION where only compaction may remove records.
  Status delete_records(int64_t offset);
  // Rolls the segment that is written once its first batch has waited for 7 days, or for as long as retention
  // or compaction ask; drops whole segments that are older or more than the configuration keeps.
  Status retain(int64_t now_ms);
  // Rolls the segment that is written if it is larger.
  Status roll_beyond(uint64_t bytes);
  // Ends what a full disk kept the last exchange from ending.
  Status prepare_compaction();
  // Puts a compacted segment in the place of those that it was made from. Where one of them is gone
  // meanwhile nothing is changed.
  Status exchange(const CompactedSegment& compacted);
  Status note_clean(int64_t offset);
  // Gives memory back: producers that have not written since, indexes that lie on disk.
  void forget_idle(int64_t producers_since_ms);
  // From here on everything is UNKNOWN_TOPIC_OR_PARTITION.
  void remove();
  bool removed() const { return removed_; }

  // Once it is removed, not in the committer's thread: others' appends need not wait for it.
  Status remove_files();

  // Any thread.
  Result<ReadResult> read(int64_t offset, size_t max_bytes, Isolation isolation, ReadAs as) const;
  Offsets offsets() const;
  Result<TimestampOffset> offset_for(int64_t timestamp_ms) const;
  int64_t size_bytes() const;
  uint64_t written_bytes() const;  // of the segment that is written
  Position whole() const;          // durable, by the journal at least
  // Grows with each change of the files, once it is made.
  uint64_t changes() const { return changes_; }
  // What is to be compacted, if it is due. `now_ms`: service clock.
  Result<std::optional<CompactionPlan>> plan_compaction(int64_t now_ms, size_t map_bytes_max) const;

 private:
  using State = PartitionState;
  using SegmentPtr = std::shared_ptr<Segment>;

  Partition(const PartitionDeps& deps, std::string folder) : deps_(deps), folder_(std::move(folder)) {}
  Status change_state(State state);
  Status save_producers(int64_t as_of) const;
  int64_t load_producers(const std::vector<int64_t>& bases);
  std::vector<int64_t> without_deleted(std::vector<int64_t> bases);
  Status recover(const std::vector<int64_t>& bases, int64_t now_ms);
  Status recover_sealed(Segment& segment, int64_t next_base, bool replay, int64_t now_ms);
  Status recover_last(Segment& segment, int64_t now_ms);
  SegmentPtr make_segment(int64_t base_offset) const;
  Status make_segment_file(int64_t base_offset) const;
  void begin_segment(int64_t base_offset);
  Error take_back(int64_t next, const Error& cause);
  Status roll();
  Status prepare(size_t bytes);
  Status reserve(uint64_t upto);
  Result<AppendResult> admit(const std::vector<BatchHeader>& headers) const;
  AppendResult place(std::string& batches, std::vector<BatchHeader> headers, int64_t now_ms);
  ReadBound bound_of(const Segment& segment, int64_t until) const;
  SegmentPtr segment_with(int64_t offset) const;
  Status roll_for_age(int64_t now_ms);
  // With mutex_ held. An open transaction whose first records were deleted holds readers at the log's start.
  int64_t last_stable() const { return std::max(last_stable_, state_.log_start); }
  Status drop_segments_before(int64_t offset);
  Result<int64_t> retention_limit(int64_t now_ms) const;
  static Result<TimestampOffset> find_time(const std::vector<std::pair<SegmentPtr, ReadBound>>& all,
                                           int64_t from, int64_t timestamp_ms);
  Error break_with(const Error& cause);
  Status finish_exchange(const SegmentExchange& exchange);
  bool exchange_noted() const;
  Status remove_segment(int64_t base_offset);
  static Result<bool> compaction_due(const CompactionPlan& plan, const PartitionConfig& config,
                                     int64_t now_ms);

  const PartitionDeps deps_;
  const std::string folder_;
  mutable std::shared_mutex mutex_;  // guards what follows for those who are not the committer
  State state_;
  std::vector<SegmentPtr> segments_;
  Producers producers_;
  int64_t high_watermark_ = 0, last_stable_ = 0;
  uint64_t published_bytes_ = 0;  // of the last segment
  bool removed_ = false;
  std::atomic<uint64_t> changes_ = 0;
  uint64_t exchanges_ = 0;  // whoever reads a segment meanwhile reads again

  // Committer only.
  std::vector<std::string> staged_;  // in pieces, so that large ones need not be copied together
  uint64_t staged_position_ = 0, staged_bytes_ = 0;
  uint64_t reserved_bytes_ = 0;
  std::shared_ptr<os::File> file_;  // of the last segment, from flush() to publish()
  bool broken_ = false;
};

}  // namespace mekong::log
