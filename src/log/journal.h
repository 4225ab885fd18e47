// The journal in front of the segments: small appends to many partitions are made durable by one write and
// one sync here, and reach their segments behind it. Two files take turns; a file is written again from its
// beginning once all that it holds is durable in the segments.
//
// A record, one for each round of the committer, integers big endian:
//
//    0  magic "MKJ1"        4      32  sequence          8
//    4  CRC32C of 8…end     4      40  synced sequence   8   records up to it were durable when this was
//    8  salt                8      48  body bytes        4   written
//   16  generation          8      52  entries           4   then the entries:
//   24  freed generation    8
//        kind 1 (0 bytes, 1 extent) · id length 2 · partition id · segment 8 · position 8 · length 4 · bytes
//        zeros, part of the body, up to the next page of 4096 bytes
//
// Records begin and end with pages so that they go around the page cache (os::OpenMode::create_direct).
// An extent says that so many bytes were written to the segment and synced there; its bytes are not repeated.
// A bad record ends the journal, unless a good one after it says that it was durable: that is damage. The
// salt, new with each start and known to nobody, tells records from what clients wrote to look like them.
// One thread (the committer's), but for the constructor.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "os/files.h"

namespace mekong::log {

struct JournalEntry {
  std::string_view partition;
  int64_t segment = 0;  // its base offset
  uint64_t position = 0;
  uint64_t size_bytes = 0;
  std::string_view bytes = {};               // as it is replayed; empty: an extent
  std::span<const std::string> pieces = {};  // as it is appended, one after the other; empty: an extent
};

class Journal {
 public:
  // Where a last record lies that is not whole, torn or damaged: it was not applied. No file: none.
  struct Torn {
    std::string file;
    uint64_t offset = 0;
  };
  // Calls `apply` for each entry that a crash has left, in order. Changes nothing itself.
  // Error: KAFKA_STORAGE_ERROR, the journal is damaged; its fields are "File" and "Offset".
  static Result<Torn> replay(os::Files& files, const std::string& folder,
                             const std::function<Status(const JournalEntry&)>& apply);
  // Empties both files and begins. `salt`: from os::Random.
  static Result<std::unique_ptr<Journal>> start(os::Files& files, const std::string& folder, uint64_t salt,
                                                uint64_t file_bytes_max);

  // At most, of a record and of each entry beside its bytes.
  static constexpr uint64_t record_overhead_bytes = 4200, entry_overhead_bytes = 200;
  // Disk space for that many bytes more; a failure changes nothing.
  Status reserve(uint64_t bytes);
  // Writes one record; durable after success with `sync`. After a failure the caller stops.
  Status append(const std::vector<JournalEntry>& entries, bool sync);
  uint64_t position() const { return position_; }  // in the current file
  bool full() const { return position_ >= file_bytes_max_; }
  // What the other file holds is durable in the segments.
  void free_other() { freed_ = generation_ - 1; }
  // Goes to the other file. It must be freed, durably: the first append with `sync` after free_other().
  bool may_turn() const { return synced_freed_ + 1 == generation_; }
  void turn();
  // At the end, with everything durable in the segments: nothing is left to be replayed.
  Status clear();

 private:
  struct Free {
    void operator()(char* buffer) const;
  };

  Journal(uint64_t salt, uint64_t file_bytes_max) : salt_(salt), file_bytes_max_(file_bytes_max) {}
  size_t bytes_to_write(size_t record_bytes) const;
  void make_room(size_t bytes);
  void put_record(const std::vector<JournalEntry>& entries, size_t record_bytes);

  const uint64_t salt_, file_bytes_max_;
  std::unique_ptr<os::File> files_[2];
  uint64_t reserved_[2] = {0, 0};
  uint64_t written_[2] = {0, 0};        // each file's blocks up to here hold something
  bool reserves_ = true;                // the file system can
  std::unique_ptr<char, Free> buffer_;  // of whole pages; what the next write is made of
  size_t buffer_bytes_ = 0;
  int current_ = 0;
  uint64_t position_ = 0;
  uint64_t generation_ = 1;
  uint64_t sequence_ = 0, synced_sequence_ = 0;
  uint64_t freed_ = 0, synced_freed_ = 0;
};

}  // namespace mekong::log
