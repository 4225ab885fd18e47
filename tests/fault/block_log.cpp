// A FUSE folder with one file, `disk`, for a loop device: each write and each flush of it goes to a log, from
// which the disk can be rebuilt as a power cut would have left it. `position` holds how many entries the log
// has by now.
//
//   block_log FOLDER IMAGE LOG     serves the IMAGE in the foreground; unmounting the FOLDER ends it
//
// An entry of the log: kind (1 write, 2 flush), offset and length, 8 bytes each in this machine's order; then
// a write's bytes. One thread serves, so the order of the entries is the order in which the disk saw them.
#define FUSE_USE_VERSION 31
#include <fcntl.h>
#include <fuse3/fuse.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>

namespace {

constexpr char disk_path[] = "/disk", position_path[] = "/position";
constexpr uint64_t kind_write = 1, kind_flush = 2;

struct BlockLog {
  int image = -1, log = -1;
  uint64_t entries = 0;
} state;  // FUSE's callbacks are plain functions

bool write_all(int descriptor, const char* bytes, size_t size) {
  while (size > 0) {
    const ssize_t written = ::write(descriptor, bytes, size);
    if (written <= 0) return false;
    bytes += written;
    size -= static_cast<size_t>(written);
  }
  return true;
}

bool note(uint64_t kind, uint64_t offset, const char* bytes, uint64_t size) {
  const uint64_t head[] = {kind, offset, size};
  char packed[sizeof head];
  std::memcpy(packed, head, sizeof head);
  if (!write_all(state.log, packed, sizeof packed) || !write_all(state.log, bytes, size)) return false;
  ++state.entries;
  return true;
}

int get_attributes(const char* path, struct stat* found, fuse_file_info*) {
  *found = {};
  found->st_nlink = 1;
  if (std::strcmp(path, "/") == 0) {
    found->st_mode = S_IFDIR | 0700;
  } else if (std::strcmp(path, disk_path) == 0) {
    struct stat image{};
    if (::fstat(state.image, &image) != 0) return -errno;
    found->st_mode = S_IFREG | 0600;
    found->st_size = image.st_size;
  } else if (std::strcmp(path, position_path) == 0) {
    found->st_mode = S_IFREG | 0400;
  } else {
    return -ENOENT;
  }
  return 0;
}

int list(const char*, void* into, fuse_fill_dir_t fill, off_t, fuse_file_info*, fuse_readdir_flags) {
  for (const char* name : {".", "..", "disk", "position"})
    fill(into, name, nullptr, 0, fuse_fill_dir_flags{});
  return 0;
}

int open_file(const char* path, fuse_file_info* file) {
  if (std::strcmp(path, position_path) == 0) file->direct_io = 1;  // its size is not known beforehand
  return 0;
}

int read_some(const char* path, char* into, size_t size, off_t offset, fuse_file_info*) {
  if (std::strcmp(path, disk_path) == 0) {
    const ssize_t got = ::pread(state.image, into, size, offset);
    return got < 0 ? -errno : static_cast<int>(got);
  }
  const std::string text = std::to_string(state.entries);
  if (static_cast<size_t>(offset) >= text.size()) return 0;
  return static_cast<int>(text.copy(into, size, static_cast<size_t>(offset)));
}

int write_some(const char*, const char* bytes, size_t size, off_t offset, fuse_file_info*) {
  if (::pwrite(state.image, bytes, size, offset) != static_cast<ssize_t>(size)) return -EIO;
  return note(kind_write, static_cast<uint64_t>(offset), bytes, size) ? static_cast<int>(size) : -EIO;
}

int flush_disk(const char*, int, fuse_file_info*) {
  return note(kind_flush, 0, "", 0) ? 0 : -EIO;
}

}  // namespace

int main(int count, char** words) {
  if (count != 4) {
    std::fprintf(stderr, "usage: block_log FOLDER IMAGE LOG\n");
    return 2;
  }
  state.image = ::open(words[2], O_RDWR | O_CLOEXEC);
  state.log = ::open(words[3], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (state.image < 0 || state.log < 0) {
    std::perror("block_log");
    return 1;
  }
  fuse_operations operations{};
  operations.getattr = get_attributes;
  operations.readdir = list;
  operations.open = open_file;
  operations.read = read_some;
  operations.write = write_some;
  operations.fsync = flush_disk;
  char foreground[] = "-f", one_thread[] = "-s";
  char* options[] = {words[0], words[1], foreground, one_thread, nullptr};
  return fuse_main(4, options, &operations, nullptr);
}
