// Files as the engines see them. Every call may block: pool threads only. Paths are absolute.
// The twin (MemoryFiles) forgets on crash() what was not synced, and fails the Nth call on demand.
#pragma once
#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace mekong::os {

// write: existing; create: existing or new. create_new_direct: create_new for much that is written from front
// to back and not read at once: whole pages go around the page cache where the file system can (O_DIRECT).
// create_direct: the same, existing or new, for what is written over and over; bytes that lie at a multiple
// of 4096 in memory, too, are not even copied. What sync() promises is the same.
enum class OpenMode { read, write, create, create_new, create_new_direct, create_direct };

// What files that hold content leave free on their disk: with it the metadata goes on, and what is stored can
// be deleted.
inline constexpr uint64_t kept_free_bytes = 64ULL << 20;

// Bytes of a file, held in memory while this lives: those that are looked at here are those that a connection
// sends (Connection::write_held), whatever becomes of the file or of the page cache meanwhile.
class HeldBytes {
 public:
  virtual ~HeldBytes() = default;
  virtual std::string_view bytes() const = 0;
  // As send(2), of what was not sent so: the next bytes, without a copy. What is sent is gone from here, but
  // for bytes().
  virtual ssize_t send_some(int socket, size_t bytes_max) = 0;
};

class File {
 public:
  virtual ~File() = default;  // closes; never syncs
  // Reads up to `bytes` at `offset`; shorter only at the end of the file.
  virtual Result<std::string> read(uint64_t offset, size_t bytes) const = 0;
  // The same where they lie in the page cache, all of them, or less than a page fewer; null where that cannot
  // be: read() tells why. For much that is sent as it is. As much as a few of the largest answers is held at
  // once, by two descriptors a mebibyte.
  virtual std::unique_ptr<HeldBytes> hold(uint64_t /*offset*/, size_t /*bytes*/) const { return nullptr; }
  // Writes all of `data` at `offset`, or fails.
  virtual Status write(uint64_t offset, std::string_view data) = 0;
  // After success the bytes (and the size) survive power loss. After failure the file's state is unknown:
  // the caller stops, it never retries (fsync semantics after PostgreSQL's fsyncgate).
  virtual Status sync() = 0;
  // A hint: what is written should be on its way to the disk, so that a later sync() has less to wait for.
  virtual void begin_write_back() {}
  virtual Status truncate(uint64_t size) = 0;
  // Reserves disk space up to `size` without changing the file's size.
  // Error "ENOSPC" also where less than kept_free_bytes would be left.
  virtual Status reserve(uint64_t size) = 0;
  // What the file system that holds it has left for this process; without end in the twin.
  virtual Result<uint64_t> free_bytes() const { return UINT64_MAX; }
  virtual Result<uint64_t> size() const = 0;
  // The descriptor, to hand to a child process; -1 in the twin.
  virtual int descriptor() const = 0;
};

struct DirectoryEntry {
  std::string name;
  bool is_directory = false;
};

class Files {
 public:
  virtual ~Files() = default;
  // Errors carry the errno's name as code: "ENOENT", "EEXIST", "ENOSPC", "EMFILE" …
  virtual Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) = 0;
  virtual Status make_directories(const std::string& path, int mode = 0700) = 0;
  virtual Status rename(const std::string& from, const std::string& to) = 0;
  virtual Status remove(const std::string& path) = 0;          // a file or an empty folder
  virtual Status remove_tree(const std::string& path) = 0;     // all below, too; missing is no error
  virtual Status sync_directory(const std::string& path) = 0;  // makes names durable
  virtual Result<std::vector<DirectoryEntry>> list(const std::string& path) = 0;  // sorted by name
  virtual Result<bool> exists(const std::string& path) = 0;
  // A second name for the same file; both are alike from then on. Errors: "EXDEV" (another file system) …
  virtual Status link(const std::string& from, const std::string& to) = 0;
  // Everything written so far to the file system that holds `path` is durable, names too.
  virtual Status sync_all(const std::string& path) = 0;

  // Whole-file helpers. write_file_durably: temporary name, sync, rename, sync of the folder.
  Result<std::string> read_file(const std::string& path);
  Status write_file_durably(const std::string& path, std::string_view content);
  Status copy_file(const std::string& from, const std::string& to);  // not synced; `to` is new
};

class PosixFiles final : public Files {
 public:
  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override;
  Status make_directories(const std::string& path, int mode = 0700) override;
  Status rename(const std::string& from, const std::string& to) override;
  Status remove(const std::string& path) override;
  Status remove_tree(const std::string& path) override;
  Status sync_directory(const std::string& path) override;
  Result<std::vector<DirectoryEntry>> list(const std::string& path) override;
  Result<bool> exists(const std::string& path) override;
  Status link(const std::string& from, const std::string& to) override;
  Status sync_all(const std::string& path) override;
};

}  // namespace mekong::os
