// The log on disk. One committer thread takes all that waits, writes it, syncs each touched partition once,
// and only then acknowledges: appends that wait share a sync. A failed write or sync stops every later append
// (never retried); what is durable can still be read. docs/decisions/0060 says how the shared journal comes
// in front of this.
#pragma once
#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/logging.h"
#include "log/log.h"
#include "log/partition.h"
#include "os/clock.h"
#include "os/files.h"

namespace mekong::log {

struct DiskLogOptions {
  uint64_t segment_bytes_max = 256ULL << 20;
  size_t waiting_bytes_max = 64ULL << 20;  // appends beyond this are refused with KAFKA_STORAGE_ERROR
};

class DiskLog final : public Log {
 public:
  // `folder` holds one folder a partition; partitions are recovered when first used.
  static Result<std::unique_ptr<DiskLog>> open(os::Files& files, const os::Clock& clock, Logger& logger,
                                               std::string folder, DiskLogOptions options = {});
  ~DiskLog() override;  // finishes what was accepted

  Status create(const PartitionId& partition, const PartitionConfig& config) override;
  Status configure(const PartitionId& partition, const PartitionConfig& config) override;
  Status remove(const PartitionId& partition) override;
  Future<Result<AppendResult>> append(const PartitionId& partition, std::string batches) override;
  Result<ReadResult> read(const PartitionId& partition, int64_t offset, size_t max_bytes) override;
  Result<Offsets> offsets(const PartitionId& partition) override;
  Result<TimestampOffset> offset_for(const PartitionId& partition, int64_t timestamp_ms) override;
  Status delete_before(const PartitionId& partition, int64_t offset) override;
  Future<bool> wait_beyond(const std::vector<std::pair<PartitionId, int64_t>>& positions) override;
  void cancel_wait(const Future<bool>& wait) override;
  Result<int64_t> size_bytes(const PartitionId& partition) override;

  // Applies retention to every open partition; app calls it from a timer.
  void retain();

 private:
  using PartitionPtr = std::shared_ptr<Partition>;
  struct Append {
    PartitionPtr partition;
    PartitionId id;
    std::string batches;
    std::vector<BatchHeader> headers;
    Promise<Result<AppendResult>> done;
    Result<AppendResult> result = AppendResult{};
  };
  struct Waiter {
    std::vector<std::pair<PartitionId, int64_t>> positions;
    Promise<bool> done;
  };

  DiskLog(os::Files& files, const os::Clock& clock, Logger& logger, std::string folder,
          DiskLogOptions options);
  Result<PartitionPtr> find(const PartitionId& id);
  std::string folder_of(const PartitionId& id) const { return folder_ + "/" + id.value; }
  void commit_loop();
  void commit(std::deque<Append>& round);
  void stop_with(const Error& cause);
  void wake(const PartitionId& id, int64_t high_watermark);

  os::Files& files_;
  const os::Clock& clock_;
  Logger& logger_;
  std::string folder_;
  DiskLogOptions options_;

  std::mutex partitions_mutex_;
  std::unordered_map<PartitionId, PartitionPtr> partitions_;

  std::mutex queue_mutex_;
  std::condition_variable queue_wake_;
  std::deque<Append> queue_;
  size_t queue_bytes_ = 0;
  bool stopping_ = false;
  std::optional<Error> failed_;

  std::mutex waiters_mutex_;
  std::map<const void*, Waiter> waiters_;  // by the future's identity
  std::thread committer_;
};

}  // namespace mekong::log
