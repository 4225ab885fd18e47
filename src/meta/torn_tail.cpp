#include "meta/torn_tail.h"

#include <vector>

#include "meta/record_file.h"

namespace mekong::meta {
namespace {

Error failed(const rocksdb::Status& status) {
  return Error{"StorageFailed", status.ToString()};
}

// The old file or the new one, whenever the power goes.
Status cut(rocksdb::Env& env, const std::string& folder, const std::string& path, const std::string& good) {
  const std::string fresh = path + ".cut";
  auto status = rocksdb::WriteStringToFile(&env, good, fresh, true);
  if (status.ok()) status = env.RenameFile(fresh, path);
  std::unique_ptr<rocksdb::Directory> directory;
  if (status.ok()) status = env.NewDirectory(folder, &directory);
  if (status.ok()) status = directory->Fsync();
  if (!status.ok()) return failed(status);
  return ok();
}

Status cut_all(rocksdb::Env& env, const std::string& folder) {
  std::vector<std::string> names;
  if (const auto listed = env.GetChildren(folder, &names); !listed.ok()) return failed(listed);
  for (const auto& name : names) {
    if (!name.ends_with(".log")) continue;
    const std::string path = folder + "/" + name;
    std::string content;
    if (const auto read = rocksdb::ReadFileToString(&env, path, &content); !read.ok()) return failed(read);
    const auto end = examine_record_file(content);
    if (end.kind == RecordFileEnd::Kind::damaged) {
      return Error{"StorageFailed", path + ": damaged at byte " + std::to_string(end.offset) +
                                        "; mekong verify names what else is"};
    }
    if (end.kind != RecordFileEnd::Kind::torn) continue;
    content.resize(end.offset);
    MEKONG_TRY(cut(env, folder, path, content));
  }
  return ok();
}

}  // namespace

Status cut_torn_tails(rocksdb::Env& env, const std::string& folder) {
  if (env.FileExists(folder + "/CURRENT").IsNotFound()) return ok();
  rocksdb::FileLock* lock = nullptr;
  if (const auto locked = env.LockFile(folder + "/LOCK", &lock); !locked.ok()) {
    return Error{"InUse", locked.ToString()};
  }
  auto done = cut_all(env, folder);
  const auto unlocked = env.UnlockFile(lock);
  if (done.ok() && !unlocked.ok()) return failed(unlocked);
  return done;
}

}  // namespace mekong::meta
