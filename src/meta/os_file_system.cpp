#include "meta/os_file_system.h"

#include <rocksdb/env.h>

#include <algorithm>
#include <cstring>
#include <mutex>
#include <set>
#include <utility>

namespace mekong::meta {
namespace {

using rocksdb::FileOptions;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

IOStatus status_of(const Error& error) {
  if (error.code == "ENOENT") return IOStatus::PathNotFound(error.message);
  if (error.code == "ENOSPC") return IOStatus::NoSpace(error.message);
  return IOStatus::IOError(error.code, error.message);
}
IOStatus status_of(const Status& status) {
  return status.ok() ? IOStatus::OK() : status_of(status.error());
}

IOStatus read_into(const os::File& file, uint64_t offset, size_t bytes, Slice* result, char* scratch) {
  auto got = file.read(offset, bytes);
  if (!got.ok()) return status_of(got.error());
  std::memcpy(scratch, got->data(), got->size());
  *result = Slice(scratch, got->size());
  return IOStatus::OK();
}

class SequentialFile final : public rocksdb::FSSequentialFile {
 public:
  explicit SequentialFile(std::unique_ptr<os::File> file) : file_(std::move(file)) {}
  IOStatus Read(size_t bytes, const IOOptions&, Slice* result, char* scratch, IODebugContext*) override {
    auto status = read_into(*file_, at_, bytes, result, scratch);
    if (status.ok()) at_ += result->size();
    return status;
  }
  IOStatus Skip(uint64_t bytes) override {
    at_ += bytes;
    return IOStatus::OK();
  }

 private:
  std::unique_ptr<os::File> file_;
  uint64_t at_ = 0;
};

class RandomAccessFile final : public rocksdb::FSRandomAccessFile {
 public:
  explicit RandomAccessFile(std::unique_ptr<os::File> file) : file_(std::move(file)) {}
  IOStatus Read(uint64_t offset, size_t bytes, const IOOptions&, Slice* result, char* scratch,
                IODebugContext*) const override {
    return read_into(*file_, offset, bytes, result, scratch);
  }

 private:
  std::unique_ptr<os::File> file_;
};

class WritableFile final : public rocksdb::FSWritableFile {
 public:
  WritableFile(std::unique_ptr<os::File> file, uint64_t size) : file_(std::move(file)), size_(size) {}
  using FSWritableFile::Append;
  IOStatus Append(const Slice& data, const IOOptions&, IODebugContext*) override {
    auto written = file_->write(size_, std::string_view(data.data(), data.size()));
    if (written.ok()) size_ += data.size();
    return status_of(written);
  }
  IOStatus Truncate(uint64_t size, const IOOptions&, IODebugContext*) override {
    auto done = file_->truncate(size);
    if (done.ok()) size_ = size;
    return status_of(done);
  }
  IOStatus Close(const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }
  IOStatus Flush(const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }
  IOStatus Sync(const IOOptions&, IODebugContext*) override { return status_of(file_->sync()); }
  uint64_t GetFileSize(const IOOptions&, IODebugContext*) override { return size_; }

 private:
  std::unique_ptr<os::File> file_;
  uint64_t size_;
};

class Directory final : public rocksdb::FSDirectory {
 public:
  Directory(os::Files& files, std::string path) : files_(files), path_(std::move(path)) {}
  IOStatus Fsync(const IOOptions&, IODebugContext*) override {
    return status_of(files_.sync_directory(path_));
  }

 private:
  os::Files& files_;
  std::string path_;
};

class NoLogger final : public rocksdb::Logger {
 public:
  using Logger::Logv;
  void Logv(const char*, va_list) override {}
};

class OsFileSystem final : public rocksdb::FileSystem {
 public:
  explicit OsFileSystem(os::Files& files) : files_(files) {}
  const char* Name() const override { return "mekong-os"; }

  IOStatus NewSequentialFile(const std::string& name, const FileOptions&,
                             std::unique_ptr<rocksdb::FSSequentialFile>* out, IODebugContext*) override {
    return open<SequentialFile>(name, out);
  }
  IOStatus NewRandomAccessFile(const std::string& name, const FileOptions&,
                               std::unique_ptr<rocksdb::FSRandomAccessFile>* out, IODebugContext*) override {
    return open<RandomAccessFile>(name, out);
  }
  IOStatus NewWritableFile(const std::string& name, const FileOptions&,
                           std::unique_ptr<rocksdb::FSWritableFile>* out, IODebugContext*) override {
    auto file = files_.open(name, os::OpenMode::create);
    if (!file.ok()) return status_of(file.error());
    auto emptied = (*file)->truncate(0);
    if (!emptied.ok()) return status_of(emptied.error());
    *out = std::make_unique<WritableFile>(std::move(*file), 0);
    return IOStatus::OK();
  }
  IOStatus ReopenWritableFile(const std::string& name, const FileOptions&,
                              std::unique_ptr<rocksdb::FSWritableFile>* out, IODebugContext*) override {
    auto file = files_.open(name, os::OpenMode::write);
    if (!file.ok()) return status_of(file.error());
    const auto size = (*file)->size();
    if (!size.ok()) return status_of(size.error());
    *out = std::make_unique<WritableFile>(std::move(*file), *size);
    return IOStatus::OK();
  }
  IOStatus NewDirectory(const std::string& name, const IOOptions&, std::unique_ptr<rocksdb::FSDirectory>* out,
                        IODebugContext*) override {
    *out = std::make_unique<Directory>(files_, without_slash(name));
    return IOStatus::OK();
  }

  IOStatus FileExists(const std::string& name, const IOOptions&, IODebugContext*) override {
    auto exists = files_.exists(without_slash(name));
    if (!exists.ok()) return status_of(exists.error());
    return *exists ? IOStatus::OK() : IOStatus::NotFound();
  }
  IOStatus GetChildren(const std::string& folder, const IOOptions&, std::vector<std::string>* out,
                       IODebugContext*) override {
    auto entries = files_.list(without_slash(folder));
    if (!entries.ok()) return status_of(entries.error());
    out->clear();
    for (auto& entry : *entries) out->push_back(std::move(entry.name));
    return IOStatus::OK();
  }
  IOStatus DeleteFile(const std::string& name, const IOOptions&, IODebugContext*) override {
    return status_of(files_.remove(name));
  }
  IOStatus CreateDir(const std::string& name, const IOOptions&, IODebugContext*) override {
    return status_of(files_.make_directories(without_slash(name)));
  }
  IOStatus CreateDirIfMissing(const std::string& name, const IOOptions&, IODebugContext*) override {
    return status_of(files_.make_directories(without_slash(name)));
  }
  IOStatus DeleteDir(const std::string& name, const IOOptions&, IODebugContext*) override {
    return status_of(files_.remove(without_slash(name)));
  }
  IOStatus GetFileSize(const std::string& name, const IOOptions&, uint64_t* out, IODebugContext*) override {
    auto file = files_.open(name, os::OpenMode::read);
    if (!file.ok()) return status_of(file.error());
    auto size = (*file)->size();
    if (!size.ok()) return status_of(size.error());
    *out = *size;
    return IOStatus::OK();
  }
  IOStatus GetFileModificationTime(const std::string&, const IOOptions&, uint64_t* out,
                                   IODebugContext*) override {
    *out = 0;
    return IOStatus::OK();
  }
  IOStatus IsDirectory(const std::string& name, const IOOptions&, bool* out, IODebugContext*) override {
    *out = files_.list(without_slash(name)).ok();
    return IOStatus::OK();
  }
  IOStatus RenameFile(const std::string& from, const std::string& to, const IOOptions&,
                      IODebugContext*) override {
    return status_of(files_.rename(from, to));
  }
  IOStatus LinkFile(const std::string& from, const std::string& to, const IOOptions&,
                    IODebugContext*) override {
    return status_of(files_.link(from, to));
  }
  IOStatus LockFile(const std::string& name, const IOOptions&, rocksdb::FileLock** out,
                    IODebugContext*) override {
    std::lock_guard lock(mutex_);
    if (!locked_.insert(name).second) return IOStatus::IOError("lock " + name, "held");
    *out = new Lock(name);
    return IOStatus::OK();
  }
  IOStatus UnlockFile(rocksdb::FileLock* held, const IOOptions&, IODebugContext*) override {
    std::unique_ptr<Lock> owned(static_cast<Lock*>(held));
    std::lock_guard lock(mutex_);
    locked_.erase(owned->name);
    return IOStatus::OK();
  }
  IOStatus GetTestDirectory(const IOOptions&, std::string* out, IODebugContext*) override {
    *out = "/test";
    return IOStatus::OK();
  }
  IOStatus NewLogger(const std::string&, const IOOptions&, std::shared_ptr<rocksdb::Logger>* out,
                     IODebugContext*) override {
    *out = std::make_shared<NoLogger>();
    return IOStatus::OK();
  }
  IOStatus GetAbsolutePath(const std::string& path, const IOOptions&, std::string* out,
                           IODebugContext*) override {
    *out = path;
    return IOStatus::OK();
  }

 private:
  struct Lock final : rocksdb::FileLock {
    explicit Lock(std::string held) : name(std::move(held)) {}
    std::string name;
  };
  static std::string without_slash(const std::string& path) {
    return path.ends_with('/') ? path.substr(0, path.size() - 1) : path;
  }
  template <class Kind, class Out>
  IOStatus open(const std::string& name, Out* out) {
    auto file = files_.open(name, os::OpenMode::read);
    if (!file.ok()) return status_of(file.error());
    *out = std::make_unique<Kind>(std::move(*file));
    return IOStatus::OK();
  }

  os::Files& files_;
  std::mutex mutex_;
  std::set<std::string> locked_;
};

}  // namespace

std::shared_ptr<rocksdb::FileSystem> make_os_file_system(os::Files& files) {
  return std::make_shared<OsFileSystem>(files);
}

}  // namespace mekong::meta
