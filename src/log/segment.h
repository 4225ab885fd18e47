// One append-only file of record batches: `<base offset, 20 digits>.log`, batches back to back and nothing
// else, as in Kafka's own segments. The index of batch positions is sparse and kept in memory; it is rebuilt
// from the headers.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "log/batch.h"
#include "log/log.h"
#include "os/files.h"

namespace mekong::log {

class Segment {
 public:
  static std::string file_name(int64_t base_offset);
  static std::optional<int64_t> base_offset_of(const std::string& file_name);

  Segment(std::unique_ptr<os::File> file, int64_t base_offset)
      : file_(std::move(file)), base_offset_(base_offset), next_offset_(base_offset) {}

  int64_t base_offset() const { return base_offset_; }
  int64_t next_offset() const { return next_offset_; }
  uint64_t size_bytes() const { return size_bytes_; }
  int64_t max_timestamp_ms() const { return max_timestamp_ms_; }
  os::File& file() { return *file_; }

  // Notes a batch that stands at the end of what is known (written now, or found at recovery).
  void note(const BatchHeader& batch);
  // Whole batches from the one that holds `offset`, up to about `max_bytes`, none at or past `until`.
  Result<std::string> read(int64_t offset, int64_t until, size_t max_bytes) const;
  // The first batch whose largest timestamp reaches `timestamp_ms`: its offset and that timestamp.
  Result<TimestampOffset> find_time(int64_t timestamp_ms, int64_t until) const;

 private:
  struct Mark {
    int64_t offset = 0;
    uint64_t position = 0;
    int64_t max_timestamp_before_ms = -1;  // of all batches before this mark
  };
  // The header at `position`, without its records.
  Result<BatchHeader> header_at(uint64_t position) const;

  std::unique_ptr<os::File> file_;
  int64_t base_offset_, next_offset_;
  uint64_t size_bytes_ = 0, marked_bytes_ = 0;
  int64_t max_timestamp_ms_ = -1;
  std::vector<Mark> marks_;
};

}  // namespace mekong::log
