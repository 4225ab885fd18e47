#include "blob/folders.h"

namespace mekong::blob {

Status Folders::ensure(const std::string& name) {
  std::lock_guard lock(mutex_);
  if (made_.contains(name)) return ok();
  MEKONG_TRY(files_.make_directories(path(name)));
  MEKONG_TRY(files_.sync_directory(folder_));
  made_.insert(name);
  return ok();
}

}  // namespace mekong::blob
