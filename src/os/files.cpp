#include "os/files.h"

namespace mekong::os {

Result<std::string> Files::read_file(const std::string& path) {
  MEKONG_TRY_ASSIGN(auto file, open(path, OpenMode::read));
  MEKONG_TRY_ASSIGN(const uint64_t bytes, file->size());
  return file->read(0, bytes);
}

Status Files::copy_file(const std::string& from, const std::string& to) {
  constexpr size_t piece_bytes = 1 << 20;
  MEKONG_TRY_ASSIGN(const auto source, open(from, OpenMode::read));
  MEKONG_TRY_ASSIGN(const auto target, open(to, OpenMode::create_new));
  for (uint64_t at = 0;;) {
    MEKONG_TRY_ASSIGN(const std::string bytes, source->read(at, piece_bytes));
    if (bytes.empty()) return ok();
    MEKONG_TRY(target->write(at, bytes));
    if (bytes.size() < piece_bytes) return ok();
    at += bytes.size();
  }
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
