// The log on disk: a folder a partition, each opened when it is first used, and one journal for all. What is
// acknowledged survives a power cut; docs/decisions/0061 says how.
#pragma once
#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <unordered_map>

#include "base/logging.h"
#include "log/committer.h"
#include "log/file_cache.h"
#include "log/log.h"
#include "log/partition.h"
#include "log/positions.h"
#include "log/waiters.h"
#include "os/clock.h"
#include "os/files.h"
#include "os/random.h"

namespace mekong::log {

struct DiskLogOptions {
  uint64_t segment_bytes_max = 256ULL << 20;
  uint64_t journal_bytes_max = 64ULL << 20;  // of each of its two files
  size_t open_files_max = 1000;              // beside those that wait for their sync
  size_t compaction_bytes_max = 64 << 20;    // for the keys of one partition's new records
  size_t restored_together_min = 64;  // from so many partitions on, a replay syncs all before each file
  CommitterOptions committer = {};
};

class DiskLog final : public Log {
 public:
  // Replays what a crash has left in the journal. Fails where that is damaged or cannot be made durable.
  static Result<std::unique_ptr<DiskLog>> open(os::Files& files, const os::Clock& clock, os::Random& random,
                                               Logger& logger, std::string folder,
                                               DiskLogOptions options = {});
  // Finishes what was accepted, and notes how far partitions are whole.
  ~DiskLog() override;
  // The same now: the next start has nothing to replay. Appends from then on fail; reads go on.
  void close();

  Status create(const PartitionId& partition, const PartitionConfig& config) override;
  Status configure(const PartitionId& partition, const PartitionConfig& config) override;
  Status remove(const PartitionId& partition) override;
  Future<Result<AppendResult>> append(const PartitionId& partition, std::string batches) override;
  Future<Result<AppendResult>> end_transaction(const PartitionId& partition,
                                               const TransactionMarker& marker) override;
  Result<ReadResult> read(const PartitionId& partition, int64_t offset, size_t max_bytes,
                          Isolation isolation = Isolation::read_uncommitted,
                          ReadAs as = ReadAs::copied) override;
  Result<Offsets> offsets(const PartitionId& partition) override;
  Result<TimestampOffset> offset_for(const PartitionId& partition, int64_t timestamp_ms) override;
  Status delete_before(const PartitionId& partition, int64_t offset) override;
  Future<bool> wait_beyond(const std::vector<std::pair<PartitionId, int64_t>>& positions) override;
  void cancel_wait(const Future<bool>& wait) override;
  Result<int64_t> size_bytes(const PartitionId& partition) override;

  // Applies retention and compaction to every partition, opening those that are not; app calls it from a
  // timer. May take long.
  void retain();
  // Copies all to the new folder `to` (log/snapshot.h), then calls `meanwhile` with the moment
  // (os::Clock::monotonic_ns) since which nothing is written and nothing acknowledged, and no partition made
  // or removed, until it returns.
  Status snapshot(const std::string& to, const std::function<Status(int64_t began_ns)>& meanwhile);
  // Compaction ends at once, and does not begin again.
  void stop_compaction() { compaction_stopped_ = true; }

 private:
  using PartitionPtr = std::shared_ptr<Partition>;
  // One partition's place: its lock is held while it is opened, made or removed.
  struct Slot {
    std::mutex mutex;
    PartitionPtr partition;
    bool dead = false;  // no longer in the table: look there again
  };
  struct LockedSlot {
    std::shared_ptr<Slot> slot;
    std::unique_lock<std::mutex> lock;
  };

  DiskLog(os::Files& files, const os::Clock& clock, Logger& logger, std::string folder,
          DiskLogOptions options);
  Status recover();
  LockedSlot lock_slot(const PartitionId& id);
  void drop(const PartitionId& id, LockedSlot& locked);
  Result<PartitionPtr> find(const PartitionId& id);
  // Those in use; null: one that is being opened, made or removed.
  using Opened = std::unordered_map<std::string, PartitionPtr>;
  Opened opened();
  void note_positions();
  Position position_of(const PartitionId& id);
  Status compact(const PartitionId& id, const PartitionPtr& partition);
  std::string folder_of(const PartitionId& id) const { return folder_ + "/" + id.value; }

  os::Files& files_;
  const os::Clock& clock_;
  Logger& logger_;
  const std::string folder_;
  FileCache cache_;
  const PartitionDeps partition_deps_;
  Waiters waiters_;

  const size_t restored_together_min_;
  const size_t compaction_bytes_max_;
  std::mutex compaction_mutex_;  // one at a time
  // Whole while a copy's moment is taken, shared while a partition is made or removed. Before the others, and
  // never in the committer's thread.
  std::shared_mutex moment_mutex_;
  std::atomic<bool> compaction_stopped_ = false;

  std::mutex slots_mutex_;
  std::unordered_map<PartitionId, std::shared_ptr<Slot>> slots_;
  Positions positions_;  // with slots_mutex_: as last noted, and what else was found at the start
  std::unique_ptr<Committer> committer_;  // ends first
};

}  // namespace mekong::log
