#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <mutex>
#include <new>
#include <string>
#include <vector>

#include "os/errno_error.h"
#include "os/files.h"

namespace mekong::os {
namespace {

constexpr size_t pipe_pages = 256;  // what anybody may have of a pipe

// File systems whose splice(2) and mmap(2) show the same pages, those of the page cache.
bool has_shared_pages(int descriptor) {
  struct statfs system{};
  struct statx file{};
  if (::fstatfs(descriptor, &system) != 0) return false;
  const std::array<decltype(system.f_type), 4> known{EXT4_SUPER_MAGIC, XFS_SUPER_MAGIC, BTRFS_SUPER_MAGIC,
                                                     TMPFS_MAGIC};
  if (std::find(known.begin(), known.end(), system.f_type) == known.end()) return false;
  // Memory that is the disk has no page cache.
  return ::statx(descriptor, "", AT_EMPTY_PATH, 0, &file) == 0 && (file.stx_attributes & STATX_ATTR_DAX) == 0;
}

// A pipe as large as anybody may have one.
class Pipe {
 public:
  Pipe() = default;
  Pipe(Pipe&& other) noexcept { *this = std::move(other); }
  Pipe& operator=(Pipe&& other) noexcept {
    Pipe before;
    before.swap(*this);
    swap(other);
    return *this;
  }
  ~Pipe() {
    if (from < 0) return;
    ::close(from);
    ::close(to);
    --open;
  }
  bool make(size_t bytes_max) {
    int ends[2];
    if (open >= open_max || ::pipe2(ends, O_CLOEXEC) != 0) return false;
    ++open;
    from = ends[0];
    to = ends[1];
    const int there = ::fcntl(to, F_SETPIPE_SZ, static_cast<int>(bytes_max));
    if (there < static_cast<int>(bytes_max)) *this = Pipe();
    return from >= 0;
  }

  int from = -1, to = -1;
  size_t bytes = 0;  // in it

 private:
  void swap(Pipe& other) {
    std::swap(from, other.from);
    std::swap(to, other.to);
    std::swap(bytes, other.bytes);
  }
  // Descriptors are the whole process's, and others need them more.
  static constexpr size_t open_max = 256;
  static inline std::atomic<size_t> open = 0;
};

// Empty ones that wait for their next use: to make and to end a pipe costs as much as to fill it.
class PipePool {
 public:
  Pipe take() {
    std::lock_guard lock(mutex_);
    if (idle_.empty()) return {};
    Pipe pipe = std::move(idle_.back());
    idle_.pop_back();
    return pipe;
  }
  // Emptied, for most answers end a little before what was held for them.
  void give(Pipe pipe) {
    while (pipe.bytes > 0) {
      const ssize_t dropped = ::splice(pipe.from, nullptr, nowhere_, nullptr, pipe.bytes, SPLICE_F_NONBLOCK);
      if (dropped <= 0) return;
      pipe.bytes -= static_cast<size_t>(dropped);
    }
    std::lock_guard lock(mutex_);
    if (pipe.from >= 0 && idle_.size() < idle_max) idle_.push_back(std::move(pipe));
  }

 private:
  static constexpr size_t idle_max = 16;
  const int nowhere_ = ::open("/dev/null", O_WRONLY | O_CLOEXEC);  // as long as the process
  std::mutex mutex_;
  std::vector<Pipe> idle_;
};

PipePool& pipe_pool() {
  static PipePool pool;
  return pool;
}

// The pages are in pipes: as long as a pipe has them the kernel neither gives them to anybody else nor reads
// them from the disk again. And they are mapped, to be looked at.
class PipedBytes final : public HeldBytes {
 public:
  PipedBytes() = default;
  PipedBytes(const PipedBytes&) = delete;
  PipedBytes& operator=(const PipedBytes&) = delete;
  ~PipedBytes() override {
    if (mapped_ != MAP_FAILED) ::munmap(mapped_, mapped_bytes_);
    for (Pipe& pipe : pipes_) pipe_pool().give(std::move(pipe));
  }

  bool take(int file, uint64_t offset, size_t bytes) {
    const size_t page_bytes = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
    const size_t before = offset % page_bytes;
    size_t done = 0;
    // What would be less than a page in a pipe of its own is left to the next answer.
    while (done == 0 ? bytes > 0 : bytes - done >= page_bytes) {
      const size_t room = pipe_pages * page_bytes - (offset + done) % page_bytes;
      const size_t piece = std::min(bytes - done, room);
      if (!add_pipe(file, offset + done, piece, pipe_pages * page_bytes)) return false;
      done += piece;
    }
    mapped_bytes_ = before + done;
    mapped_ =
        ::mmap(nullptr, mapped_bytes_, PROT_READ, MAP_SHARED, file, static_cast<off_t>(offset - before));
    if (mapped_ == MAP_FAILED) return false;
    bytes_ = std::string_view(static_cast<const char*>(mapped_) + before, done);
    // Now, so that what cannot be read is an error here and no signal later.
    return ::madvise(mapped_, mapped_bytes_, MADV_POPULATE_READ) == 0;
  }

  std::string_view bytes() const override { return bytes_; }

  ssize_t send_some(int socket, size_t bytes_max) override {
    while (sending_ + 1 < pipes_.size() && pipes_[sending_].bytes == 0) ++sending_;
    Pipe& pipe = pipes_[sending_];
    const size_t wanted = std::min(bytes_max, pipe.bytes);
    const ssize_t sent = ::splice(pipe.from, nullptr, socket, nullptr, wanted, SPLICE_F_NONBLOCK);
    if (sent > 0) pipe.bytes -= static_cast<size_t>(sent);
    return sent;
  }

 private:
  bool add_pipe(int file, uint64_t offset, size_t bytes, size_t pipe_bytes) {
    Pipe& pipe = pipes_.emplace_back(pipe_pool().take());
    if (pipe.from < 0 && !pipe.make(pipe_bytes)) return false;
    auto from = static_cast<loff_t>(offset);
    while (pipe.bytes < bytes) {
      const ssize_t got = ::splice(file, &from, pipe.to, nullptr, bytes - pipe.bytes, SPLICE_F_NONBLOCK);
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return false;
      pipe.bytes += static_cast<size_t>(got);
    }
    return true;
  }

  std::vector<Pipe> pipes_;
  size_t sending_ = 0;  // of them
  void* mapped_ = MAP_FAILED;
  size_t mapped_bytes_ = 0;
  std::string_view bytes_;
};

class PosixFile : public File {
 public:
  PosixFile(int descriptor, std::string path) : descriptor_(descriptor), path_(std::move(path)) {}
  ~PosixFile() override { ::close(descriptor_); }

  Result<std::string> read(uint64_t offset, size_t bytes) const override {
    std::string out;
    int failed = 0;
    // (C++23, see CMakeLists.txt: nothing is zeroed that is overwritten at once.)
    out.resize_and_overwrite(bytes, [&](char* to, size_t) {
      size_t done = 0;
      while (done < bytes) {
        const ssize_t got = ::pread(descriptor_, to + done, bytes - done, static_cast<off_t>(offset + done));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) failed = errno;
        if (got <= 0) break;
        done += static_cast<size_t>(got);
      }
      return done;
    });
    if (failed != 0) return errno_error(failed, "read", path_);
    return out;
  }

  std::unique_ptr<HeldBytes> hold(uint64_t offset, size_t bytes) const override {
    auto held = std::make_unique<PipedBytes>();
    const bool taken = bytes > 0 && has_shared_pages(descriptor_) && held->take(descriptor_, offset, bytes);
    return taken ? std::move(held) : nullptr;
  }

  Status write(uint64_t offset, std::string_view data) override {
    while (!data.empty()) {
      const ssize_t put = ::pwrite(descriptor_, data.data(), data.size(), static_cast<off_t>(offset));
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) return errno_error(errno, "write", path_);
      data.remove_prefix(static_cast<size_t>(put));
      offset += static_cast<uint64_t>(put);
    }
    return ok();
  }

  Status sync() override { return check(::fdatasync(descriptor_), "fdatasync"); }
  void begin_write_back() override { ::sync_file_range(descriptor_, 0, 0, SYNC_FILE_RANGE_WRITE); }
  Status truncate(uint64_t size) override {
    return check(::ftruncate(descriptor_, static_cast<off_t>(size)), "truncate");
  }
  Status reserve(uint64_t size) override {
    struct stat info{};
    if (::fstat(descriptor_, &info) != 0) return errno_error(errno, "fstat", path_);
    const auto held_bytes = static_cast<uint64_t>(info.st_blocks) * 512;
    MEKONG_TRY_ASSIGN(const auto left_bytes, free_bytes());
    if (size > held_bytes && left_bytes < size - held_bytes + kept_free_bytes) {
      return errno_error(ENOSPC, "fallocate", path_);
    }
    return check(::fallocate(descriptor_, FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(size)), "fallocate");
  }
  Result<uint64_t> size() const override {
    struct stat info{};
    if (::fstat(descriptor_, &info) != 0) return errno_error(errno, "fstat", path_);
    return static_cast<uint64_t>(info.st_size);
  }
  Result<uint64_t> free_bytes() const override {
    struct statvfs info{};
    if (::fstatvfs(descriptor_, &info) != 0) return errno_error(errno, "fstatvfs", path_);
    return (::geteuid() == 0 ? info.f_bfree : info.f_bavail) * info.f_frsize;
  }
  int descriptor() const override { return descriptor_; }
  const std::string& path() const { return path_; }

 private:
  Status check(int result, const char* call) const {
    if (result != 0) return errno_error(errno, call, path_);
    return ok();
  }
  int descriptor_;
  std::string path_;
};

// Whole pages go to the device, from where they are or from an aligned buffer; the first write that is none,
// usually the file's last ones, and all after it go through the page cache.
class DirectFile final : public PosixFile {
 public:
  using PosixFile::PosixFile;

  // A descriptor of its own, since the other one takes whole pages only.
  Result<std::string> read(uint64_t offset, size_t bytes) const override {
    if (!direct_) return PosixFile::read(offset, bytes);
    const std::string name = "/proc/self/fd/" + std::to_string(descriptor());
    const int plain = ::open(name.c_str(), O_RDONLY | O_CLOEXEC);
    if (plain < 0) return errno_error(errno, "open", path());
    return PosixFile(plain, path()).read(offset, bytes);
  }

  std::unique_ptr<HeldBytes> hold(uint64_t, size_t) const override { return nullptr; }

  Status write(uint64_t offset, std::string_view data) override {
    while (direct_ && offset % page_bytes == 0 && data.size() >= page_bytes) {
      const std::string_view pages = aligned(data.substr(0, data.size() / page_bytes * page_bytes));
      const ssize_t put = ::pwrite(descriptor(), pages.data(), pages.size(), static_cast<off_t>(offset));
      if (put < 0 && errno == EINTR) continue;
      // A refusal for the alignment's sake or a short write ends it; plain writes say what is wrong.
      if (put < 0 || static_cast<size_t>(put) % page_bytes != 0) break;
      data.remove_prefix(static_cast<size_t>(put));
      offset += static_cast<uint64_t>(put);
    }
    if (data.empty()) return ok();
    if (direct_ && ::fcntl(descriptor(), F_SETFL, ::fcntl(descriptor(), F_GETFL) & ~O_DIRECT) != 0) {
      return errno_error(errno, "fcntl", path());
    }
    direct_ = false;
    buffer_.reset();
    return PosixFile::write(offset, data);
  }

 private:
  struct Free {
    void operator()(char* buffer) const { ::operator delete(buffer, std::align_val_t(page_bytes)); }
  };
  static constexpr size_t page_bytes = 4096;  // at least the block of any device in use
  static constexpr size_t buffer_bytes = 1 << 20;

  // The first of these pages, at an address that the device takes.
  std::string_view aligned(std::string_view pages) {
    if (reinterpret_cast<uintptr_t>(pages.data()) % page_bytes == 0) return pages;
    if (!buffer_) {
      buffer_.reset(static_cast<char*>(::operator new(buffer_bytes, std::align_val_t(page_bytes))));
    }
    const size_t bytes = std::min(pages.size(), buffer_bytes);
    std::memcpy(buffer_.get(), pages.data(), bytes);
    return {buffer_.get(), bytes};
  }

  bool direct_ = true;
  std::unique_ptr<char, Free> buffer_;
};

int open_flags(OpenMode mode) {
  switch (mode) {
    case OpenMode::read:
      return O_RDONLY;
    case OpenMode::write:
      return O_RDWR;
    case OpenMode::create:
    case OpenMode::create_direct:
      return O_RDWR | O_CREAT;
    case OpenMode::create_new:
    case OpenMode::create_new_direct:
      return O_RDWR | O_CREAT | O_EXCL;
  }
  return O_RDONLY;
}

}  // namespace

Result<std::unique_ptr<File>> PosixFiles::open(const std::string& path, OpenMode mode) {
  const int descriptor = ::open(path.c_str(), open_flags(mode) | O_CLOEXEC, 0600);
  if (descriptor < 0) return errno_error(errno, "open", path);
  // Asked for after the file is there: a file system that cannot would refuse the open and leave the file.
  const bool direct = mode == OpenMode::create_new_direct || mode == OpenMode::create_direct;
  if (direct && ::fcntl(descriptor, F_SETFL, ::fcntl(descriptor, F_GETFL) | O_DIRECT) == 0) {
    return std::unique_ptr<File>(std::make_unique<DirectFile>(descriptor, path));
  }
  return std::unique_ptr<File>(std::make_unique<PosixFile>(descriptor, path));
}

Status PosixFiles::make_directories(const std::string& path, int mode) {
  if (::mkdir(path.c_str(), static_cast<mode_t>(mode)) == 0 || errno == EEXIST) return ok();
  for (size_t at = path.find('/', 1);; at = path.find('/', at + 1)) {
    const std::string part = path.substr(0, at);
    if (::mkdir(part.c_str(), static_cast<mode_t>(mode)) != 0 && errno != EEXIST) {
      return errno_error(errno, "mkdir", part);
    }
    if (at == std::string::npos) return ok();
  }
}

Status PosixFiles::rename(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) return errno_error(errno, "rename", from);
  return ok();
}

Status PosixFiles::remove(const std::string& path) {
  if (::remove(path.c_str()) != 0) return errno_error(errno, "remove", path);
  return ok();
}

Status PosixFiles::remove_tree(const std::string& path) {
  std::error_code error;
  std::filesystem::remove_all(path, error);
  if (error) return errno_error(error.value(), "remove", path);
  return ok();
}

Status PosixFiles::sync_directory(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return errno_error(errno, "open", path);
  const int result = ::fsync(descriptor);
  const int number = errno;
  ::close(descriptor);
  if (result != 0) return errno_error(number, "fsync", path);
  return ok();
}

Result<std::vector<DirectoryEntry>> PosixFiles::list(const std::string& path) {
  DIR* folder = ::opendir(path.c_str());
  if (folder == nullptr) return errno_error(errno, "opendir", path);
  std::vector<DirectoryEntry> out;
  errno = 0;
  while (const dirent* entry = ::readdir(folder)) {
    const std::string name = entry->d_name;
    if (name == "." || name == "..") continue;
    bool is_directory = entry->d_type == DT_DIR;
    // (A file system need not say it here, and a link says it of where it leads.)
    if (entry->d_type == DT_UNKNOWN || entry->d_type == DT_LNK) {
      struct stat info{};
      is_directory = ::stat((path + "/" + name).c_str(), &info) == 0 && S_ISDIR(info.st_mode);
    }
    out.push_back({name, is_directory});
    errno = 0;
  }
  const int number = errno;
  ::closedir(folder);
  if (number != 0) return errno_error(number, "readdir", path);
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return out;
}

Status PosixFiles::link(const std::string& from, const std::string& to) {
  if (::link(from.c_str(), to.c_str()) != 0) return errno_error(errno, "link", from);
  return ok();
}

Status PosixFiles::sync_all(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return errno_error(errno, "open", path);
  const int result = ::syncfs(descriptor);
  const int number = errno;
  ::close(descriptor);
  if (result != 0) return errno_error(number, "syncfs", path);
  return ok();
}

Result<bool> PosixFiles::exists(const std::string& path) {
  struct stat info{};
  if (::stat(path.c_str(), &info) == 0) return true;
  if (errno == ENOENT || errno == ENOTDIR) return false;
  return errno_error(errno, "stat", path);
}

}  // namespace mekong::os
