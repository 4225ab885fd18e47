#include "log/snapshot.h"

#include <algorithm>

#include "log/partition_state.h"
#include "log/segment.h"

namespace mekong::log {
namespace {

constexpr int tries_max = 5;

Status copy_partition(os::Files& files, const std::string& from, const std::string& to) {
  MEKONG_TRY_ASSIGN(const auto entries, files.list(from));
  int64_t newest = -1;
  bool whole = false;
  for (const auto& entry : entries) {
    newest = std::max(newest, Segment::base_offset_of(entry.name).value_or(-1));
    whole = whole || from + "/" + entry.name == partition_state_path(from);
  }
  if (!whole) return ok();  // being made, or removed
  MEKONG_TRY(files.make_directories(to));
  for (const auto& entry : entries) {
    const std::string source = from + "/" + entry.name, target = to + "/" + entry.name;
    if (entry.name.ends_with(".new")) continue;  // on its way to replace another
    const bool written = entry.name == Segment::file_name(newest);
    MEKONG_TRY(written ? files.copy_file(source, target) : files.link(source, target));
  }
  return ok();
}

}  // namespace

Status copy_log(os::Files& files, const std::string& from, const std::string& to, bool stopped) {
  MEKONG_TRY_ASSIGN(const auto entries, files.list(from));
  MEKONG_TRY(files.make_directories(to));
  for (const auto& entry : entries) {
    const std::string source = from + "/" + entry.name, target = to + "/" + entry.name;
    if (!entry.is_directory) {
      if (stopped && entry.name.starts_with("journal.")) MEKONG_TRY(files.copy_file(source, target));
      if (source == positions_path(from)) MEKONG_TRY(files.link(source, target));
      continue;
    }
    // One that is opened for the first time, or removed, at this moment changes under our hands.
    auto copied = copy_partition(files, source, target);
    for (int tries = 1; !copied.ok() && copied.error().code == "ENOENT" && tries < tries_max; ++tries) {
      MEKONG_TRY(files.remove_tree(target));
      MEKONG_TRY_ASSIGN(const bool there, files.exists(source));
      copied = there ? copy_partition(files, source, target) : ok();
    }
    MEKONG_TRY(copied);
  }
  return ok();
}

}  // namespace mekong::log
