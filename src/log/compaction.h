// Compaction of sealed segments (cleanup.policy=compact): of each key the last record stays, records of
// aborted transactions go, what marks a deletion (a record without value) or ends a transaction goes once it
// has been alone for its time. Semantics as Kafka's (https://kafka.apache.org/documentation/#compaction,
// KIP-534).
//
// Compacted segments have no gaps between batches: a batch begins at the offset after the one before it, and
// stands for what went; a record keeps its offset. So a damaged offset shows, as everywhere in the log.
#pragma once
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "log/producers.h"
#include "log/segment.h"
#include "os/files.h"

namespace mekong::log {

// What is to be compacted: a view that stays as it is, so that no lock is held meanwhile.
struct CompactionPlan {
  using SegmentPtr = std::shared_ptr<Segment>;
  std::vector<SegmentPtr> segments;  // sealed, one after the other, all transactions in them decided
  int64_t dirty_from = 0;            // before it keys are unique already
  std::vector<AbortedRange> aborted;
  int64_t now_ms = 0, delete_retention_ms = 0;  // service clock
  uint64_t segment_bytes_max = 0;
  size_t map_bytes_max = 0;                      // for the keys, about
  const std::atomic<bool>* cancelled = nullptr;  // set: ends early, with "Cancelled"
};

// One new segment for some old ones; on disk, synced, under compacted_path(), not in use yet.
struct CompactedSegment {
  std::vector<CompactionPlan::SegmentPtr> inputs;
  std::shared_ptr<Segment> output;  // by its final name
  int64_t clean_offset = 0;         // up to here keys are unique with it
  bool changed = false;             // else the only input is the same, and nothing lies on disk
};
std::string compacted_path(const std::string& log_path);

// Calls `exchange` for each new segment, in order, as soon as it lies on disk. Reads and writes much: not on
// the committer's thread. Returns up to where keys are unique now.
Result<int64_t> compact(os::Files& files, FileCache& cache, const CompactionPlan& plan,
                        const std::function<Status(const CompactedSegment&)>& exchange);

}  // namespace mekong::log
