#include "log/file_cache.h"

namespace mekong::log {

Result<std::shared_ptr<os::File>> FileCache::open(const std::string& path) {
  std::lock_guard lock(mutex_);
  if (auto found = by_path_.find(path); found != by_path_.end()) {
    recent_.splice(recent_.begin(), recent_, found->second);
    return found->second->second;
  }
  MEKONG_TRY_ASSIGN(auto opened, files_.open(path, os::OpenMode::write));
  std::shared_ptr<os::File> file = std::move(opened);
  recent_.emplace_front(path, file);
  by_path_[path] = recent_.begin();
  if (recent_.size() > open_max_) {
    by_path_.erase(recent_.back().first);
    recent_.pop_back();
  }
  return file;
}

void FileCache::forget(const std::string& path) {
  std::lock_guard lock(mutex_);
  auto found = by_path_.find(path);
  if (found == by_path_.end()) return;
  recent_.erase(found->second);
  by_path_.erase(found);
}

}  // namespace mekong::log
