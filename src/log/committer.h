// The one thread that writes: it takes all appends that wait, stages them in their partitions, makes the
// round durable, publishes it, and only then acknowledges. Small appends are made durable by the journal (one
// sync a round, whatever number of partitions) and go to their segments some together; large ones are made
// durable by a sync of their segment. A second thread syncs
// the segments behind the journal, so that its files can be written again. A failed write or sync stops every
// later append (never retried); what is durable can still be read. A full disk refuses the append that finds
// no space, and nothing else.
#pragma once
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/logging.h"
#include "log/beside.h"
#include "log/gathered.h"
#include "log/journal.h"
#include "log/log.h"
#include "log/partition.h"
#include "os/clock.h"

namespace mekong::log {

struct CommitterOptions {
  size_t waiting_bytes_max = 64ULL << 20;   // appends beyond this are refused with KAFKA_STORAGE_ERROR
  size_t direct_bytes_min = 256 << 10;      // a partition's share of a round from which it is written once
  size_t direct_round_bytes_min = 2 << 20;  // of a round in whole: in a smaller one no share is
  size_t unsynced_files_max = 1000;         // each is kept open until it is synced
  size_t finished_together_min = 64;        // from so many on, close() syncs the file system before each
  Gathering gathering = {.share_bytes_max = 16 << 10, .bytes_max = 64 << 10};
  size_t gathered_bytes_max = 16 << 20;  // of memory, for all partitions
  size_t beside_partitions_min = 8;     // with larger ones: from there on the journal is written side by side
  uint64_t write_back_bytes = 8 << 20;  // of the journal, after which segments are on their way to the disk
};

class Committer {
 public:
  using PartitionPtr = std::shared_ptr<Partition>;
  // Called in the committer's thread after the partition's end has moved.
  using Published = std::function<void(const PartitionId&, int64_t high_watermark)>;
  // Called in its thread before the journal goes to its other file, which forgets what that said.
  using Turning = std::function<void()>;
  // Sends all that the log's files have been written to the disk; each file's own sync decides.
  using SyncAll = std::function<Status()>;

  Committer(std::unique_ptr<Journal> journal, const os::Clock& clock, Logger& logger,
            CommitterOptions options, Published published, Turning turning, SyncAll sync_all);
  ~Committer();
  // Finishes what was accepted. True: all of it is in the segments, durably, and the journal is empty.
  bool close();

  // The future is set once the bytes are durable.
  Future<Result<AppendResult>> append(PartitionPtr partition, const PartitionId& id, std::string batches,
                                      std::vector<BatchHeader> headers);
  Future<Result<AppendResult>> end_transaction(PartitionPtr partition, const PartitionId& id,
                                               const TransactionMarker& marker);
  // Runs in the committer's thread between two rounds, after all that was asked for before. Blocks.
  Status run(const PartitionPtr& partition, std::function<Status(Partition&)> change);
  // The same, of no partition: meanwhile nothing is written and nothing acknowledged.
  Status run_alone(std::function<Status()> work);
  // In the committer's thread: all that was acknowledged is in the segments then, for whoever reads their
  // files.
  Status write_gathered();

 private:
  struct Work {
    PartitionPtr partition;
    PartitionId id;
    std::string batches;
    std::vector<BatchHeader> headers;
    std::optional<TransactionMarker> marker;
    std::function<Status(Partition&)> change;
    std::function<Status()> alone;
    Promise<Result<AppendResult>> done;
    Result<AppendResult> result = AppendResult{};
  };
  using Round = std::vector<Work>;

  Future<Result<AppendResult>> enqueue(Work work);
  void commit_loop();
  void commit(std::deque<Work> all);
  void commit_round(Round& round);
  // The first work of each partition that was staged in.
  Result<std::vector<const Work*>> stage(Round& round);
  Status make_durable(const std::vector<const Work*>& touched);
  // A share of so many bytes is written once.
  size_t direct_min(const std::vector<const Work*>& touched) const;
  Status write_segments(const std::vector<const Work*>& touched, size_t direct_min);
  Status append_to_journal(const std::vector<JournalEntry>& entries, bool sync);
  void change(Work& work);
  void forget(const Partition& removed);
  void begin_write_back();
  Status turn_when_full();
  void checkpoint_loop();
  Status checkpoint_done();
  bool finish();
  void stop_with(const Error& cause);
  std::optional<Error> failure();

  std::unique_ptr<Journal> journal_;
  const os::Clock& clock_;
  Logger& logger_;
  const CommitterOptions options_;
  const Published published_;
  const Turning turning_;
  const SyncAll sync_all_;

  std::mutex queue_mutex_;
  std::condition_variable queue_wake_;
  std::deque<Work> queue_;
  size_t queue_bytes_ = 0;
  bool stopping_ = false;
  bool closed_ = false;  // by close() or the destructor
  std::optional<Error> failed_;

  using FilePtr = std::shared_ptr<os::File>;
  using FileSet = std::map<FilePtr, const Partition*>;  // of partitions that are not removed
  FileSet unsynced_;   // committer only: what the journal's current file stands for
  Gathered gathered_;  // committer only: what the segments do not have yet of that
  std::mutex checkpoint_mutex_;
  std::condition_variable checkpoint_wake_;
  FileSet behind_;        // what its other file stands for, being synced
  FileSet written_back_;  // to be begun with
  bool checkpoint_stopping_ = false;
  uint64_t written_back_at_ = 0;  // committer only: the journal's position then
  bool freed_ = true;             // committer only: the journal knows that behind_ is done

  Beside beside_;  // the committer's
  std::thread checkpointer_, committer_;
};

}  // namespace mekong::log
