#include "log/segment.h"

#include <algorithm>
#include <cstdio>

namespace mekong::log {
namespace {
constexpr uint64_t mark_every_bytes = 4096;  // Kafka's index.interval.bytes
}

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

void Segment::note(const BatchHeader& batch) {
  if (marks_.empty() || size_bytes_ - marked_bytes_ >= mark_every_bytes) {
    marks_.push_back({batch.base_offset, size_bytes_, max_timestamp_ms_});
    marked_bytes_ = size_bytes_;
  }
  size_bytes_ += batch.size_bytes;
  next_offset_ = batch.last_offset() + 1;
  max_timestamp_ms_ = std::max(max_timestamp_ms_, batch.max_timestamp_ms);
}

Result<BatchHeader> Segment::header_at(uint64_t position) const {
  MEKONG_TRY_ASSIGN(const std::string bytes, file_->read(position, batch_header_bytes));
  return parse_header(bytes);
}

Result<std::string> Segment::read(int64_t offset, int64_t until, size_t max_bytes) const {
  auto mark = std::upper_bound(marks_.begin(), marks_.end(), offset,
                               [](int64_t wanted, const Mark& at) { return wanted < at.offset; });
  if (mark == marks_.begin()) return std::string();
  uint64_t position = std::prev(mark)->position;
  while (position < size_bytes_) {
    MEKONG_TRY_ASSIGN(const BatchHeader header, header_at(position));
    if (header.last_offset() >= offset) break;
    position += header.size_bytes;
  }
  if (position >= size_bytes_) return std::string();

  MEKONG_TRY_ASSIGN(const BatchHeader first, header_at(position));
  const size_t wanted = std::min<uint64_t>(std::max(max_bytes, first.size_bytes), size_bytes_ - position);
  MEKONG_TRY_ASSIGN(std::string bytes, file_->read(position, wanted));
  size_t whole = 0;
  while (bytes.size() - whole >= batch_header_bytes) {
    MEKONG_TRY_ASSIGN(const BatchHeader header, parse_header(std::string_view(bytes).substr(whole)));
    if (header.base_offset >= until || bytes.size() - whole < header.size_bytes) break;
    whole += header.size_bytes;
  }
  bytes.resize(whole);
  return bytes;
}

Result<TimestampOffset> Segment::find_time(int64_t timestamp_ms, int64_t until) const {
  auto mark = std::partition_point(marks_.begin(), marks_.end(),
                                   [&](const Mark& at) { return at.max_timestamp_before_ms < timestamp_ms; });
  uint64_t position = mark == marks_.begin() ? 0 : std::prev(mark)->position;
  while (position < size_bytes_) {
    MEKONG_TRY_ASSIGN(const BatchHeader header, header_at(position));
    if (header.base_offset >= until) break;
    if (header.max_timestamp_ms >= timestamp_ms) {
      return TimestampOffset{header.base_offset, header.max_timestamp_ms};
    }
    position += header.size_bytes;
  }
  return TimestampOffset{};
}

}  // namespace mekong::log
