// Partition: its state on disk, and how it is found again after a crash.
#include <algorithm>
#include <mutex>
#include <utility>

#include "log/partition.h"

namespace mekong::log {
namespace {

Error damaged(const std::string& what) {
  return Error{"KAFKA_STORAGE_ERROR", what};
}

Error bad_bytes(const Segment& segment, uint64_t good) {
  return damaged(segment.path() + ": damaged at byte " + std::to_string(good));
}

}  // namespace

Status Partition::change_state(State state) {
  const auto saved = save_partition_state(deps_.files, folder_, state);
  ++changes_;
  MEKONG_TRY(saved);
  std::unique_lock lock(mutex_);
  state_ = std::move(state);
  return ok();
}

Position Partition::whole() const {
  std::shared_lock lock(mutex_);
  return {state_.synced_segment, state_.synced_bytes};
}

Status Partition::save_producers(int64_t as_of) const {
  return log::save_producers(deps_.files, folder_, as_of, producers_);
}

// Returns the segment that the snapshot is as of the beginning of; -1: there is none to be used.
int64_t Partition::load_producers(const std::vector<int64_t>& bases) {
  auto snapshot = log::load_producers(deps_.files, folder_);
  if (!snapshot.ok() || std::find(bases.begin(), bases.end(), snapshot->as_of) == bases.end()) return -1;
  producers_ = std::move(snapshot->producers);
  return snapshot->as_of;
}

Result<std::unique_ptr<Partition>> Partition::open(const PartitionDeps& deps, std::string folder,
                                                   int64_t now_ms, const Position& known) {
  std::unique_ptr<Partition> partition(new Partition(deps, std::move(folder)));
  MEKONG_TRY_ASSIGN(partition->state_, load_partition_state(deps.files, partition->folder_));
  if (partition->state_.learn(known)) {
    MEKONG_TRY(save_partition_state(deps.files, partition->folder_, partition->state_));
  }
  if (const auto exchange = std::exchange(partition->state_.exchange, std::nullopt)) {
    MEKONG_TRY(partition->finish_exchange(*exchange));
    partition->state_.clean_offset = exchange->clean_offset;
    MEKONG_TRY(save_partition_state(deps.files, partition->folder_, partition->state_));
  }
  MEKONG_TRY_ASSIGN(const auto entries, deps.files.list(partition->folder_));
  std::vector<int64_t> bases;
  for (const auto& entry : entries) {
    if (auto base = Segment::base_offset_of(entry.name)) bases.push_back(*base);
    // Of a compaction that did not come to its end.
    if (entry.name.ends_with(".compacted")) {
      MEKONG_TRY(deps.files.remove(partition->folder_ + "/" + entry.name));
    }
  }
  if (bases.empty() || bases.back() < partition->state_.synced_segment) {
    return damaged(partition->folder_ + ": its newest segment is missing");
  }
  MEKONG_TRY(partition->recover(partition->without_deleted(bases), now_ms));
  return partition;
}

// A crash may have kept segments from before the log's start. They go again, once the partition is open.
std::vector<int64_t> Partition::without_deleted(std::vector<int64_t> bases) {
  while (bases.size() > 1 && bases[1] <= state_.log_start) {
    segments_.push_back(make_segment(bases.front()));
    bases.erase(bases.begin());
  }
  return bases;
}

Status Partition::recover(const std::vector<int64_t>& bases, int64_t now_ms) {
  const State before = state_;
  const int64_t snapshot = load_producers(bases);
  for (size_t i = 0; i < bases.size(); ++i) {
    segments_.push_back(make_segment(bases[i]));
    Segment& segment = *segments_.back();
    if (i + 1 < bases.size()) {
      MEKONG_TRY(recover_sealed(segment, bases[i + 1], bases[i] >= snapshot, now_ms));
    } else {
      if (i > 0 && bases[i] > snapshot) MEKONG_TRY(save_producers(bases[i]));
      MEKONG_TRY(recover_last(segment, now_ms));
    }
  }
  publish();
  MEKONG_TRY(drop_segments_before(state_.log_start));
  const bool changed =
      before.synced_segment != state_.synced_segment || before.synced_bytes != state_.synced_bytes;
  return changed ? save_partition_state(deps_.files, folder_, state_) : ok();
}

// A segment that was rolled is whole by what its rolling has synced. It is read only where the producers'
// state is to be built from it; else its checksums are verified when it is read.
Status Partition::recover_sealed(Segment& segment, int64_t next_base, bool replay, int64_t now_ms) {
  MEKONG_TRY_ASSIGN(const auto file, segment.file());
  MEKONG_TRY_ASSIGN(const uint64_t file_bytes, file->size());
  if (!replay) {
    segment.seal_unread(file_bytes, next_base);
    return ok();
  }
  MEKONG_TRY_ASSIGN(const uint64_t good, segment.scan([&](const BatchHeader& batch) {
    // What was compacted tells no sequences any more.
    if (batch.base_offset >= state_.clean_offset) producers_.note(batch, now_ms);
    return ok();
  }));
  if (good < file_bytes) return bad_bytes(segment, good);
  if (segment.next_offset() != next_base) {
    return damaged(folder_ + ": a gap before offset " + std::to_string(next_base));
  }
  segment.seal(next_base);
  return segment.save_index(deps_.files);
}

Status Partition::recover_last(Segment& segment, int64_t now_ms) {
  MEKONG_TRY_ASSIGN(const auto file, segment.file());
  MEKONG_TRY_ASSIGN(const uint64_t file_bytes, file->size());
  MEKONG_TRY_ASSIGN(const uint64_t good, segment.scan([&](const BatchHeader& batch) {
    producers_.note(batch, now_ms);
    return ok();
  }));
  const uint64_t known = segment.base_offset() == state_.synced_segment ? state_.synced_bytes : 0;
  if (good < known) {
    return good < file_bytes ? bad_bytes(segment, good)
                             : damaged(segment.path() + ": shorter than what was acknowledged");
  }
  if (good < file_bytes) MEKONG_TRY(file->truncate(good));
  // What a crash has left may be in the page cache only. It is read by clients from here on: so it must be
  // durable.
  if (good < file_bytes || good > known) MEKONG_TRY(file->sync());
  return ok();
}

Result<std::optional<Position>> Partition::restore(const PartitionDeps& deps, const std::string& folder,
                                                   const Position& known,
                                                   const std::vector<JournalledBytes>& entries,
                                                   std::vector<std::shared_ptr<os::File>>* unsynced) {
  MEKONG_TRY_ASSIGN(const bool exists, deps.files.exists(partition_state_path(folder)));
  if (!exists) return std::optional<Position>();
  MEKONG_TRY_ASSIGN(State state, load_partition_state(deps.files, folder));
  state.learn(known);
  std::shared_ptr<os::File> file;
  const auto end = [&]() -> Status {
    if (unsynced == nullptr) return file->sync();
    unsynced->push_back(file);
    return ok();
  };
  for (const auto& entry : entries) {
    // All before this segment was synced when it was rolled.
    if (entry.segment < state.synced_segment) continue;
    if (!file || entry.segment > state.synced_segment) {
      if (file) MEKONG_TRY(end());
      MEKONG_TRY_ASSIGN(file, deps.cache.open(folder + "/" + Segment::file_name(entry.segment)));
      if (entry.segment > state.synced_segment) state.synced_bytes = 0;
      state.synced_segment = entry.segment;
    }
    if (!entry.bytes.empty()) MEKONG_TRY(file->write(entry.position, entry.bytes));
    state.synced_bytes = std::max(state.synced_bytes, entry.position + entry.size_bytes);
  }
  if (!file) return std::optional<Position>();
  MEKONG_TRY(end());
  return std::make_optional(Position{state.synced_segment, state.synced_bytes});
}

}  // namespace mekong::log
