#include "log/partition.h"

#include <algorithm>
#include <mutex>
#include <sstream>

namespace mekong::log {
namespace {

constexpr int format_version = 1;

Error storage_error(const Error& cause) {
  return Error{"KAFKA_STORAGE_ERROR", cause.code + ": " + cause.message};
}
Error damaged(const std::string& what) {
  return Error{"KAFKA_STORAGE_ERROR", what};
}

// Is there a good batch somewhere in `bytes`, at any place?
bool holds_good_batch(std::string_view bytes) {
  for (size_t at = 0; at + batch_header_bytes <= bytes.size(); ++at) {
    if (bytes[at + 16] != 2) continue;
    auto header = parse_header(bytes.substr(at));
    if (header.ok() && verify_batch(*header, bytes.substr(at)).ok()) return true;
  }
  return false;
}

}  // namespace

Result<std::unique_ptr<Partition>> Partition::create(os::Files& files, std::string folder,
                                                     const PartitionConfig& config,
                                                     uint64_t segment_bytes_max) {
  std::unique_ptr<Partition> partition(new Partition(files, std::move(folder), segment_bytes_max));
  partition->config_ = config;
  MEKONG_TRY(files.make_directories(partition->folder_));
  MEKONG_TRY(partition->add_segment(0));
  MEKONG_TRY(partition->save_state());
  MEKONG_TRY(files.sync_directory(partition->folder_.substr(0, partition->folder_.rfind('/'))));
  return partition;
}

Result<std::unique_ptr<Partition>> Partition::open(os::Files& files, std::string folder,
                                                   uint64_t segment_bytes_max) {
  std::unique_ptr<Partition> partition(new Partition(files, std::move(folder), segment_bytes_max));
  MEKONG_TRY(partition->load_state());
  MEKONG_TRY_ASSIGN(const auto entries, files.list(partition->folder_));
  std::vector<int64_t> bases;
  for (const auto& entry : entries) {
    if (auto base = Segment::base_offset_of(entry.name)) bases.push_back(*base);
  }
  if (bases.empty()) return damaged(partition->folder_ + ": no segment");
  for (size_t i = 0; i < bases.size(); ++i) {
    if (i > 0 && partition->segments_.back()->next_offset() != bases[i]) {
      return damaged(partition->folder_ + ": a gap before offset " + std::to_string(bases[i]));
    }
    MEKONG_TRY(partition->recover_segment(bases[i], i + 1 == bases.size()));
  }
  // After kill -9 the tail may be in the page cache only: it is read by clients from here on, so it must be
  // durable.
  MEKONG_TRY(partition->segments_.back()->file().sync());
  partition->publish();
  MEKONG_TRY(partition->save_state());
  return partition;
}

Status Partition::load_state() {
  MEKONG_TRY_ASSIGN(const std::string text, files_.read_file(folder_ + "/partition"));
  std::istringstream in(text);
  std::string name;
  int version = 0;
  in >> name >> version;
  if (name != "mekong-partition" || version != format_version) {
    return damaged(folder_ + ": written by another version of Mekong");
  }
  int append_time = 0;
  in >> config_.retention_ms >> config_.retention_bytes >> config_.max_batch_bytes >> append_time >>
      log_start_ >> synced_segment_ >> synced_bytes_;
  if (!in) return damaged(folder_ + "/partition cannot be read");
  config_.log_append_time = append_time != 0;
  return ok();
}

Status Partition::save_state() {
  std::ostringstream out;
  out << "mekong-partition " << format_version << '\n'
      << config_.retention_ms << ' ' << config_.retention_bytes << ' ' << config_.max_batch_bytes << ' '
      << (config_.log_append_time ? 1 : 0) << '\n'
      << log_start_ << ' ' << synced_segment_ << ' ' << synced_bytes_ << '\n';
  return files_.write_file_durably(folder_ + "/partition", out.str());
}

Status Partition::recover_segment(int64_t base_offset, bool last) {
  const std::string path = folder_ + "/" + Segment::file_name(base_offset);
  MEKONG_TRY_ASSIGN(auto file, files_.open(path, os::OpenMode::write));
  MEKONG_TRY_ASSIGN(const uint64_t file_bytes, file->size());
  MEKONG_TRY_ASSIGN(const std::string bytes, file->read(0, file_bytes));
  auto segment = std::make_unique<Segment>(std::move(file), base_offset);
  const std::string_view all(bytes);
  while (segment->size_bytes() < all.size()) {
    const auto rest = all.substr(segment->size_bytes());
    auto header = parse_header(rest);
    const bool good =
        header.ok() && verify_batch(*header, rest).ok() && header->base_offset == segment->next_offset();
    if (!good) break;
    segment->note(*header);
    producers_.note(*header);
  }
  const uint64_t good_bytes = segment->size_bytes();
  const bool was_synced =
      base_offset < synced_segment_ || (base_offset == synced_segment_ && good_bytes < synced_bytes_);
  if (good_bytes < all.size() && (was_synced || !last)) {
    const bool more = holds_good_batch(all.substr(good_bytes));
    return damaged(path + ": damaged at byte " + std::to_string(good_bytes) +
                   (more ? ", good batches after it" : ""));
  }
  if (base_offset == synced_segment_ && good_bytes < synced_bytes_) {
    return damaged(path + ": shorter than what was acknowledged");
  }
  if (good_bytes < all.size()) MEKONG_TRY(segment->file().truncate(good_bytes));
  segments_.push_back(std::move(segment));
  return ok();
}

Status Partition::add_segment(int64_t base_offset) {
  const std::string path = folder_ + "/" + Segment::file_name(base_offset);
  MEKONG_TRY_ASSIGN(auto file, files_.open(path, os::OpenMode::create_new));
  MEKONG_TRY(file->sync());
  MEKONG_TRY(files_.sync_directory(folder_));
  segments_.push_back(std::make_unique<Segment>(std::move(file), base_offset));
  return ok();
}

Result<AppendResult> Partition::admit(const std::vector<BatchHeader>& headers) const {
  AppendResult result;
  for (const auto& header : headers) {
    if (static_cast<int64_t>(header.size_bytes) > config_.max_batch_bytes) {
      return Error{"MESSAGE_TOO_LARGE", std::to_string(header.size_bytes) + " bytes, at most " +
                                            std::to_string(config_.max_batch_bytes)};
    }
    MEKONG_TRY_ASSIGN(const auto admission, producers_.admit(header));
    if (admission.duplicate) {
      if (headers.size() > 1)
        return Error{"INVALID_RECORD", "an idempotent producer sends one batch a partition"};
      result.duplicate = true;
      result.base_offset = admission.base_offset;
    }
  }
  return result;
}

Result<AppendResult> Partition::write(std::string& batches, std::vector<BatchHeader> headers,
                                      int64_t now_ms) {
  std::unique_lock lock(mutex_);
  MEKONG_TRY_ASSIGN(AppendResult result, admit(headers));
  result.log_start_offset = log_start_;
  if (result.duplicate) return result;
  if (segments_.back()->size_bytes() > 0 &&
      segments_.back()->size_bytes() + batches.size() > segment_bytes_max_) {
    auto rolled = segments_.back()->file().sync();
    if (rolled.ok()) rolled = add_segment(segments_.back()->next_offset());
    if (rolled.ok()) {
      synced_segment_ = segments_.back()->base_offset();
      synced_bytes_ = 0;
      rolled = save_state();
    }
    if (!rolled.ok()) return storage_error(rolled.error());
  }
  Segment& segment = *segments_.back();
  int64_t next = segment.next_offset();
  result.base_offset = next;
  size_t at = 0;
  for (auto& header : headers) {
    header.base_offset = next;
    assign_offset(batches.data() + at, next, 0);
    if (config_.log_append_time) {
      assign_append_time(batches, at, header.size_bytes, now_ms);
      header.max_timestamp_ms = now_ms;
      result.log_append_time_ms = now_ms;
    }
    next = header.last_offset() + 1;
    at += header.size_bytes;
  }
  const auto written = segment.file().write(segment.size_bytes(), batches);
  if (!written.ok()) return storage_error(written.error());
  for (const auto& header : headers) {
    segment.note(header);
    producers_.note(header);
  }
  return result;
}

Status Partition::sync() {
  os::File* file = nullptr;
  {
    std::shared_lock lock(mutex_);
    file = &segments_.back()->file();
  }
  // Only the committer adds segments, and it is the caller: the file stays. Readers go on meanwhile.
  const auto synced = file->sync();
  if (!synced.ok()) return storage_error(synced.error());
  return ok();
}

void Partition::publish() {
  std::unique_lock lock(mutex_);
  high_watermark_ = segments_.back()->next_offset();
  synced_segment_ = segments_.back()->base_offset();
  synced_bytes_ = segments_.back()->size_bytes();
}

Result<ReadResult> Partition::read(int64_t offset, size_t max_bytes) const {
  std::shared_lock lock(mutex_);
  ReadResult result{"", high_watermark_, high_watermark_, log_start_};
  if (offset < log_start_ || offset > high_watermark_) {
    return Error{"OFFSET_OUT_OF_RANGE", "offset " + std::to_string(offset) + " is outside of " +
                                            std::to_string(log_start_) + " to " +
                                            std::to_string(high_watermark_)};
  }
  for (const auto& segment : segments_) {
    if (segment->next_offset() <= offset) continue;
    MEKONG_TRY_ASSIGN(result.batches, segment->read(offset, high_watermark_, max_bytes));
    break;
  }
  return result;
}

Offsets Partition::offsets() const {
  std::shared_lock lock(mutex_);
  return {log_start_, high_watermark_, high_watermark_};
}

Result<TimestampOffset> Partition::offset_for(int64_t timestamp_ms) const {
  std::shared_lock lock(mutex_);
  for (const auto& segment : segments_) {
    if (segment->max_timestamp_ms() < timestamp_ms) continue;
    MEKONG_TRY_ASSIGN(TimestampOffset found, segment->find_time(timestamp_ms, high_watermark_));
    if (found.offset < 0) continue;
    found.offset = std::max(found.offset, log_start_);
    return found;
  }
  return TimestampOffset{};
}

Status Partition::configure(const PartitionConfig& config) {
  std::unique_lock lock(mutex_);
  config_ = config;
  return save_state();
}

Status Partition::delete_before(int64_t offset) {
  std::unique_lock lock(mutex_);
  if (offset > high_watermark_) return Error{"OFFSET_OUT_OF_RANGE", "past the high watermark"};
  log_start_ = std::max(log_start_, offset);
  MEKONG_TRY(save_state());
  while (segments_.size() > 1 && segments_.front()->next_offset() <= log_start_) {
    MEKONG_TRY(files_.remove(folder_ + "/" + Segment::file_name(segments_.front()->base_offset())));
    segments_.erase(segments_.begin());
  }
  return ok();
}

Status Partition::retain(int64_t now_ms) {
  int64_t keep_from = -1;
  {
    std::shared_lock lock(mutex_);
    int64_t bytes = 0;
    for (const auto& segment : segments_) bytes += static_cast<int64_t>(segment->size_bytes());
    for (size_t i = 0; i + 1 < segments_.size(); ++i) {
      const auto& segment = *segments_[i];
      const auto size = static_cast<int64_t>(segment.size_bytes());
      const bool old =
          config_.retention_ms >= 0 && segment.max_timestamp_ms() < now_ms - config_.retention_ms;
      const bool over = config_.retention_bytes >= 0 && bytes - size >= config_.retention_bytes;
      if (!old && !over) break;
      bytes -= size;
      keep_from = segment.next_offset();
    }
  }
  if (keep_from < 0) return ok();
  return delete_before(keep_from);
}

int64_t Partition::size_bytes() const {
  std::shared_lock lock(mutex_);
  int64_t bytes = 0;
  for (const auto& segment : segments_) bytes += static_cast<int64_t>(segment->size_bytes());
  return bytes;
}

}  // namespace mekong::log
