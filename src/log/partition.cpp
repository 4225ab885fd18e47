#include "log/partition.h"

#include <algorithm>
#include <mutex>

#include "codec/kafka_wire.h"
#include "log/batch_builder.h"

namespace mekong::log {
namespace {

constexpr uint64_t reserve_step_min = 16 << 10, reserve_step_max = 4 << 20;
constexpr size_t joined_bytes_max = 64 << 10;  // below it a copy is cheaper than one more write
constexpr size_t kept_pieces_max = 16;
constexpr int64_t roll_after_ms = 7LL * 24 * 3600 * 1000;  // as Kafka's segment.ms
constexpr int16_t transactional_control = 0x30;

Error storage_error(const Error& cause) {
  return Error{"KAFKA_STORAGE_ERROR", cause.code + ": " + cause.message};
}
Error gone() {
  return Error{"UNKNOWN_TOPIC_OR_PARTITION", "the partition was removed"};
}

// https://kafka.apache.org/documentation/#controlbatch
std::string marker_batch(const TransactionMarker& marker, int64_t now_ms) {
  codec::KafkaWriter key, value;
  key.i16(0);  // version
  key.i16(marker.commit ? 1 : 0);
  value.i16(0);  // version
  value.i32(0);  // the coordinator's epoch: there is one coordinator
  return build_batch({{.key = key.take(), .value = value.take(), .timestamp_ms = now_ms}},
                     {.producer_id = marker.producer_id,
                      .producer_epoch = marker.producer_epoch,
                      .attributes = transactional_control});
}

}  // namespace

Partition::SegmentPtr Partition::make_segment(int64_t base_offset) const {
  return std::make_shared<Segment>(deps_.cache, folder_ + "/" + Segment::file_name(base_offset), base_offset);
}

Result<std::unique_ptr<Partition>> Partition::create(const PartitionDeps& deps, std::string folder,
                                                     const PartitionConfig& config) {
  std::unique_ptr<Partition> partition(new Partition(deps, std::move(folder)));
  MEKONG_TRY(deps.files.make_directories(partition->folder_));
  MEKONG_TRY(partition->make_segment_file(0));
  partition->begin_segment(0);
  MEKONG_TRY(partition->change_state({.config = config}));
  MEKONG_TRY(deps.files.sync_directory(partition->folder_.substr(0, partition->folder_.rfind('/'))));
  return partition;
}

Status Partition::make_segment_file(int64_t base_offset) const {
  const SegmentPtr segment = make_segment(base_offset);
  MEKONG_TRY_ASSIGN(auto file, deps_.files.open(segment->path(), os::OpenMode::create_new));
  MEKONG_TRY(file->sync());
  return deps_.files.sync_directory(folder_);
}

void Partition::begin_segment(int64_t base_offset) {
  std::unique_lock lock(mutex_);
  segments_.push_back(make_segment(base_offset));
  published_bytes_ = 0;
  reserved_bytes_ = 0;
}

Error Partition::break_with(const Error& cause) {
  broken_ = true;
  return storage_error(cause);
}

// Of the next segment what a full disk let happen goes again: the one that is written goes on.
Error Partition::take_back(int64_t next, const Error& cause) {
  const std::string path = make_segment(next)->path();
  const auto made = deps_.files.exists(path);
  Status done = made.ok() ? ok() : Status(made.error());
  if (made.ok() && *made) done = deps_.files.remove(path);
  if (done.ok()) done = deps_.files.sync_directory(folder_);
  ++changes_;
  return done.ok() ? storage_error(cause) : break_with(done.error());
}

// What is staged goes to the segment that ends, which is synced and sealed; the next one begins. An error
// leaves the partition as it was where the disk is full, else broken.
Status Partition::roll() {
  auto flushed = flush({});
  if (!flushed.ok()) return flushed.error();
  Segment& last = *segments_.back();
  const int64_t next = last.next_offset();
  auto done = (*flushed)->sync();
  // Gives back what was reserved past the end.
  if (done.ok()) done = (*flushed)->truncate(last.size_bytes());
  if (!done.ok()) return break_with(done.error());
  reserved_bytes_ = 0;
  // Where there is no space for the index it is made again from the batches.
  done = last.save_index(deps_.files);
  if (!done.ok() && !disk_full(done)) return break_with(done.error());
  done = make_segment_file(next);
  if (done.ok()) done = save_producers(next);
  if (disk_full(done)) return take_back(next, done.error());
  if (!done.ok()) return break_with(done.error());
  State state = state_;
  state.synced_segment = next;
  state.synced_bytes = 0;
  done = change_state(state);
  // (What is on disk says less then, and the journal the rest.)
  if (!done.ok() && !disk_full(done)) return break_with(done.error());
  begin_segment(next);
  std::unique_lock lock(mutex_);
  state_ = state;
  last.seal(next);
  staged_.clear();
  staged_position_ = staged_bytes_ = 0;
  file_.reset();
  return ok();
}

// Space for what comes, so that a full disk refuses an append before anything of it is written. In growing
// steps: a small partition reserves little.
Status Partition::reserve(uint64_t upto) {
  if (upto <= reserved_bytes_) return ok();
  const uint64_t step = std::clamp(upto / 4, reserve_step_min, reserve_step_max);
  MEKONG_TRY_ASSIGN(const auto file, segments_.back()->file());
  const auto reserved = file->reserve(upto + step);
  if (!reserved.ok() && reserved.error().code != "EOPNOTSUPP") return reserved;
  reserved_bytes_ = upto + step;
  return ok();
}

Status Partition::prepare(size_t bytes) {
  if (segments_.back()->size_bytes() > 0 &&
      segments_.back()->size_bytes() + bytes > deps_.segment_bytes_max) {
    MEKONG_TRY(roll());
  }
  const auto reserved = reserve(segments_.back()->size_bytes() + bytes);
  if (!reserved.ok()) return storage_error(reserved.error());
  return ok();
}

Result<AppendResult> Partition::admit(const std::vector<BatchHeader>& headers) const {
  AppendResult result;
  for (const auto& header : headers) {
    if (static_cast<int64_t>(header.size_bytes) > state_.config.max_batch_bytes) {
      return Error{"MESSAGE_TOO_LARGE", std::to_string(header.size_bytes) + " bytes, at most " +
                                            std::to_string(state_.config.max_batch_bytes)};
    }
    MEKONG_TRY_ASSIGN(const auto admission, producers_.admit(header));
    if (admission.duplicate) {
      if (headers.size() > 1) {
        return Error{"INVALID_RECORD", "an idempotent producer sends one batch a partition"};
      }
      result.duplicate = true;
      result.base_offset = admission.base_offset;
    }
  }
  result.log_start_offset = state_.log_start;
  return result;
}

// Assigns offsets and notes the batches as the segment's next ones.
AppendResult Partition::place(std::string& batches, std::vector<BatchHeader> headers, int64_t now_ms) {
  AppendResult result{.log_start_offset = state_.log_start};
  std::unique_lock lock(mutex_);
  Segment& segment = *segments_.back();
  if (staged_.empty()) staged_position_ = segment.size_bytes();
  result.base_offset = segment.next_offset();
  int64_t next = result.base_offset;
  size_t at = 0;
  for (auto& header : headers) {
    header.base_offset = next;
    assign_offset(batches.data() + at, next, 0);
    if (state_.config.log_append_time) {
      assign_append_time(batches, at, header.size_bytes, now_ms);
      header.max_timestamp_ms = now_ms;
      result.log_append_time_ms = now_ms;
    }
    next = header.last_offset() + 1;
    at += header.size_bytes;
    segment.note(header);
    producers_.note(header, now_ms);
  }
  staged_bytes_ += batches.size();
  const bool joins = !staged_.empty() && staged_.back().size() + batches.size() <= joined_bytes_max;
  joins ? void(staged_.back() += batches) : staged_.push_back(std::move(batches));
  return result;
}

Result<AppendResult> Partition::stage(std::string& batches, std::vector<BatchHeader> headers,
                                      int64_t now_ms) {
  if (removed_) return gone();
  MEKONG_TRY_ASSIGN(AppendResult result, admit(headers));
  if (result.duplicate) return result;
  MEKONG_TRY(prepare(batches.size()));
  return place(batches, std::move(headers), now_ms);
}

Result<AppendResult> Partition::stage(const TransactionMarker& marker, int64_t now_ms) {
  if (removed_) return gone();
  MEKONG_TRY_ASSIGN(const bool open, producers_.admit(marker));
  if (!open) return AppendResult{.log_start_offset = state_.log_start};
  std::string batch = marker_batch(marker, now_ms);
  MEKONG_TRY_ASSIGN(BatchHeader header, parse_header(batch));
  header.commits = marker.commit;
  MEKONG_TRY(prepare(batch.size()));
  return place(batch, {header}, now_ms);
}

Partition::Staged Partition::staged() const {
  return {segments_.back()->base_offset(), staged_position_, staged_bytes_, staged_};
}

Status Partition::write_gathered() {
  if (gathered_bytes() == 0) return ok();
  const auto written = segments_.back()->write_gathered();
  ++changes_;
  return written.ok() ? ok() : Status(break_with(written.error()));
}

Result<std::shared_ptr<os::File>> Partition::flush(const Gathering& may) {
  auto file = segments_.back()->file();
  if (!file.ok()) return break_with(file.error());
  file_ = *file;
  const bool gathers = staged_bytes_ <= may.share_bytes_max;
  if (!gathers || gathered_bytes() + staged_bytes_ > may.bytes_max) MEKONG_TRY(write_gathered());
  if (gathers) {
    segments_.back()->gather(staged_position_, staged_, file_);
    return file_;
  }
  uint64_t position = staged_position_;
  for (const auto& piece : staged_) {
    const auto written = file_->write(position, piece);
    if (!written.ok()) return break_with(written.error());
    position += piece.size();
  }
  return file_;
}

void Partition::publish() {
  ++changes_;
  std::unique_lock lock(mutex_);
  high_watermark_ = segments_.back()->next_offset();
  last_stable_ = std::min(high_watermark_, producers_.first_open_offset());
  published_bytes_ = segments_.back()->size_bytes();
  state_.synced_segment = segments_.back()->base_offset();
  state_.synced_bytes = published_bytes_;
  staged_.clear();
  if (staged_.capacity() > kept_pieces_max) staged_.shrink_to_fit();
  staged_bytes_ = 0;
  file_.reset();
}

Status Partition::configure(const PartitionConfig& config) {
  if (removed_) return gone();
  State state = state_;
  state.config = config;
  return change_state(state);
}

Status Partition::delete_before(int64_t offset) {
  if (removed_) return gone();
  if (offset > high_watermark_) return Error{"OFFSET_OUT_OF_RANGE", "past the high watermark"};
  State state = state_;
  state.log_start = std::max(state.log_start, offset);
  if (state.log_start > state_.log_start) MEKONG_TRY(change_state(state));
  return drop_segments_before(state.log_start);
}

Status Partition::delete_records(int64_t offset) {
  if (removed_) return gone();
  if (!state_.config.retain_by_age) {
    return Error{"POLICY_VIOLATION", "records of a topic without the cleanup policy 'delete' stay"};
  }
  return delete_before(offset);
}

Status Partition::drop_segments_before(int64_t offset) {
  while (segments_.size() > 1 && segments_[1]->base_offset() <= offset) {
    const SegmentPtr first = segments_.front();
    {
      std::unique_lock lock(mutex_);
      segments_.erase(segments_.begin());
    }
    deps_.cache.forget(first->path());
    // Without its log an index is nothing: it goes first.
    MEKONG_TRY_ASSIGN(const bool indexed, deps_.files.exists(first->index_path()));
    if (indexed) MEKONG_TRY(deps_.files.remove(first->index_path()));
    MEKONG_TRY(deps_.files.remove(first->path()));
  }
  return ok();
}

// Where the log should begin.
Result<int64_t> Partition::retention_limit(int64_t now_ms) const {
  const PartitionConfig& config = state_.config;
  int64_t bytes = size_bytes();
  int64_t limit = state_.log_start;
  if (!config.retain_by_age) return limit;
  for (const auto& segment : segments_) {
    const auto size = static_cast<int64_t>(segment->size_bytes());
    if (!segment->sealed()) break;
    bool drop = config.retention_bytes >= 0 && bytes - size >= config.retention_bytes;
    if (!drop && config.retention_ms >= 0) {
      MEKONG_TRY_ASSIGN(const int64_t newest_ms, segment->max_timestamp_ms());
      drop = newest_ms >= 0 && newest_ms < now_ms - config.retention_ms;
    }
    if (!drop) break;
    bytes -= size;
    limit = segment->next_offset();
  }
  return limit;
}

// What is written slowly grows old in one segment: only what is rolled can go, or be compacted.
Status Partition::roll_for_age(int64_t now_ms) {
  const PartitionConfig& config = state_.config;
  int64_t age_ms = roll_after_ms;
  if (config.retain_by_age && config.retention_ms >= 0) age_ms = std::min(age_ms, config.retention_ms);
  if (config.compact) age_ms = std::min(age_ms, config.max_compaction_lag_ms);
  MEKONG_TRY_ASSIGN(const int64_t first_ms, segments_.back()->first_timestamp_ms());
  if (first_ms < 0 || first_ms >= now_ms - age_ms) return ok();
  MEKONG_TRY(roll());
  publish();
  return ok();
}

Status Partition::retain(int64_t now_ms) {
  if (removed_) return ok();
  MEKONG_TRY(roll_for_age(now_ms));
  MEKONG_TRY_ASSIGN(const int64_t limit, retention_limit(now_ms));
  return limit > state_.log_start ? delete_before(limit) : ok();
}

void Partition::forget_idle(int64_t producers_since_ms) {
  std::unique_lock lock(mutex_);
  producers_.forget(std::max(state_.log_start, state_.clean_offset), producers_since_ms);
  for (const auto& segment : segments_) segment->drop_index();
}

void Partition::remove() {
  std::unique_lock lock(mutex_);
  removed_ = true;
}

Status Partition::remove_files() {
  const auto let_go = [this] {
    for (const auto& segment : segments_) deps_.cache.forget(segment->path());
  };
  let_go();
  // The state goes first: a folder without it is no partition, whatever a crash leaves of the rest.
  MEKONG_TRY(deps_.files.remove(folder_ + "/partition"));
  MEKONG_TRY(deps_.files.sync_directory(folder_));
  MEKONG_TRY(deps_.files.remove_tree(folder_));
  let_go();  // whoever was still reading may have opened one again
  return deps_.files.sync_directory(folder_.substr(0, folder_.rfind('/')));
}

ReadBound Partition::bound_of(const Segment& segment, int64_t until) const {
  const bool last = &segment == segments_.back().get();
  return {until, last ? published_bytes_ : segment.size_bytes()};
}

// The last one that begins at or before `offset`.
Partition::SegmentPtr Partition::segment_with(int64_t offset) const {
  auto after =
      std::upper_bound(segments_.begin(), segments_.end(), offset,
                       [](int64_t wanted, const SegmentPtr& at) { return wanted < at->base_offset(); });
  return after == segments_.begin() ? segments_.front() : *std::prev(after);
}

Result<ReadResult> Partition::read(int64_t offset, size_t max_bytes, Isolation isolation, ReadAs as) const {
  std::shared_lock lock(mutex_);
  while (true) {
    if (removed_) return gone();
    ReadResult result{.high_watermark = high_watermark_,
                      .last_stable_offset = last_stable(),
                      .log_start_offset = state_.log_start};
    if (offset < state_.log_start || offset > high_watermark_) {
      return Error{"OFFSET_OUT_OF_RANGE", "offset " + std::to_string(offset) + " is outside of " +
                                              std::to_string(state_.log_start) + " to " +
                                              std::to_string(high_watermark_)};
    }
    const int64_t until = isolation == Isolation::read_committed ? last_stable() : high_watermark_;
    if (offset >= until) return result;
    const SegmentPtr segment = segment_with(offset);
    const ReadBound bound = bound_of(*segment, until);
    const uint64_t exchanges = exchanges_;
    // The disk is read without the lock: the committer goes on meanwhile.
    lock.unlock();
    int64_t next = offset;
    auto batches = segment->read(offset, bound, max_bytes, as, next);
    lock.lock();
    if (exchanges_ != exchanges) continue;  // another segment may lie there now
    if (!batches.ok()) {
      if (removed_) return gone();
      if (offset < state_.log_start) return Error{"OFFSET_OUT_OF_RANGE", "deleted while it was read"};
      return storage_error(batches.error());
    }
    if (isolation == Isolation::read_committed) {
      result.aborted = producers_.aborted_between(std::max(offset, state_.clean_offset), next);
    }
    if (batches->size() == 0) return Error{"KAFKA_STORAGE_ERROR", segment->path() + ": ends before its end"};
    result.batches = std::move(batches->copied);
    result.held = std::move(batches->held);
    result.held_bytes = batches->held_bytes;
    result.more = next < until;
    return result;
  }
}

Offsets Partition::offsets() const {
  std::shared_lock lock(mutex_);
  return {state_.log_start, high_watermark_, last_stable()};
}

Result<TimestampOffset> Partition::offset_for(int64_t timestamp_ms) const {
  while (true) {
    std::vector<std::pair<SegmentPtr, ReadBound>> all;
    int64_t log_start = 0;
    uint64_t exchanges = 0;
    {
      std::shared_lock lock(mutex_);
      if (removed_) return gone();
      log_start = state_.log_start;
      exchanges = exchanges_;
      for (const auto& segment : segments_) all.emplace_back(segment, bound_of(*segment, high_watermark_));
    }
    auto found = find_time(all, log_start, timestamp_ms);
    std::shared_lock lock(mutex_);
    if (exchanges_ != exchanges) continue;  // other segments may lie there now
    return found;
  }
}

Result<TimestampOffset> Partition::find_time(const std::vector<std::pair<SegmentPtr, ReadBound>>& all,
                                             int64_t from, int64_t timestamp_ms) {
  for (const auto& [segment, bound] : all) {
    MEKONG_TRY_ASSIGN(const int64_t newest_ms, segment->max_timestamp_ms());
    if (newest_ms < timestamp_ms) continue;
    MEKONG_TRY_ASSIGN(const TimestampOffset found, segment->find_time(timestamp_ms, from, bound));
    if (found.offset >= 0) return found;
  }
  return TimestampOffset{};
}

uint64_t Partition::written_bytes() const {
  std::shared_lock lock(mutex_);
  return published_bytes_;
}

int64_t Partition::size_bytes() const {
  std::shared_lock lock(mutex_);
  uint64_t bytes = published_bytes_;
  for (size_t i = 0; i + 1 < segments_.size(); ++i) bytes += segments_[i]->size_bytes();
  return static_cast<int64_t>(bytes);
}

}  // namespace mekong::log
