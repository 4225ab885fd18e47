#include "log/disk_log.h"

#include <algorithm>
#include <limits>
#include <map>

#include "log/snapshot.h"

namespace mekong::log {
namespace {

constexpr uint64_t copied_bytes_max = 1 << 20;                // of a segment that is written
constexpr int64_t producer_idle_max_ms = 24LL * 3600 * 1000;  // as Kafka's producer.id.expiration.ms

Error unknown_partition(const PartitionId& id) {
  return Error{"UNKNOWN_TOPIC_OR_PARTITION", "no partition " + id.value};
}

bool valid_id(const PartitionId& id) {
  return !id.value.empty() && id.value.size() <= 100 &&
         std::all_of(id.value.begin(), id.value.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                  c == '_';
         });
}

}  // namespace

DiskLog::DiskLog(os::Files& files, const os::Clock& clock, Logger& logger, std::string folder,
                 DiskLogOptions options)
    : files_(files),
      clock_(clock),
      logger_(logger),
      folder_(std::move(folder)),
      cache_(files, options.open_files_max),
      partition_deps_{files, cache_, options.segment_bytes_max},
      restored_together_min_(options.restored_together_min),
      compaction_bytes_max_(options.compaction_bytes_max) {}

Result<std::unique_ptr<DiskLog>> DiskLog::open(os::Files& files, const os::Clock& clock, os::Random& random,
                                               Logger& logger, std::string folder, DiskLogOptions options) {
  MEKONG_TRY(files.make_directories(folder));
  auto positions = load_positions(files, folder);
  if (!positions.ok()) logger.error("log", "positions not read", {{"why", positions.error().message}});
  std::unique_ptr<DiskLog> log(new DiskLog(files, clock, logger, std::move(folder), options));
  if (positions.ok()) log->positions_ = std::move(*positions);
  MEKONG_TRY(log->recover());
  MEKONG_TRY_ASSIGN(auto journal,
                    Journal::start(files, log->folder_, random.next_u64(), options.journal_bytes_max));
  log->committer_ = std::make_unique<Committer>(
      std::move(journal), clock, logger, options.committer,
      [waiters = &log->waiters_](const PartitionId& id, int64_t end) { waiters->wake(id, end); },
      [raw = log.get()] { raw->note_positions(); },
      [raw = log.get()] { return raw->files_.sync_all(raw->folder_); });
  return log;
}

DiskLog::~DiskLog() {
  close();
}

void DiskLog::close() {
  if (committer_ && committer_->close()) note_positions();
}

void DiskLog::note_positions() {
  Positions noted;
  {
    std::lock_guard lock(slots_mutex_);
    for (const auto& [id, slot] : slots_) {
      // One that is being opened or removed is noted the next time.
      const std::unique_lock one(slot->mutex, std::try_to_lock);
      if (one.owns_lock() && slot->partition) positions_[id.value] = slot->partition->whole();
    }
    noted = positions_;
  }
  const auto saved = save_positions(files_, folder_, noted);
  if (!saved.ok()) logger_.warn("log", "positions not noted", {{"why", saved.error().message}});
}

Status DiskLog::recover() {
  std::map<std::string, std::vector<JournalledBytes>> by_partition;
  auto replayed = Journal::replay(files_, folder_, [&](const JournalEntry& entry) {
    by_partition[std::string(entry.partition)].push_back(
        {entry.segment, entry.position, entry.size_bytes, std::string(entry.bytes)});
    return ok();
  });
  if (!replayed.ok()) return std::move(replayed).error();
  if (by_partition.empty()) return ok();
  // After one sync of the file system those of each of many files find little to do. What it answers is not
  // asked for: it may tell of a failure that is another's or long past, and not every file system's goes to
  // its medium. The files tell their own.
  std::vector<std::shared_ptr<os::File>> unsynced;
  const bool together = by_partition.size() >= restored_together_min_;
  for (const auto& [id, entries] : by_partition) {
    MEKONG_TRY_ASSIGN(const auto whole,
                      Partition::restore(partition_deps_, folder_ + "/" + id, position_of(PartitionId(id)),
                                         entries, together ? &unsynced : nullptr));
    if (whole) positions_[id] = *whole;
  }
  if (together && !files_.sync_all(folder_).ok())
    logger_.warn("log", "the file system tells of a failed write; each of the log's files is asked", {});
  for (const auto& file : unsynced) MEKONG_TRY(file->sync());
  logger_.info("log", "journal replayed", {{"partitions", std::to_string(by_partition.size())}});
  return save_positions(files_, folder_, positions_);
}

DiskLog::LockedSlot DiskLog::lock_slot(const PartitionId& id) {
  while (true) {
    LockedSlot locked;
    {
      std::lock_guard lock(slots_mutex_);
      auto& slot = slots_[id];
      if (!slot) slot = std::make_shared<Slot>();
      locked.slot = slot;
    }
    locked.lock = std::unique_lock(locked.slot->mutex);
    if (!locked.slot->dead) return locked;
  }
}

void DiskLog::drop(const PartitionId& id, LockedSlot& locked) {
  locked.slot->dead = true;
  locked.slot->partition.reset();
  std::lock_guard lock(slots_mutex_);
  slots_.erase(id);
  positions_.erase(id.value);
}

Position DiskLog::position_of(const PartitionId& id) {
  std::lock_guard lock(slots_mutex_);
  const auto found = positions_.find(id.value);
  return found == positions_.end() ? Position() : found->second;
}

Result<DiskLog::PartitionPtr> DiskLog::find(const PartitionId& id) {
  if (!valid_id(id)) return unknown_partition(id);
  auto locked = lock_slot(id);
  if (locked.slot->partition) return locked.slot->partition;
  auto exists = files_.exists(folder_of(id) + "/partition");
  if (!exists.ok() || !*exists) {
    drop(id, locked);
    return exists.ok() ? unknown_partition(id) : exists.error();
  }
  auto opened = Partition::open(partition_deps_, folder_of(id), clock_.wall_ms(), position_of(id));
  if (!opened.ok()) {
    logger_.error("log", "partition cannot be opened",
                  {{"partition", id.value}, {"why", opened.error().message}});
    return Error{"KAFKA_STORAGE_ERROR", opened.error().message};
  }
  locked.slot->partition = std::move(*opened);
  return locked.slot->partition;
}

Status DiskLog::create(const PartitionId& id, const PartitionConfig& config) {
  if (!valid_id(id)) return Error{"INVALID_TOPIC_EXCEPTION", "not a partition id: " + id.value};
  const std::shared_lock no_moment(moment_mutex_);
  auto locked = lock_slot(id);
  MEKONG_TRY_ASSIGN(const bool exists, files_.exists(folder_of(id) + "/partition"));
  if (exists) return Error{"TOPIC_ALREADY_EXISTS", "partition " + id.value + " exists"};
  // A creation that did not come to its end leaves a folder without its state: begin again.
  MEKONG_TRY(files_.remove_tree(folder_of(id)));
  MEKONG_TRY_ASSIGN(locked.slot->partition, Partition::create(partition_deps_, folder_of(id), config));
  return ok();
}

Status DiskLog::configure(const PartitionId& id, const PartitionConfig& config) {
  MEKONG_TRY_ASSIGN(auto partition, find(id));
  return committer_->run(partition, [config](Partition& one) { return one.configure(config); });
}

Status DiskLog::remove(const PartitionId& id) {
  if (!valid_id(id)) return unknown_partition(id);
  std::shared_lock no_moment(moment_mutex_);
  // Opened first, so that the committer ends what is under way. One that cannot be opened has nothing so.
  auto partition = find(id);
  auto locked = lock_slot(id);
  Status removed = ok();
  if (partition.ok()) {
    removed = committer_->run(*partition, [](Partition& one) {
      one.remove();
      return ok();
    });
    if (!removed.ok()) return removed;
    removed = (*partition)->remove_files();
  } else {
    MEKONG_TRY_ASSIGN(const bool exists, files_.exists(folder_of(id)));
    if (exists) removed = files_.remove_tree(folder_of(id));
    if (exists && removed.ok()) removed = files_.sync_directory(folder_);
    if (!exists) removed = unknown_partition(id);
  }
  drop(id, locked);
  locked.lock.unlock();
  no_moment.unlock();
  waiters_.wake(id, std::numeric_limits<int64_t>::max());
  return removed;
}

Future<Result<AppendResult>> DiskLog::append(const PartitionId& id, std::string batches) {
  using Ready = Future<Result<AppendResult>>;
  auto partition = find(id);
  if (!partition.ok()) return Ready::ready(partition.error());
  auto headers = verify_batches(batches);
  if (!headers.ok()) return Ready::ready(headers.error());
  for (const auto& header : *headers) {
    if (header.control()) return Ready::ready(Error{"INVALID_RECORD", "a control batch from a client"});
  }
  return committer_->append(std::move(*partition), id, std::move(batches), std::move(*headers));
}

Future<Result<AppendResult>> DiskLog::end_transaction(const PartitionId& id,
                                                      const TransactionMarker& marker) {
  auto partition = find(id);
  if (!partition.ok()) return Future<Result<AppendResult>>::ready(partition.error());
  return committer_->end_transaction(std::move(*partition), id, marker);
}

Result<ReadResult> DiskLog::read(const PartitionId& id, int64_t offset, size_t max_bytes, Isolation isolation,
                                 ReadAs as) {
  MEKONG_TRY_ASSIGN(auto partition, find(id));
  return partition->read(offset, max_bytes, isolation, as);
}

Result<Offsets> DiskLog::offsets(const PartitionId& id) {
  MEKONG_TRY_ASSIGN(auto partition, find(id));
  return partition->offsets();
}

Result<TimestampOffset> DiskLog::offset_for(const PartitionId& id, int64_t timestamp_ms) {
  MEKONG_TRY_ASSIGN(auto partition, find(id));
  return partition->offset_for(timestamp_ms);
}

Status DiskLog::delete_before(const PartitionId& id, int64_t offset) {
  MEKONG_TRY_ASSIGN(auto partition, find(id));
  return committer_->run(partition, [offset](Partition& one) { return one.delete_records(offset); });
}

Result<int64_t> DiskLog::size_bytes(const PartitionId& id) {
  MEKONG_TRY_ASSIGN(auto partition, find(id));
  return partition->size_bytes();
}

Future<bool> DiskLog::wait_beyond(const std::vector<std::pair<PartitionId, int64_t>>& positions) {
  auto future = waiters_.add(positions);
  // Looked at after it is registered, so that an append between the caller's read and now is not missed.
  for (const auto& [id, offset] : positions) {
    auto partition = find(id);
    const int64_t end =
        partition.ok() ? (*partition)->offsets().high_watermark : std::numeric_limits<int64_t>::max();
    if (end > offset) waiters_.wake(id, end);
  }
  return future;
}

void DiskLog::cancel_wait(const Future<bool>& wait) {
  waiters_.cancel(wait);
}

void DiskLog::retain() {
  auto entries = files_.list(folder_);
  if (!entries.ok()) {
    logger_.warn("log", "retention failed", {{"why", entries.error().message}});
    return;
  }
  const int64_t now_ms = clock_.service_ms();
  const int64_t producers_since_ms = clock_.wall_ms() - producer_idle_max_ms;
  for (const auto& entry : *entries) {
    if (!entry.is_directory) continue;
    const PartitionId id(entry.name);
    auto partition = find(id);
    if (!partition.ok()) continue;  // said by find(), or removed meanwhile
    auto kept = committer_->run(*partition, [&](Partition& one) -> Status {
      one.forget_idle(producers_since_ms);
      MEKONG_TRY(one.retain(now_ms));
      return one.prepare_compaction();
    });
    if (kept.ok()) kept = compact(id, *partition);
    if (kept.ok() || kept.error().code == "Cancelled") continue;
    logger_.warn("log", "retention failed", {{"partition", entry.name}, {"why", kept.error().message}});
  }
}

DiskLog::Opened DiskLog::opened() {
  Opened all;
  std::lock_guard lock(slots_mutex_);
  for (const auto& [id, slot] : slots_) {
    const std::unique_lock one(slot->mutex, std::try_to_lock);
    if (!one.owns_lock() || slot->partition) all[id.value] = one.owns_lock() ? slot->partition : nullptr;
  }
  return all;
}

Status DiskLog::snapshot(const std::string& to, const std::function<Status(int64_t began_ns)>& meanwhile) {
  // (What is written after that is a change.)
  MEKONG_TRY(committer_->run_alone([this] { return committer_->write_gathered(); }));
  std::unordered_map<std::string, uint64_t> changes;  // before it was copied
  for (const auto& [id, partition] : opened()) {
    if (!partition) continue;
    changes[id] = partition->changes();
    if (partition->written_bytes() <= copied_bytes_max) continue;
    // So that little is copied while appends wait.
    MEKONG_TRY(committer_->run(partition, [](Partition& one) { return one.roll_beyond(copied_bytes_max); }));
    changes[id] = partition->changes();
  }
  MEKONG_TRY(copy_log(files_, folder_, to, false));
  // A topic that the metadata names at the moment was made before, and its partitions are listed.
  const std::lock_guard moment(moment_mutex_);
  return committer_->run_alone([&]() -> Status {
    const int64_t began_ns = clock_.monotonic_ns();
    MEKONG_TRY(committer_->write_gathered());
    const Opened now = opened();
    MEKONG_TRY(refresh_copy(files_, folder_, to, [&](const std::string& id) {
      const auto one = now.find(id);
      const auto before = changes.find(id);
      if (one == now.end()) return before != changes.end();  // gone from use meanwhile
      return !one->second || before == changes.end() || before->second != one->second->changes();
    }));
    return meanwhile(began_ns);
  });
}

Status DiskLog::compact(const PartitionId& id, const PartitionPtr& partition) {
  std::lock_guard lock(compaction_mutex_);
  MEKONG_TRY_ASSIGN(auto plan, partition->plan_compaction(clock_.service_ms(), compaction_bytes_max_));
  if (!plan) return ok();
  plan->cancelled = &compaction_stopped_;
  const int64_t before = partition->size_bytes();
  MEKONG_TRY_ASSIGN(
      const int64_t clean, log::compact(files_, cache_, *plan, [&](const CompactedSegment& made) {
        return committer_->run(partition, [&made](Partition& one) { return one.exchange(made); });
      }));
  MEKONG_TRY(committer_->run(partition, [clean](Partition& one) { return one.note_clean(clean); }));
  logger_.info("log", "compacted",
               {{"partition", id.value},
                {"upto", std::to_string(clean)},
                {"bytes_before", std::to_string(before)},
                {"bytes", std::to_string(partition->size_bytes())}});
  return ok();
}

}  // namespace mekong::log
