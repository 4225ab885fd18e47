// One append-only file of record batches: `<base offset, 20 digits>.log`, batches back to back and nothing
// else, as in Kafka's own segments. Its index of offsets, positions and times is sparse. Once the segment is
// sealed the index lies beside it (`.index`, rebuilt from the batches where it is missing or does not fit),
// and is in memory only while the segment is read. What came last may wait in memory for being written with
// what comes next; readers find it there.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "log/batch.h"
#include "log/file_cache.h"
#include "log/log.h"

namespace mekong::log {

// What a read may return: nothing at or past `offset`, nothing past `position` of the file.
struct ReadBound {
  int64_t offset = 0;
  uint64_t position = 0;
};

// Whole ones, copied, or the first so many bytes of what is held.
struct Batches {
  std::string copied;
  std::shared_ptr<os::HeldBytes> held = {};
  size_t held_bytes = 0;
  size_t size() const { return held ? held_bytes : copied.size(); }
};

class Segment {
 public:
  static std::string file_name(int64_t base_offset);
  static std::optional<int64_t> base_offset_of(const std::string& file_name);

  // `path`: of the .log file.
  Segment(FileCache& cache, std::string path, int64_t base_offset)
      : cache_(cache), path_(std::move(path)), base_offset_(base_offset), next_offset_(base_offset) {}

  int64_t base_offset() const { return base_offset_; }
  int64_t next_offset() const { return next_offset_; }
  uint64_t size_bytes() const { return size_bytes_; }  // with what is gathered
  const std::string& path() const { return path_; }
  std::string index_path() const;
  Result<std::shared_ptr<os::File>> file() const { return cache_.open(path_); }

  // Of the segment that is written: notes a batch that stands at the end of what is known.
  void note(const BatchHeader& batch);
  // Of the segment that is written, its writer's thread: keeps these bytes, the next ones after what is
  // there, in memory. `file` is the segment's, kept for them: to write them needs no descriptor more.
  void gather(uint64_t position, std::span<const std::string> pieces, std::shared_ptr<os::File> file);
  size_t gathered_bytes() const { return gathered_.size(); }
  // Of memory, for it.
  size_t gathered_memory_bytes() const { return gathered_.empty() ? 0 : gathered_.capacity(); }
  // To the file; not synced.
  Status write_gathered();
  // Reads all batches, verifies them and calls `visit`, until one is bad. Notes them as note() does. Returns
  // where the good ones end.
  Result<uint64_t> scan(const std::function<Status(const BatchHeader&)>& visit);
  // It ends here and is not written any more; `next_offset`: where the next segment begins.
  void seal(int64_t next_offset);
  // Of a sealed segment that was not scanned: its size and end are known, the rest when asked for.
  void seal_unread(uint64_t size_bytes, int64_t next_offset);
  bool sealed() const { return sealed_; }
  Status save_index(os::Files& files) const;
  // Of an index as it lies on disk. Error: it is damaged, or not that of its segment.
  static Status check_saved_index(os::Files& files, const std::string& index_path);
  // Memory back, where a saved index can be read again.
  void drop_index();

  // Whole batches from the one that holds `offset`, up to about `max_bytes`, at least one. `next`: the offset
  // after them.
  Result<Batches> read(int64_t offset, const ReadBound& bound, size_t max_bytes, ReadAs as,
                       int64_t& next) const;
  Result<int64_t> max_timestamp_ms() const;
  Result<int64_t> first_timestamp_ms() const;  // of the first batch, its largest; -1: there is none
  // The first record from the offset `from` on that is no older than `timestamp_ms`.
  Result<TimestampOffset> find_time(int64_t timestamp_ms, int64_t from, const ReadBound& bound) const;

 private:
  struct Mark {
    int64_t offset = 0;
    uint64_t position = 0;
    int64_t max_timestamp_before_ms = -1;  // of all batches before this mark
  };
  struct Index {
    std::vector<Mark> marks;
    int64_t max_timestamp_ms = -1;
    uint64_t marked_bytes = 0;
  };
  Status load_index() const;  // index_mutex_ held
  bool read_saved_index() const;
  static Result<Index> decode_index(std::string_view bytes, uint64_t segment_bytes);
  // A batch's own offset, and where it lies.
  struct Place {
    int64_t offset = 0;
    uint64_t position = 0;
  };
  Result<Place> start_of(int64_t offset) const;
  // Up to so many bytes, from the file and from memory.
  Result<std::string> bytes_at(uint64_t position, size_t bytes) const;
  Result<Place> batch_with(int64_t offset, uint64_t until) const;
  void remember(int64_t offset, uint64_t position) const;
  Result<size_t> whole_bytes(std::string_view bytes, Place from, const ReadBound& bound, int64_t& next) const;
  Result<Batches> held_batches(Place from, const ReadBound& bound, size_t max_bytes, int64_t& next) const;
  Result<std::string> whole_batches(Place from, const ReadBound& bound, size_t max_bytes,
                                    int64_t& next) const;

  FileCache& cache_;
  const std::string path_;
  const int64_t base_offset_;
  int64_t next_offset_;
  uint64_t size_bytes_ = 0;
  bool sealed_ = false;

  mutable std::mutex gathered_mutex_;  // guards these two for those who are not the writer
  std::string gathered_;
  uint64_t gathered_at_ = 0;  // of the file
  std::shared_ptr<os::File> gathered_file_;

  mutable std::mutex index_mutex_;  // guards all below
  mutable bool indexed_ = true;
  mutable Index index_;
  mutable std::optional<int64_t> first_timestamp_ms_;
  mutable Place cursors_[4] = {{-1}, {-1}, {-1}, {-1}};  // where the latest reads ended: readers go on there
  mutable size_t next_cursor_ = 0;
};

}  // namespace mekong::log
