#include "log/committer.h"

#include <pthread.h>

#include <algorithm>
#include <unordered_set>
#include <utility>

namespace mekong::log {

Committer::Committer(std::unique_ptr<Journal> journal, const os::Clock& clock, Logger& logger,
                     CommitterOptions options, Published published, Turning turning, SyncAll sync_all)
    : journal_(std::move(journal)),
      clock_(clock),
      logger_(logger),
      options_(options),
      published_(std::move(published)),
      turning_(std::move(turning)),
      sync_all_(std::move(sync_all)) {
  checkpointer_ = std::thread([this] {
    pthread_setname_np(pthread_self(), "mekong-log-sync");
    checkpoint_loop();
  });
  committer_ = std::thread([this] {
    pthread_setname_np(pthread_self(), "mekong-log");
    commit_loop();
  });
}

Committer::~Committer() {
  close();
}

bool Committer::close() {
  if (std::exchange(closed_, true)) return false;
  {
    std::lock_guard lock(queue_mutex_);
    stopping_ = true;
  }
  queue_wake_.notify_all();
  committer_.join();
  const bool clean = finish();
  {
    std::lock_guard lock(checkpoint_mutex_);
    checkpoint_stopping_ = true;
  }
  checkpoint_wake_.notify_all();
  checkpointer_.join();
  return clean;
}

// Everything into the segments, so that the next start has nothing to replay.
bool Committer::finish() {
  if (failure()) return false;
  auto done = write_gathered();
  // What each of many files waits for is then little.
  if (done.ok() && unsynced_.size() >= options_.finished_together_min) done = sync_all_();
  if (done.ok()) done = checkpoint_done();
  for (const auto& [file, partition] : unsynced_) {
    if (done.ok()) done = file->sync();
  }
  if (done.ok()) done = journal_->clear();
  if (!done.ok())
    logger_.warn("log", "the journal stays for the next start", {{"why", done.error().message}});
  return done.ok();
}

Future<Result<AppendResult>> Committer::append(PartitionPtr partition, const PartitionId& id,
                                               std::string batches, std::vector<BatchHeader> headers) {
  return enqueue({std::move(partition), id, std::move(batches), std::move(headers), {}, {}, {}});
}

Future<Result<AppendResult>> Committer::end_transaction(PartitionPtr partition, const PartitionId& id,
                                                        const TransactionMarker& marker) {
  return enqueue({std::move(partition), id, {}, {}, marker, {}, {}});
}

Status Committer::run(const PartitionPtr& partition, std::function<Status(Partition&)> change) {
  auto done = enqueue({partition, PartitionId(""), {}, {}, {}, std::move(change), {}}).get();
  if (!done.ok()) return done.error();
  return ok();
}

Status Committer::run_alone(std::function<Status()> work) {
  Work alone;
  alone.id = PartitionId("");
  alone.alone = std::move(work);
  auto done = enqueue(std::move(alone)).get();
  if (!done.ok()) return done.error();
  return ok();
}

Future<Result<AppendResult>> Committer::enqueue(Work work) {
  using Ready = Future<Result<AppendResult>>;
  auto future = work.done.future();
  {
    std::lock_guard lock(queue_mutex_);
    if (failed_) return Ready::ready(*failed_);
    if (stopping_) return Ready::ready(Error{"KAFKA_STORAGE_ERROR", "the log is closing"});
    if (queue_bytes_ + work.batches.size() > options_.waiting_bytes_max && !queue_.empty()) {
      return Ready::ready(Error{"KAFKA_STORAGE_ERROR", "too much waits for the disk; try again"});
    }
    queue_bytes_ += work.batches.size();
    queue_.push_back(std::move(work));
  }
  queue_wake_.notify_one();
  return future;
}

void Committer::commit_loop() {
  while (true) {
    std::deque<Work> all;
    {
      std::unique_lock lock(queue_mutex_);
      queue_wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      if (queue_.empty()) return;
      all.swap(queue_);
      queue_bytes_ = 0;
    }
    commit(std::move(all));
  }
}

void Committer::commit(std::deque<Work> all) {
  Round round;
  for (auto& work : all) {
    if (!work.change && !work.alone) {
      round.push_back(std::move(work));
      continue;
    }
    commit_round(round);
    round.clear();
    change(work);
  }
  commit_round(round);
}

void Committer::change(Work& work) {
  auto failed = failure();
  auto done = failed ? Status(*failed) : work.alone ? work.alone() : work.change(*work.partition);
  if (work.partition && work.partition->broken()) stop_with(done.error());
  if (work.partition) gathered_.note(work.partition);
  if (work.partition && work.partition->removed()) forget(*work.partition);
  work.done.set(done.ok() ? Result<AppendResult>(AppendResult{}) : Result<AppendResult>(done.error()));
}

// What is removed need not reach the disk: its bytes would only keep other syncs waiting.
void Committer::forget(const Partition& removed) {
  gathered_.forget(removed);
  const auto of_it = [&removed](const auto& file) { return file.second == &removed; };
  std::erase_if(unsynced_, of_it);
  {
    std::lock_guard lock(checkpoint_mutex_);
    std::erase_if(behind_, of_it);
    std::erase_if(written_back_, of_it);
  }
  checkpoint_wake_.notify_all();
}

void Committer::commit_round(Round& round) {
  if (round.empty()) return;
  auto touched = stage(round);
  auto done = touched.ok() ? make_durable(*touched) : Status(touched.error());
  if (!done.ok()) {
    // Which of this round's bytes are on disk is unknown: none of it is acknowledged, and nothing follows.
    stop_with(done.error());
    for (auto& work : round) work.done.set(done.error());
    return;
  }
  for (const Work* work : *touched) {
    work->partition->publish();
    published_(work->id, work->partition->offsets().high_watermark);
  }
  for (auto& work : round) work.done.set(std::move(work.result));
}

Result<std::vector<const Committer::Work*>> Committer::stage(Round& round) {
  if (auto failed = failure()) return *failed;
  MEKONG_TRY(turn_when_full());
  std::vector<const Work*> touched;
  std::unordered_set<const Partition*> seen;
  const int64_t now_ms = clock_.wall_ms();
  uint64_t journal_bytes = Journal::record_overhead_bytes;
  for (auto& work : round) {
    const uint64_t bytes = work.batches.size() + Journal::entry_overhead_bytes;
    if (auto reserved = journal_->reserve(journal_bytes + bytes); !reserved.ok()) {
      work.result = Error{"KAFKA_STORAGE_ERROR", reserved.error().code + ": " + reserved.error().message};
      continue;
    }
    work.result = work.marker ? work.partition->stage(*work.marker, now_ms)
                              : work.partition->stage(work.batches, std::move(work.headers), now_ms);
    if (work.partition->broken()) return work.result.error();
    if (!work.result.ok() || work.result->duplicate || work.result->base_offset < 0) continue;
    journal_bytes += bytes;
    if (seen.insert(work.partition.get()).second) touched.push_back(&work);
  }
  return touched;
}

size_t Committer::direct_min(const std::vector<const Work*>& touched) const {
  uint64_t round_bytes = 0;
  for (const Work* work : touched) round_bytes += work->partition->staged().size_bytes;
  return round_bytes < options_.direct_round_bytes_min ? SIZE_MAX : options_.direct_bytes_min;
}

Status Committer::write_segments(const std::vector<const Work*>& touched, size_t direct_min) {
  std::vector<std::shared_ptr<os::File>> large;
  for (const Work* work : touched) {
    const size_t bytes = work->partition->staged().size_bytes;
    const bool once = bytes >= direct_min;
    MEKONG_TRY_ASSIGN(auto file, work->partition->flush(once ? Gathering() : options_.gathering));
    gathered_.note(work->partition);
    if (once)
      large.push_back(std::move(file));
    else if (bytes > 0)
      unsynced_.emplace(std::move(file), work->partition.get());
  }
  MEKONG_TRY(gathered_.write_down_to(options_.gathered_bytes_max));
  // All of them on their way at once.
  if (large.size() > 1) {
    for (const auto& file : large) file->begin_write_back();
  }
  for (const auto& file : large) {
    if (auto synced = file->sync(); !synced.ok()) {
      return Error{"KAFKA_STORAGE_ERROR", synced.error().code + ": " + synced.error().message};
    }
  }
  return ok();
}

Status Committer::write_gathered() {
  auto written = gathered_.write_down_to(0);
  if (!written.ok()) stop_with(written.error());
  return written;
}

Status Committer::append_to_journal(const std::vector<JournalEntry>& entries, bool sync) {
  auto written = journal_->append(entries, sync);
  if (written.ok()) return ok();
  return Error{"KAFKA_STORAGE_ERROR", written.error().code + ": " + written.error().message};
}

Status Committer::make_durable(const std::vector<const Work*>& touched) {
  std::vector<JournalEntry> entries;
  bool large = false, journalled = false;
  size_t to_write = 0;
  const size_t direct_min = this->direct_min(touched);
  for (const Work* work : touched) {
    const auto staged = work->partition->staged();
    if (staged.size_bytes == 0) continue;  // all of it went with a segment that was rolled
    JournalEntry entry{work->id.value, staged.segment, staged.position, staged.size_bytes};
    if (staged.size_bytes >= direct_min) {
      large = true;
    } else {
      entry.pieces = staged.pieces;
      journalled = true;
    }
    if (staged.size_bytes > options_.gathering.share_bytes_max) ++to_write;
    entries.push_back(entry);
  }
  // An extent says that its bytes are in the segment: they must be. Anything else may reach the journal
  // first.
  const bool beside = !large && to_write >= options_.beside_partitions_min;
  if (beside) beside_.begin([&] { return append_to_journal(entries, true); });
  auto written = write_segments(touched, direct_min);
  if (beside) {
    auto appended = beside_.end();
    if (written.ok()) written = std::move(appended);
  } else if (written.ok() && !entries.empty()) {
    written = append_to_journal(entries, journalled);
  }
  if (written.ok()) begin_write_back();
  return written;
}

// What stands in the segments goes to the disk bit by bit: left to the sync behind a full file of the
// journal, all of it at once would keep the journal's own syncs waiting.
void Committer::begin_write_back() {
  if (journal_->position() < written_back_at_ + options_.write_back_bytes) return;
  written_back_at_ = journal_->position();
  {
    std::lock_guard lock(checkpoint_mutex_);
    written_back_ = unsynced_;
  }
  checkpoint_wake_.notify_all();
}

Status Committer::turn_when_full() {
  const bool must = journal_->full() || unsynced_.size() >= options_.unsynced_files_max;
  if (!freed_) {
    bool idle = false;
    {
      std::lock_guard lock(checkpoint_mutex_);
      idle = behind_.empty();
    }
    if (must || idle) {
      MEKONG_TRY(checkpoint_done());
      journal_->free_other();
      freed_ = true;
    }
  }
  if (!must) return ok();
  MEKONG_TRY(write_gathered());
  turning_();
  if (!journal_->may_turn()) MEKONG_TRY(journal_->append({}, true));
  journal_->turn();
  written_back_at_ = 0;
  freed_ = false;
  {
    std::lock_guard lock(checkpoint_mutex_);
    behind_ = std::exchange(unsynced_, {});
  }
  checkpoint_wake_.notify_all();
  return ok();
}

// Waits until the segments behind the journal's other file are synced.
Status Committer::checkpoint_done() {
  std::unique_lock lock(checkpoint_mutex_);
  checkpoint_wake_.wait(lock, [this] { return behind_.empty(); });
  lock.unlock();
  if (auto failed = failure()) return *failed;
  return ok();
}

void Committer::checkpoint_loop() {
  std::unique_lock lock(checkpoint_mutex_);
  while (true) {
    checkpoint_wake_.wait(
        lock, [this] { return checkpoint_stopping_ || !behind_.empty() || !written_back_.empty(); });
    if (behind_.empty() && written_back_.empty()) return;
    // One after the other, so that what is removed meanwhile can be taken from them.
    const bool syncs = !behind_.empty();
    FilePtr file = (syncs ? behind_ : written_back_).begin()->first;
    if (!syncs) written_back_.erase(file);
    lock.unlock();
    Status synced = ok();
    syncs ? void(synced = file->sync()) : file->begin_write_back();
    if (!synced.ok()) stop_with({"KAFKA_STORAGE_ERROR", synced.error().code + ": " + synced.error().message});
    lock.lock();
    if (!syncs) continue;
    synced.ok() ? void(behind_.erase(file)) : behind_.clear();
    if (behind_.empty()) checkpoint_wake_.notify_all();
  }
}

void Committer::stop_with(const Error& cause) {
  logger_.error("log", "stopped: the disk failed", {{"why", cause.message}});
  std::lock_guard lock(queue_mutex_);
  if (!failed_) failed_ = cause;
}

std::optional<Error> Committer::failure() {
  std::lock_guard lock(queue_mutex_);
  return failed_;
}

}  // namespace mekong::log
