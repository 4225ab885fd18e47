#include "meta/new_folder.h"

#include <rocksdb/file_system.h>

#include <algorithm>
#include <atomic>
#include <utility>
#include <vector>

namespace mekong::meta {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;

namespace {

constexpr std::string_view mark_name = "being-made";

Status status_of(const rocksdb::Status& status) {
  return status.ok() ? ok() : Status(Error{"StorageFailed", status.ToString()});
}

using Flag = std::shared_ptr<const std::atomic<bool>>;

class DeferredFile final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  DeferredFile(std::unique_ptr<rocksdb::FSWritableFile> file, Flag defers)
      : FSWritableFileOwnerWrapper(std::move(file)), defers_(std::move(defers)) {}
  IOStatus Sync(const IOOptions& options, IODebugContext* debug) override {
    return *defers_ ? IOStatus::OK() : FSWritableFileOwnerWrapper::Sync(options, debug);
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    return *defers_ ? IOStatus::OK() : FSWritableFileOwnerWrapper::Fsync(options, debug);
  }

 private:
  const Flag defers_;
};

class DeferredDirectory final : public rocksdb::FSDirectoryWrapper {
 public:
  DeferredDirectory(std::unique_ptr<rocksdb::FSDirectory> directory, Flag defers)
      : FSDirectoryWrapper(std::move(directory)), defers_(std::move(defers)) {}
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    return *defers_ ? IOStatus::OK() : FSDirectoryWrapper::Fsync(options, debug);
  }
  IOStatus FsyncWithDirOptions(const IOOptions& options, IODebugContext* debug,
                               const rocksdb::DirFsyncOptions& which) override {
    return *defers_ ? IOStatus::OK() : FSDirectoryWrapper::FsyncWithDirOptions(options, debug, which);
  }

 private:
  const Flag defers_;
};

Status sync_directory(rocksdb::Env& env, const std::string& path) {
  std::unique_ptr<rocksdb::Directory> directory;
  auto status = env.NewDirectory(path, &directory);
  if (status.ok()) status = directory->Fsync();
  return status_of(status);
}

// The lock is held by whoever looks at names here, and the log tells what was tried before.
bool is_content(const std::string& name) {
  return name != "." && name != ".." && name != "LOCK" && !name.starts_with("LOG");
}

Result<std::vector<std::string>> contents(rocksdb::Env& env, const std::string& folder) {
  std::vector<std::string> names;
  if (const auto listed = env.GetChildren(folder, &names); !listed.ok()) {
    return Error{"StorageFailed", listed.ToString()};
  }
  std::erase_if(names, [](const auto& name) { return !is_content(name); });
  return names;
}

// False: the folder is not ours to make. The lock is held.
Result<bool> mark(rocksdb::Env& env, const std::string& folder) {
  const std::string path = folder + "/" + std::string(mark_name);
  MEKONG_TRY_ASSIGN(auto names, contents(env, folder));
  if (!NewFolder::is_new(names)) return false;
  std::erase(names, mark_name);
  for (const auto& name : names) MEKONG_TRY(status_of(env.DeleteFile(folder + "/" + name)));
  MEKONG_TRY(status_of(rocksdb::WriteStringToFile(&env, "", path, false)));
  MEKONG_TRY(sync_directory(env, folder));
  MEKONG_TRY(sync_directory(env, folder.substr(0, folder.rfind('/'))));
  return true;
}

}  // namespace

class DeferredSyncs final : public rocksdb::FileSystemWrapper {
 public:
  using FileSystemWrapper::FileSystemWrapper;
  const char* Name() const override { return "mekong-deferred-syncs"; }
  IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                           std::unique_ptr<rocksdb::FSWritableFile>* out, IODebugContext* debug) override {
    auto status = FileSystemWrapper::NewWritableFile(name, options, out, debug);
    if (status.ok() && *defers_) *out = std::make_unique<DeferredFile>(std::move(*out), defers_);
    return status;
  }
  IOStatus NewDirectory(const std::string& name, const IOOptions& options,
                        std::unique_ptr<rocksdb::FSDirectory>* out, IODebugContext* debug) override {
    auto status = FileSystemWrapper::NewDirectory(name, options, out, debug);
    if (status.ok() && *defers_) *out = std::make_unique<DeferredDirectory>(std::move(*out), defers_);
    return status;
  }
  void pass_on() { *defers_ = false; }

 private:
  const std::shared_ptr<std::atomic<bool>> defers_ = std::make_shared<std::atomic<bool>>(true);
};

NewFolder::NewFolder(rocksdb::Env& base, std::string folder)
    : base_(base),
      folder_(std::move(folder)),
      files_(std::make_shared<DeferredSyncs>(base.GetFileSystem())),
      env_(rocksdb::NewCompositeEnv(files_)) {}

bool NewFolder::is_new(std::vector<std::string> names) {
  if (std::ranges::count(names, mark_name) > 0) return true;
  std::erase_if(names, [](const auto& name) { return !is_content(name); });
  return names.empty();
}

Result<std::unique_ptr<NewFolder>> NewFolder::begin(rocksdb::Env& base, const std::string& folder) {
  const bool has_store = base.FileExists(folder + "/CURRENT").ok();
  if (has_store && !base.FileExists(folder + "/" + std::string(mark_name)).ok())
    return std::unique_ptr<NewFolder>();
  MEKONG_TRY(status_of(base.CreateDirIfMissing(folder)));
  rocksdb::FileLock* lock = nullptr;
  if (const auto locked = base.LockFile(folder + "/LOCK", &lock); !locked.ok()) {
    return Error{"InUse", locked.ToString()};
  }
  const auto marked = mark(base, folder);
  const auto unlocked = base.UnlockFile(lock);
  if (!marked.ok()) return marked.error();
  MEKONG_TRY(status_of(unlocked));
  if (!*marked) return std::unique_ptr<NewFolder>();
  return std::unique_ptr<NewFolder>(new NewFolder(base, folder));
}

Status NewFolder::sync_files(const std::vector<std::string>& names) {
  for (const auto& name : names) {
    std::unique_ptr<rocksdb::WritableFile> file;
    auto status = base_.ReopenWritableFile(folder_ + "/" + name, &file, rocksdb::EnvOptions());
    if (status.ok()) status = file->Sync();
    if (status.ok()) status = file->Close();
    MEKONG_TRY(status_of(status));
  }
  return ok();
}

Status NewFolder::finish() {
  files_->pass_on();  // of what is written from here on, who writes it takes care
  MEKONG_TRY_ASSIGN(const auto names, contents(base_, folder_));
  MEKONG_TRY(sync_files(names));
  MEKONG_TRY(sync_directory(base_, folder_));
  MEKONG_TRY(status_of(base_.DeleteFile(folder_ + "/" + std::string(mark_name))));
  return sync_directory(base_, folder_);
}

}  // namespace mekong::meta
