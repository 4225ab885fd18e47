// One partition on disk: a folder with its segments and `partition`, a small text file (format,
// configuration, log start, and up to where the segments were known to be synced). Written by the committer
// thread only, read by any.
#pragma once
#include <cstdint>
#include <memory>
#include <shared_mutex>
#include <string>
#include <vector>

#include "base/result.h"
#include "log/log.h"
#include "log/producers.h"
#include "log/segment.h"
#include "os/files.h"

namespace mekong::log {

class Partition {
 public:
  static Result<std::unique_ptr<Partition>> create(os::Files& files, std::string folder,
                                                   const PartitionConfig& config, uint64_t segment_bytes_max);
  // Recovers: a torn tail past the synced point is cut; damage before it is KAFKA_STORAGE_ERROR and nothing
  // is changed.
  static Result<std::unique_ptr<Partition>> open(os::Files& files, std::string folder,
                                                 uint64_t segment_bytes_max);

  // Committer only. Writes without syncing; visible to readers after publish(). Errors of the batch itself
  // (order, epoch, size) leave the partition as it was; "KAFKA_STORAGE_ERROR" means that the file's state is
  // unknown.
  Result<AppendResult> write(std::string& batches, std::vector<BatchHeader> headers, int64_t now_ms);
  Status sync();
  void publish();  // what was synced may be read

  Result<ReadResult> read(int64_t offset, size_t max_bytes) const;
  Offsets offsets() const;
  Result<TimestampOffset> offset_for(int64_t timestamp_ms) const;
  Status configure(const PartitionConfig& config);
  Status delete_before(int64_t offset);
  // Drops whole segments that are older or more than the configuration keeps. The last one stays.
  Status retain(int64_t now_ms);
  int64_t size_bytes() const;
  const std::string& folder() const { return folder_; }

 private:
  Partition(os::Files& files, std::string folder, uint64_t segment_bytes_max)
      : files_(files), folder_(std::move(folder)), segment_bytes_max_(segment_bytes_max) {}
  Status load_state();
  Status save_state();
  Status recover_segment(int64_t base_offset, bool last);
  Status add_segment(int64_t base_offset);
  Result<AppendResult> admit(const std::vector<BatchHeader>& headers) const;

  os::Files& files_;
  std::string folder_;
  uint64_t segment_bytes_max_;
  mutable std::shared_mutex mutex_;  // guards all below
  PartitionConfig config_;
  std::vector<std::unique_ptr<Segment>> segments_;
  Producers producers_;
  int64_t log_start_ = 0, high_watermark_ = 0;
  int64_t synced_segment_ = 0;  // as saved: this segment is good up to…
  uint64_t synced_bytes_ = 0;   // …here, and all before it whole
};

}  // namespace mekong::log
