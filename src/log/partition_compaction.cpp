// Partition: when compaction is due, and how a compacted segment takes the place of others.
#include <algorithm>
#include <limits>
#include <mutex>
#include <utility>

#include "log/partition.h"

namespace mekong::log {
namespace {

constexpr int64_t millionths = 1'000'000;

Error gone_meanwhile() {
  return Error{"Cancelled", "the segments went while they were compacted"};
}

}  // namespace

Status Partition::prepare_compaction() {
  if (removed_ || !state_.config.compact) return ok();
  if (state_.exchange) {
    State state = state_;
    state.exchange.reset();
    MEKONG_TRY(change_state(state));
  }
  return ok();
}

Status Partition::roll_beyond(uint64_t bytes) {
  if (removed_ || segments_.back()->size_bytes() <= bytes) return ok();
  MEKONG_TRY(roll());
  publish();
  return ok();
}

Result<std::optional<CompactionPlan>> Partition::plan_compaction(int64_t now_ms, size_t map_bytes_max) const {
  CompactionPlan plan;
  PartitionConfig config;
  std::vector<SegmentPtr> segments;
  int64_t decided = 0;
  {
    std::shared_lock lock(mutex_);
    if (removed_ || !state_.config.compact || state_.exchange) return std::optional<CompactionPlan>();
    config = state_.config;
    segments = segments_;
    decided = last_stable_;
    plan.dirty_from = std::max(state_.clean_offset, segments_.front()->base_offset());
    plan.aborted = producers_.aborted_ranges();
  }
  for (const auto& segment : segments) {
    if (!segment->sealed() || segment->next_offset() > decided) break;
    if (config.min_compaction_lag_ms > 0) {
      MEKONG_TRY_ASSIGN(const int64_t newest_ms, segment->max_timestamp_ms());
      if (newest_ms > now_ms - config.min_compaction_lag_ms) break;
    }
    plan.segments.push_back(segment);
  }
  MEKONG_TRY_ASSIGN(const bool due, compaction_due(plan, config, now_ms));
  if (!due) return std::optional<CompactionPlan>();
  plan.now_ms = now_ms;
  plan.delete_retention_ms =
      std::min(config.delete_retention_ms, std::numeric_limits<int64_t>::max() - now_ms);
  plan.segment_bytes_max = deps_.segment_bytes_max;
  plan.map_bytes_max = map_bytes_max;
  return std::optional(std::move(plan));
}

Result<bool> Partition::compaction_due(const CompactionPlan& plan, const PartitionConfig& config,
                                       int64_t now_ms) {
  int64_t all_bytes = 0, dirty_bytes = 0;
  bool overdue = false;
  for (const auto& segment : plan.segments) {
    const auto bytes = static_cast<int64_t>(segment->size_bytes());
    all_bytes += bytes;
    if (segment->next_offset() <= plan.dirty_from) continue;
    dirty_bytes += bytes;
    MEKONG_TRY_ASSIGN(const int64_t first_ms, segment->first_timestamp_ms());
    overdue = overdue || first_ms < now_ms - std::min(now_ms, config.max_compaction_lag_ms);
  }
  // In millionths without overflow: segments are below 2^43 bytes.
  return dirty_bytes > 0 &&
         (overdue || dirty_bytes * millionths / all_bytes > config.min_cleanable_dirty_ppm);
}

Status Partition::remove_segment(int64_t base_offset) {
  const SegmentPtr segment = make_segment(base_offset);
  for (const std::string& path : {segment->index_path(), segment->path()}) {
    deps_.cache.forget(path);
    MEKONG_TRY_ASSIGN(const bool exists, deps_.files.exists(path));
    if (exists) MEKONG_TRY(deps_.files.remove(path));
  }
  return ok();
}

// Can be done again from any point on.
Status Partition::finish_exchange(const SegmentExchange& exchange) {
  const SegmentPtr first = make_segment(exchange.begin);
  const std::string fresh = compacted_path(first->path());
  MEKONG_TRY_ASSIGN(const bool waits, deps_.files.exists(fresh));
  if (waits) {
    MEKONG_TRY_ASSIGN(const bool indexed, deps_.files.exists(first->index_path()));
    if (indexed) MEKONG_TRY(deps_.files.remove(first->index_path()));
    MEKONG_TRY(deps_.files.rename(fresh, first->path()));
    deps_.cache.forget(first->path());
    MEKONG_TRY(deps_.files.sync_directory(folder_));
  }
  MEKONG_TRY_ASSIGN(const auto entries, deps_.files.list(folder_));
  for (const auto& entry : entries) {
    const auto base = Segment::base_offset_of(entry.name);
    if (base && *base > exchange.begin && *base < exchange.end) MEKONG_TRY(remove_segment(*base));
  }
  return deps_.files.sync_directory(folder_);
}

// Whether the state file says that one is under way; where it cannot be read, it may.
bool Partition::exchange_noted() const {
  const auto state = load_partition_state(deps_.files, folder_);
  return !state.ok() || state->exchange.has_value();
}

Status Partition::exchange(const CompactedSegment& compacted) {
  const auto& inputs = compacted.inputs;
  const auto at = std::search(segments_.begin(), segments_.end(), inputs.begin(), inputs.end());
  State state = state_;
  state.exchange = SegmentExchange{inputs.front()->base_offset(), inputs.back()->next_offset(),
                                   std::max(compacted.clean_offset, state_.clean_offset)};
  const bool there = !removed_ && at != segments_.end();
  auto noted = there ? change_state(state) : Status(gone_meanwhile());
  if (!there || (disk_full(noted) && !exchange_noted())) {
    MEKONG_TRY(deps_.files.remove(compacted_path(inputs.front()->path())));
    return noted;
  }
  if (!noted.ok()) return break_with(noted.error());
  {
    // Readers, who hold no lock while they read, look again once they have it.
    std::unique_lock lock(mutex_);
    auto done = finish_exchange(*state.exchange);
    if (!done.ok()) return break_with(done.error());
    *at = compacted.output;
    segments_.erase(at + 1, at + static_cast<std::ptrdiff_t>(inputs.size()));
    ++exchanges_;
    // With it: a marker that went is not waited for any more.
    state_.clean_offset = state.clean_offset = state.exchange->clean_offset;
  }
  // (Where there is no space for the index it is made again from the batches.)
  auto saved = compacted.output->save_index(deps_.files);
  state.exchange.reset();
  if (saved.ok() || disk_full(saved)) saved = change_state(state);
  return saved.ok() || disk_full(saved) ? saved : Status(break_with(saved.error()));
}

Status Partition::note_clean(int64_t offset) {
  if (removed_ || offset <= state_.clean_offset) return ok();
  State state = state_;
  state.clean_offset = offset;
  const auto noted = change_state(state);
  return noted.ok() || disk_full(noted) ? noted : Status(break_with(noted.error()));
}

}  // namespace mekong::log
