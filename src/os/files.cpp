#include "os/files.h"

namespace mekong::os {

Result<std::string> Files::read_file(const std::string& path) {
  MEKONG_TRY_ASSIGN(auto file, open(path, OpenMode::read));
  MEKONG_TRY_ASSIGN(const uint64_t bytes, file->size());
  return file->read(0, bytes);
}

Status Files::write_file_durably(const std::string& path, std::string_view content) {
  const std::string temporary = path + ".new";
  {
    MEKONG_TRY_ASSIGN(auto file, open(temporary, OpenMode::create));
    MEKONG_TRY(file->truncate(0));
    MEKONG_TRY(file->write(0, content));
    MEKONG_TRY(file->sync());
  }
  MEKONG_TRY(rename(temporary, path));
  return sync_directory(path.substr(0, path.rfind('/')));
}

}  // namespace mekong::os
