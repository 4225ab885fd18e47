#include "log/segment.h"

#include <algorithm>
#include <cstdio>

#include "base/crc32c.h"
#include "codec/kafka_wire.h"

namespace mekong::log {
namespace {

constexpr uint64_t mark_every_bytes = 32 << 10;
constexpr size_t scan_window_bytes = 1 << 20;
constexpr uint32_t index_magic = 0x4d4b4931;  // MKI1

Error damaged(const std::string& path, uint64_t position) {
  return Error{"KAFKA_STORAGE_ERROR", path + ": damaged at byte " + std::to_string(position)};
}

}  // namespace

std::string Segment::file_name(int64_t base_offset) {
  char name[32];
  std::snprintf(name, sizeof(name), "%020lld.log", static_cast<long long>(base_offset));
  return name;
}

std::optional<int64_t> Segment::base_offset_of(const std::string& file_name) {
  if (file_name.size() != 24 || !file_name.ends_with(".log")) return std::nullopt;
  int64_t offset = 0;
  for (size_t i = 0; i < 20; ++i) {
    if (file_name[i] < '0' || file_name[i] > '9') return std::nullopt;
    offset = offset * 10 + (file_name[i] - '0');
  }
  return offset;
}

std::string Segment::index_path() const {
  return path_.substr(0, path_.size() - 4) + ".index";
}

void Segment::note(const BatchHeader& batch) {
  std::lock_guard lock(index_mutex_);
  if (index_.marks.empty() || size_bytes_ - index_.marked_bytes >= mark_every_bytes) {
    index_.marks.push_back({batch.base_offset, size_bytes_, index_.max_timestamp_ms});
    index_.marked_bytes = size_bytes_;
  }
  size_bytes_ += batch.size_bytes;
  next_offset_ = batch.last_offset() + 1;
  index_.max_timestamp_ms = std::max(index_.max_timestamp_ms, batch.max_timestamp_ms);
}

Result<uint64_t> Segment::scan(bool gapless, const std::function<Status(const BatchHeader&)>& visit) {
  MEKONG_TRY_ASSIGN(const auto file, this->file());
  std::string window;
  uint64_t window_at = 0;
  while (true) {
    std::string_view rest = std::string_view(window).substr(size_bytes_ - window_at);
    auto header = parse_header(rest);
    const bool more = rest.size() < batch_header_bytes || (header.ok() && rest.size() < header->size_bytes);
    if (more) {
      const size_t wanted = header.ok() ? std::max(scan_window_bytes, header->size_bytes) : scan_window_bytes;
      MEKONG_TRY_ASSIGN(std::string bytes, file->read(size_bytes_, wanted));
      const bool ended = bytes.size() <= rest.size();
      window = std::move(bytes);
      window_at = size_bytes_;
      if (ended) return size_bytes_;
      continue;
    }
    const bool in_order =
        header.ok() && (gapless ? header->base_offset == next_offset_ : header->base_offset >= next_offset_);
    if (!in_order || !verify_checksum(*header, rest).ok()) return size_bytes_;
    if (header->control()) {
      auto commits = parse_marker(rest);
      if (!commits.ok()) return size_bytes_;
      header->commits = *commits;
    }
    MEKONG_TRY(visit(*header));
    note(*header);
  }
}

void Segment::seal(int64_t next_offset) {
  next_offset_ = next_offset;
  sealed_ = true;
}

void Segment::seal_unread(uint64_t size_bytes, int64_t next_offset) {
  size_bytes_ = size_bytes;
  indexed_ = false;
  seal(next_offset);
}

Status Segment::save_index(os::Files& files) const {
  std::lock_guard lock(index_mutex_);
  codec::KafkaWriter body;
  body.i64(static_cast<int64_t>(size_bytes_));
  body.i64(index_.max_timestamp_ms);
  body.i32(static_cast<int32_t>(index_.marks.size()));
  for (const Mark& mark : index_.marks) {
    body.i64(mark.offset);
    body.i64(static_cast<int64_t>(mark.position));
    body.i64(mark.max_timestamp_before_ms);
  }
  codec::KafkaWriter all;
  all.u32(index_magic);
  all.u32(crc32c(body.data()));
  all.raw(body.data());
  return files.write_file_durably(index_path(), all.data());
}

void Segment::drop_index() {
  std::lock_guard lock(index_mutex_);
  if (!sealed_) return;
  index_ = {};
  indexed_ = false;
}

bool Segment::read_saved_index() const {
  auto file = cache_.open(index_path());
  if (!file.ok()) return false;
  auto bytes_there = (*file)->size();
  if (!bytes_there.ok()) return false;
  auto bytes = (*file)->read(0, *bytes_there);
  cache_.forget(index_path());
  if (!bytes.ok() || bytes->size() < 8) return false;
  codec::KafkaReader reader(*bytes, 0);
  const uint32_t magic = reader.u32();
  const uint32_t sum = reader.u32();
  if (magic != index_magic || crc32c(reader.rest()) != sum) return false;
  if (static_cast<uint64_t>(reader.i64()) != size_bytes_) return false;
  index_.max_timestamp_ms = reader.i64();
  const int32_t marks = reader.i32();
  for (int32_t i = 0; i < marks && !reader.failed(); ++i) {
    const int64_t offset = reader.i64();
    const auto position = static_cast<uint64_t>(reader.i64());
    index_.marks.push_back({offset, position, reader.i64()});
  }
  return !reader.failed();
}

Status Segment::load_index() const {
  if (indexed_) return ok();
  index_ = {};
  if (!read_saved_index()) {
    Segment scanned(cache_, path_, base_offset_);
    MEKONG_TRY_ASSIGN(const uint64_t good, scanned.scan(false, [](const BatchHeader&) { return ok(); }));
    if (good != size_bytes_) return damaged(path_, good);
    index_ = std::move(scanned.index_);
  }
  indexed_ = true;
  return ok();
}

// Where to begin looking for the batch that holds `offset`.
Result<uint64_t> Segment::start_of(int64_t offset) const {
  std::lock_guard lock(index_mutex_);
  for (const Cursor& cursor : cursors_) {
    if (cursor.offset == offset) return cursor.position;
  }
  MEKONG_TRY(load_index());
  auto mark = std::upper_bound(index_.marks.begin(), index_.marks.end(), offset,
                               [](int64_t wanted, const Mark& at) { return wanted < at.offset; });
  return mark == index_.marks.begin() ? 0 : std::prev(mark)->position;
}

void Segment::remember(int64_t offset, uint64_t position) const {
  std::lock_guard lock(index_mutex_);
  cursors_[next_cursor_++ % std::size(cursors_)] = {offset, position};
}

// Those from `position` on whose checksums hold, cut at the bound. `next`: the offset after them.
Result<std::string> Segment::whole_batches(const os::File& file, uint64_t position, const ReadBound& bound,
                                           size_t max_bytes, int64_t& next) const {
  MEKONG_TRY_ASSIGN(std::string bytes, file.read(position, std::min(max_bytes, bound.position - position)));
  size_t whole = 0;
  while (bytes.size() - whole >= batch_header_bytes) {
    const auto rest = std::string_view(bytes).substr(whole);
    const auto header = parse_header(rest);
    if (!header.ok()) return damaged(path_, position + whole);
    if (header->base_offset >= bound.offset) break;
    if (rest.size() < header->size_bytes) {
      if (whole > 0) break;
      MEKONG_TRY_ASSIGN(bytes, file.read(position, header->size_bytes));
      if (bytes.size() < header->size_bytes) return damaged(path_, position);
      continue;
    }
    if (!verify_checksum(*header, rest).ok() || header->base_offset < next)
      return damaged(path_, position + whole);
    next = header->last_offset() + 1;
    whole += header->size_bytes;
  }
  bytes.resize(whole);
  return bytes;
}

Result<std::string> Segment::read(int64_t offset, const ReadBound& bound, size_t max_bytes,
                                  int64_t& next) const {
  MEKONG_TRY_ASSIGN(const auto file, this->file());
  MEKONG_TRY_ASSIGN(uint64_t position, start_of(offset));
  next = base_offset_;
  while (position < bound.position) {
    MEKONG_TRY_ASSIGN(const std::string head, file->read(position, batch_header_bytes));
    const auto header = parse_header(head);
    if (!header.ok()) return damaged(path_, position);
    if (header->last_offset() >= offset) break;
    position += header->size_bytes;
  }
  if (position >= bound.position) return std::string();
  MEKONG_TRY_ASSIGN(std::string bytes,
                    whole_batches(*file, position, bound, std::max(max_bytes, batch_header_bytes), next));
  if (!bytes.empty()) remember(next, position + bytes.size());
  return bytes;
}

Result<int64_t> Segment::max_timestamp_ms() const {
  std::lock_guard lock(index_mutex_);
  MEKONG_TRY(load_index());
  return index_.max_timestamp_ms;
}

Result<TimestampOffset> Segment::find_time(int64_t timestamp_ms, const ReadBound& bound) const {
  uint64_t position = 0;
  {
    std::lock_guard lock(index_mutex_);
    MEKONG_TRY(load_index());
    auto mark = std::partition_point(index_.marks.begin(), index_.marks.end(), [&](const Mark& at) {
      return at.max_timestamp_before_ms < timestamp_ms;
    });
    position = mark == index_.marks.begin() ? 0 : std::prev(mark)->position;
  }
  MEKONG_TRY_ASSIGN(const auto file, this->file());
  while (position < bound.position) {
    MEKONG_TRY_ASSIGN(const std::string head, file->read(position, batch_header_bytes));
    const auto header = parse_header(head);
    if (!header.ok()) return damaged(path_, position);
    if (header->base_offset >= bound.offset) break;
    if (header->max_timestamp_ms >= timestamp_ms) {
      return TimestampOffset{header->base_offset, header->max_timestamp_ms};
    }
    position += header->size_bytes;
  }
  return TimestampOffset{};
}

}  // namespace mekong::log
