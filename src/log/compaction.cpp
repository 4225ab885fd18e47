#include "log/compaction.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <unordered_map>
#include <utility>

#include "log/records.h"
#include "log/scan.h"

namespace mekong::log {
namespace {

constexpr size_t entry_bytes = 64;  // of a key in the map, beside its bytes
constexpr size_t write_bytes = 1 << 20;

// Ends a visit that has seen enough.
Error enough() {
  return Error{"Enough", ""};
}

// Which transactional batches count for nothing.
class Aborted {
 public:
  explicit Aborted(const std::vector<AbortedRange>& ranges) {
    for (const auto& one : ranges) by_producer_[one.producer_id].push_back(one);
  }
  bool has(const BatchHeader& batch) const {
    if (!batch.transactional() || batch.control()) return false;
    const auto found = by_producer_.find(batch.producer_id);
    if (found == by_producer_.end()) return false;
    const auto& ranges = found->second;  // by last, and so by first
    const auto at =
        std::lower_bound(ranges.begin(), ranges.end(), batch.base_offset,
                         [](const AbortedRange& one, int64_t offset) { return one.last < offset; });
    return at != ranges.end() && at->first <= batch.base_offset;
  }

 private:
  std::unordered_map<int64_t, std::vector<AbortedRange>> by_producer_;
};

// The last offset of each key.
class Keys {
 public:
  explicit Keys(size_t bytes_max) : bytes_max_(bytes_max) {}
  bool full() const { return bytes_ >= bytes_max_; }
  void note(const Record& record) {
    const auto [at, fresh] = last_.try_emplace(std::string(*record.key), record.offset);
    if (fresh) bytes_ += record.key->size() + entry_bytes;
    at->second = record.offset;
  }
  bool last(const Record& record) const {
    const auto found = last_.find(std::string(*record.key));
    return found == last_.end() || found->second <= record.offset;
  }

 private:
  std::unordered_map<std::string, int64_t> last_;
  const size_t bytes_max_;
  size_t bytes_ = 0;
};

Error damaged(const Segment& segment, uint64_t position) {
  return Error{"KAFKA_STORAGE_ERROR",
               "not compacted: " + segment.path() + ": damaged at byte " + std::to_string(position)};
}

// All batches of a sealed segment; an error of `visit` ends it.
Status each_batch(const Segment& segment, const std::function<Status(const ScannedBatch&)>& visit) {
  MEKONG_TRY_ASSIGN(const auto file, segment.file());
  MEKONG_TRY_ASSIGN(const uint64_t good, scan_batches(*file, segment.base_offset(), visit));
  return good == segment.size_bytes() ? ok() : Status(damaged(segment, good));
}

// One new segment, written batch by batch.
class Output {
 public:
  Output(os::Files& files, FileCache& cache, const Segment& first)
      : files_(files), segment_(std::make_shared<Segment>(cache, first.path(), first.base_offset())) {}

  Output(const Output&) = delete;
  // Without finish() nothing is left.
  ~Output() {
    if (!file_ || finished_) return;
    file_.reset();
    // What cannot be removed now is when the partition is opened.
    if (!files_.remove(compacted_path(segment_->path())).ok()) return;
  }

  int64_t next_offset() const { return segment_->next_offset(); }
  uint64_t size_bytes() const { return segment_->size_bytes(); }

  Status add(std::string_view batch) {
    MEKONG_TRY_ASSIGN(const BatchHeader header, parse_header(batch));
    segment_->note(header);
    waiting_ += batch;
    return waiting_.size() < write_bytes ? ok() : write();
  }
  // Durable, under its interim name.
  Result<std::shared_ptr<Segment>> finish(int64_t end) {
    if (next_offset() < end) MEKONG_TRY(add(empty_batch(next_offset(), end - 1)));
    MEKONG_TRY(write());
    MEKONG_TRY(file_->sync());
    const std::string& path = segment_->path();
    MEKONG_TRY(files_.sync_directory(path.substr(0, path.rfind('/'))));
    segment_->seal(end);
    finished_ = true;
    return segment_;
  }

 private:
  Status write() {
    if (!file_) {
      MEKONG_TRY_ASSIGN(file_, files_.open(compacted_path(segment_->path()), os::OpenMode::create));
      MEKONG_TRY(file_->truncate(0));
    }
    MEKONG_TRY(file_->write(written_bytes_, waiting_));
    written_bytes_ += waiting_.size();
    waiting_.clear();
    return ok();
  }

  os::Files& files_;
  std::shared_ptr<Segment> segment_;
  std::unique_ptr<os::File> file_;
  std::string waiting_;
  uint64_t written_bytes_ = 0;
  bool finished_ = false;
};

class Compaction {
 public:
  Compaction(os::Files& files, FileCache& cache, const CompactionPlan& plan)
      : files_(files), cache_(cache), plan_(plan), aborted_(plan.aborted), keys_(plan.map_bytes_max) {}

  Result<int64_t> run(const std::function<Status(const CompactedSegment&)>& exchange) {
    MEKONG_TRY(read_keys());
    CompactedSegment group;
    for (const auto& segment : plan_.segments) {
      if (segment->base_offset() >= clean_end_) break;
      if (output_ && !fits(*segment)) MEKONG_TRY(close(group, exchange));
      if (!output_) {
        output_.emplace(files_, cache_, *segment);
        first_offset_of_group_ = segment->base_offset();
      }
      group.inputs.push_back(segment);
      MEKONG_TRY(each_batch(*segment, [&](const ScannedBatch& batch) -> Status {
        if (plan_.cancelled && *plan_.cancelled) return Error{"Cancelled", "the server stops"};
        return clean(batch);
      }));
    }
    if (output_) MEKONG_TRY(close(group, exchange));
    return clean_end_;
  }

 private:
  // Up to where the memory for keys reaches; at least one batch.
  Status read_keys() {
    clean_end_ = plan_.segments.back()->next_offset();
    for (const auto& segment : plan_.segments) {
      if (segment->next_offset() <= plan_.dirty_from) continue;
      const auto done = each_batch(*segment, [this](const ScannedBatch& batch) -> Status {
        if (batch.header.last_offset() < plan_.dirty_from || batch.header.control() ||
            aborted_.has(batch.header))
          return ok();
        if (keys_.full()) {
          clean_end_ = batch.header.base_offset;
          return enough();
        }
        MEKONG_TRY_ASSIGN(const std::string unpacked, unpack_records(batch.header, batch.bytes));
        return each_record(batch.header, unpacked, [this](const Record& record) {
          if (record.key) keys_.note(record);
          return ok();
        });
      });
      if (!done.ok()) return done.error().code == "Enough" ? ok() : done;
    }
    return ok();
  }

  bool fits(const Segment& next) const {
    constexpr int64_t span_max = std::numeric_limits<int32_t>::max();
    return output_->size_bytes() + next.size_bytes() <= plan_.segment_bytes_max &&
           next.next_offset() - first_offset_of_group_ < span_max;
  }

  Status close(CompactedSegment& group, const std::function<Status(const CompactedSegment&)>& exchange) {
    group.clean_offset = std::min(group.inputs.back()->next_offset(), clean_end_);
    group.changed = changed_ || group.inputs.size() > 1;
    if (group.changed) {
      MEKONG_TRY_ASSIGN(group.output, output_->finish(group.inputs.back()->next_offset()));
      MEKONG_TRY(exchange(group));
    }
    output_.reset();
    group = {};
    changed_ = false;
    return ok();
  }

  Status clean(const ScannedBatch& batch) {
    const BatchHeader& header = batch.header;
    if (header.record_count == 0) return ok();  // stood for its offsets; what follows does, now
    if (header.base_offset >= clean_end_) return keep(batch);
    if (header.control()) return clean_control(batch);
    if (aborted_.has(header)) return drop();
    MEKONG_TRY_ASSIGN(const std::string unpacked, unpack_records(header, batch.bytes));
    const bool over = header.delete_horizon_ms() >= 0 && plan_.now_ms > header.delete_horizon_ms();
    const auto stays = [&](const Record& record) {
      return record.key && keys_.last(record) && (record.value || !over);
    };
    bool some = false, all = true, deletions = false;
    MEKONG_TRY(each_record(header, unpacked, [&](const Record& record) {
      const bool one = stays(record);
      some = some || one;
      all = all && one;
      deletions = deletions || (one && !record.value);
      return ok();
    }));
    if (!some) return drop();
    if (header.transactional()) with_data_[header.producer_id] = true;
    int64_t horizon_ms = header.delete_horizon_ms();
    if (deletions && horizon_ms < 0) horizon_ms = plan_.now_ms + plan_.delete_retention_ms;
    if (all && horizon_ms == header.delete_horizon_ms()) return keep(batch);
    return rewrite(header, horizon_ms, unpacked, stays);
  }

  // The end of a transaction stays while it has records, and for its time after that.
  Status clean_control(const ScannedBatch& batch) {
    const BatchHeader& header = batch.header;
    const bool data = std::exchange(with_data_[header.producer_id], false);
    if (data) return keep(batch);
    if (header.delete_horizon_ms() >= 0) {
      return plan_.now_ms > header.delete_horizon_ms() ? drop() : keep(batch);
    }
    const auto records = batch.bytes.substr(batch_header_bytes);
    return rewrite(header, plan_.now_ms + plan_.delete_retention_ms, records, each);
  }

  Status drop() {
    changed_ = true;
    return ok();
  }
  // As it is, where nothing before it went.
  Status keep(const ScannedBatch& batch) {
    if (batch.header.base_offset == output_->next_offset()) return output_->add(batch.bytes);
    MEKONG_TRY_ASSIGN(const std::string unpacked, unpack_records(batch.header, batch.bytes));
    return rewrite(batch.header, batch.header.delete_horizon_ms(), unpacked, each);
  }
  static bool each(const Record&) { return true; }
  Status rewrite(const BatchHeader& header, int64_t horizon_ms, std::string_view unpacked,
                 const KeepRecord& stays) {
    changed_ = true;
    const BatchShape shape{output_->next_offset(), header.last_offset(), horizon_ms};
    MEKONG_TRY_ASSIGN(const std::string batch, rebuild_batch(header, shape, unpacked, stays));
    return output_->add(batch);
  }

  os::Files& files_;
  FileCache& cache_;
  const CompactionPlan& plan_;
  const Aborted aborted_;
  Keys keys_;
  int64_t clean_end_ = 0;
  std::optional<Output> output_;
  int64_t first_offset_of_group_ = 0;
  bool changed_ = false;
  std::unordered_map<int64_t, bool> with_data_;  // by producer: its transaction has records here
};

}  // namespace

std::string compacted_path(const std::string& log_path) {
  return log_path.substr(0, log_path.rfind('.')) + ".compacted";
}

Result<int64_t> compact(os::Files& files, FileCache& cache, const CompactionPlan& plan,
                        const std::function<Status(const CompactedSegment&)>& exchange) {
  return Compaction(files, cache, plan).run(exchange);
}

}  // namespace mekong::log
