// A partition's small files, each replaced as a whole, each with a checksum.
//
// `partition`, text: format, configuration, log start, and up to where the segments were known to be durable.
// `producers`: the producers' state as of the beginning of a segment.
#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "log/log.h"
#include "log/positions.h"
#include "log/producers.h"
#include "os/files.h"

namespace mekong::log {

// A compacted segment takes the place of those from `begin` to `end`; while this is noted, a restart goes on
// with it.
struct SegmentExchange {
  int64_t begin = -1, end = -1;
  int64_t clean_offset = 0;  // of the partition, with it
};

struct PartitionState {
  PartitionConfig config;
  int64_t log_start = 0;
  int64_t synced_segment = 0;  // this segment is good up to…
  uint64_t synced_bytes = 0;   // …here, and all before it whole
  int64_t clean_offset = 0;    // compacted up to here: of what is aborted before it nothing is left
  std::optional<SegmentExchange> exchange;

  // It is whole up to there, too. False: that was known.
  bool learn(const Position& known) {
    const bool more =
        known.segment > synced_segment || (known.segment == synced_segment && known.bytes > synced_bytes);
    if (!more) return false;
    synced_segment = known.segment;
    synced_bytes = known.bytes;
    return true;
  }
};

// A full disk: a file that was to be replaced as a whole is as it was.
inline bool disk_full(const Status& status) {
  return !status.ok() && (status.error().code == "ENOSPC" || status.error().code == "EDQUOT");
}

std::string partition_state_path(const std::string& folder);
// Error: KAFKA_STORAGE_ERROR, damaged or of a newer version.
Result<PartitionState> load_partition_state(os::Files& files, const std::string& folder);
Status save_partition_state(os::Files& files, const std::string& folder, const PartitionState& state);

std::string producers_path(const std::string& folder);
struct ProducersSnapshot {
  int64_t as_of = 0;  // the segment's base offset
  Producers producers;
};
Result<ProducersSnapshot> load_producers(os::Files& files, const std::string& folder);
Status save_producers(os::Files& files, const std::string& folder, int64_t as_of, const Producers& producers);

}  // namespace mekong::log
