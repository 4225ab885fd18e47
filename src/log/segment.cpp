#include "log/segment.h"

#include <algorithm>
#include <cstdio>

#include "base/crc32c.h"
#include "codec/kafka_wire.h"
#include "log/records.h"
#include "log/scan.h"

namespace mekong::log {
namespace {

constexpr uint64_t mark_every_bytes = 32 << 10;
constexpr size_t find_window_bytes = 64 << 10;
// Below it a copy is cheaper; above it there would be more to hold than one answer should.
constexpr size_t held_bytes_min = 128 << 10, held_bytes_max = 16 << 20;
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
  if (size_bytes_ == 0) first_timestamp_ms_ = batch.max_timestamp_ms;
  size_bytes_ += batch.size_bytes;
  next_offset_ = batch.last_offset() + 1;
  index_.max_timestamp_ms = std::max(index_.max_timestamp_ms, batch.max_timestamp_ms);
}

void Segment::gather(uint64_t position, std::span<const std::string> pieces, std::shared_ptr<os::File> file) {
  gathered_file_ = std::move(file);
  std::lock_guard lock(gathered_mutex_);
  if (gathered_.empty()) gathered_at_ = position;
  for (const auto& piece : pieces) gathered_ += piece;
}

Status Segment::write_gathered() {
  if (gathered_.empty()) return ok();
  MEKONG_TRY(gathered_file_->write(gathered_at_, gathered_));
  gathered_file_.reset();
  std::string written;
  std::lock_guard lock(gathered_mutex_);
  written.swap(gathered_);
  return ok();
}

Result<std::string> Segment::bytes_at(uint64_t position, size_t bytes) const {
  std::string gathered;
  size_t in_file_bytes = bytes;
  {
    std::lock_guard lock(gathered_mutex_);
    const uint64_t from = std::max(position, gathered_at_);
    if (!gathered_.empty() && from - position < bytes) {
      in_file_bytes = from - position;
      if (from - gathered_at_ < gathered_.size())
        gathered = gathered_.substr(from - gathered_at_, bytes - in_file_bytes);
    }
  }
  if (in_file_bytes == 0) return gathered;
  MEKONG_TRY_ASSIGN(const auto file, this->file());
  MEKONG_TRY_ASSIGN(std::string out, file->read(position, in_file_bytes));
  if (out.size() == in_file_bytes) out += gathered;
  return out;
}

Result<uint64_t> Segment::scan(const std::function<Status(const BatchHeader&)>& visit) {
  MEKONG_TRY_ASSIGN(const auto file, this->file());
  return scan_batches(*file, base_offset_, [&](const ScannedBatch& batch) -> Status {
    MEKONG_TRY(visit(batch.header));
    note(batch.header);
    return ok();
  });
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

Result<Segment::Index> Segment::decode_index(std::string_view bytes, uint64_t segment_bytes) {
  const Error unfit{"KAFKA_STORAGE_ERROR", "the index is damaged or not that of its segment"};
  codec::KafkaReader reader(bytes, 0);
  const uint32_t magic = reader.u32();
  const uint32_t sum = reader.u32();
  if (magic != index_magic || reader.failed() || crc32c(reader.rest()) != sum) return unfit;
  if (static_cast<uint64_t>(reader.i64()) != segment_bytes) return unfit;
  Index index;
  index.max_timestamp_ms = reader.i64();
  const int32_t marks = reader.i32();
  for (int32_t i = 0; i < marks && !reader.failed(); ++i) {
    const int64_t offset = reader.i64();
    const auto position = static_cast<uint64_t>(reader.i64());
    index.marks.push_back({offset, position, reader.i64()});
  }
  if (reader.failed()) return unfit;
  return index;
}

Status Segment::check_saved_index(os::Files& files, const std::string& index_path) {
  MEKONG_TRY_ASSIGN(const std::string bytes, files.read_file(index_path));
  const std::string log_path = index_path.substr(0, index_path.rfind('.')) + ".log";
  MEKONG_TRY_ASSIGN(const auto log, files.open(log_path, os::OpenMode::read));
  MEKONG_TRY_ASSIGN(const uint64_t log_bytes, log->size());
  auto index = decode_index(bytes, log_bytes);
  return index.ok() ? ok() : Status(index.error());
}

bool Segment::read_saved_index() const {
  auto file = cache_.open(index_path());
  if (!file.ok()) return false;
  auto bytes_there = (*file)->size();
  if (!bytes_there.ok()) return false;
  auto bytes = (*file)->read(0, *bytes_there);
  cache_.forget(index_path());
  if (!bytes.ok()) return false;
  auto index = decode_index(*bytes, size_bytes_);
  if (index.ok()) index_ = std::move(*index);
  return index.ok();
}

Status Segment::load_index() const {
  if (indexed_) return ok();
  index_ = {};
  if (!read_saved_index()) {
    Segment scanned(cache_, path_, base_offset_);
    MEKONG_TRY_ASSIGN(const uint64_t good, scanned.scan([](const BatchHeader&) { return ok(); }));
    if (good != size_bytes_) return damaged(path_, good);
    index_ = std::move(scanned.index_);
  }
  indexed_ = true;
  return ok();
}

// Where to begin looking for the batch that holds `offset`.
Result<Segment::Place> Segment::start_of(int64_t offset) const {
  std::lock_guard lock(index_mutex_);
  for (const Place& cursor : cursors_) {
    if (cursor.offset == offset) return cursor;
  }
  MEKONG_TRY(load_index());
  auto mark = std::upper_bound(index_.marks.begin(), index_.marks.end(), offset,
                               [](int64_t wanted, const Mark& at) { return wanted < at.offset; });
  if (mark == index_.marks.begin()) return Place{base_offset_, 0};
  return Place{std::prev(mark)->offset, std::prev(mark)->position};
}

void Segment::remember(int64_t offset, uint64_t position) const {
  std::lock_guard lock(index_mutex_);
  cursors_[next_cursor_++ % std::size(cursors_)] = {offset, position};
}

// How much of `bytes`, which lie at `from`, is whole batches whose checksums hold and whose offsets follow
// one another, cut at the bound. `next`: the offset after them.
Result<size_t> Segment::whole_bytes(std::string_view bytes, Place from, const ReadBound& bound,
                                    int64_t& next) const {
  const uint64_t there = bound.position - from.position;
  next = from.offset;
  size_t whole = 0;
  while (bytes.size() - whole >= batch_header_bytes) {
    const auto rest = bytes.substr(whole);
    const auto header = parse_header(rest);
    const bool follows = header.ok() && header->base_offset == next && header->leader_epoch == 0;
    if (!follows || header->size_bytes > there - whole) return damaged(path_, from.position + whole);
    if (header->base_offset >= bound.offset || rest.size() < header->size_bytes) break;
    if (!verify_checksum(*header, rest).ok()) return damaged(path_, from.position + whole);
    next = header->last_offset() + 1;
    whole += header->size_bytes;
  }
  return whole;
}

// None where they cannot be held (of what is gathered some is not in the file), or the first is larger.
Result<Batches> Segment::held_batches(Place from, const ReadBound& bound, size_t max_bytes,
                                      int64_t& next) const {
  const size_t bytes = std::min<uint64_t>(max_bytes, bound.position - from.position);
  Batches batches;
  if (bytes < held_bytes_min || bytes > held_bytes_max) return batches;
  MEKONG_TRY_ASSIGN(const auto file, this->file());
  batches.held = file->hold(from.position, bytes);
  // A little less is fine where more follows, not at the end: somebody may wait for so much.
  const bool all = batches.held && batches.held->bytes().size() == bytes;
  if (!all && bytes < max_bytes) batches.held.reset();
  if (!batches.held) return batches;
  MEKONG_TRY_ASSIGN(batches.held_bytes, whole_bytes(batches.held->bytes(), from, bound, next));
  return batches;
}

Result<std::string> Segment::whole_batches(Place from, const ReadBound& bound, size_t max_bytes,
                                           int64_t& next) const {
  const uint64_t there = bound.position - from.position;
  MEKONG_TRY_ASSIGN(std::string bytes, bytes_at(from.position, std::min<uint64_t>(max_bytes, there)));
  MEKONG_TRY_ASSIGN(size_t whole, whole_bytes(bytes, from, bound, next));
  const auto first = parse_header(bytes);
  if (whole == 0 && first.ok() && first->size_bytes > bytes.size()) {
    MEKONG_TRY_ASSIGN(bytes, bytes_at(from.position, first->size_bytes));
    if (bytes.size() < first->size_bytes) return damaged(path_, from.position);
    MEKONG_TRY_ASSIGN(whole, whole_bytes(bytes, from, bound, next));
  }
  bytes.resize(whole);
  return bytes;
}

// The place of the batch that holds `offset`. (A damaged header on the way leads to one that does not fit.)
Result<Segment::Place> Segment::batch_with(int64_t offset, uint64_t until) const {
  MEKONG_TRY_ASSIGN(Place at, start_of(offset));
  // (One that begins there is looked at when it is read.)
  while (at.position < until && at.offset != offset) {
    MEKONG_TRY_ASSIGN(const std::string head, bytes_at(at.position, batch_header_bytes));
    const auto header = parse_header(head);
    if (!header.ok() || header->base_offset != at.offset || header->last_offset_delta < 0)
      return damaged(path_, at.position);
    if (header->last_offset() >= offset) break;
    at = {header->last_offset() + 1, at.position + header->size_bytes};
  }
  return at;
}

Result<Batches> Segment::read(int64_t offset, const ReadBound& bound, size_t max_bytes, ReadAs as,
                              int64_t& next) const {
  MEKONG_TRY_ASSIGN(const Place from, batch_with(offset, bound.position));
  Batches batches;
  if (from.position >= bound.position) return batches;
  if (as == ReadAs::held) {
    MEKONG_TRY_ASSIGN(batches, held_batches(from, bound, max_bytes, next));
  }
  if (batches.held_bytes == 0) {
    batches.held.reset();
    MEKONG_TRY_ASSIGN(batches.copied,
                      whole_batches(from, bound, std::max(max_bytes, batch_header_bytes), next));
  }
  if (batches.size() > 0) remember(next, from.position + batches.size());
  return batches;
}

Result<int64_t> Segment::max_timestamp_ms() const {
  std::lock_guard lock(index_mutex_);
  MEKONG_TRY(load_index());
  return index_.max_timestamp_ms;
}

Result<int64_t> Segment::first_timestamp_ms() const {
  if (size_bytes_ == 0) return -1;
  std::lock_guard lock(index_mutex_);
  if (!first_timestamp_ms_) {
    MEKONG_TRY_ASSIGN(const std::string head, bytes_at(0, batch_header_bytes));
    const auto header = parse_header(head);
    if (!header.ok() || header->base_offset != base_offset_) return damaged(path_, 0);
    first_timestamp_ms_ = header->max_timestamp_ms;
  }
  return *first_timestamp_ms_;
}

Result<TimestampOffset> Segment::find_time(int64_t timestamp_ms, int64_t from, const ReadBound& bound) const {
  Place at{base_offset_, 0};
  {
    std::lock_guard lock(index_mutex_);
    MEKONG_TRY(load_index());
    auto mark = std::partition_point(index_.marks.begin(), index_.marks.end(), [&](const Mark& one) {
      return one.max_timestamp_before_ms < timestamp_ms;
    });
    if (mark != index_.marks.begin()) at = {std::prev(mark)->offset, std::prev(mark)->position};
  }
  while (at.position < bound.position) {
    int64_t next = 0;
    MEKONG_TRY_ASSIGN(const std::string batches, whole_batches(at, bound, find_window_bytes, next));
    if (batches.empty()) break;
    for (std::string_view rest(batches); !rest.empty();) {
      MEKONG_TRY_ASSIGN(const BatchHeader header, parse_header(rest));
      const auto found = first_record_at(header, rest, from, timestamp_ms);
      if (found.offset >= 0) return found;
      rest.remove_prefix(header.size_bytes);
    }
    at = {next, at.position + batches.size()};
  }
  return TimestampOffset{};
}

}  // namespace mekong::log
