#include "log/snapshot.h"

#include <algorithm>
#include <atomic>
#include <set>
#include <vector>

#include "log/beside.h"
#include "log/partition_state.h"
#include "log/segment.h"

namespace mekong::log {
namespace {

constexpr int tries_max = 5;
constexpr size_t folders_alone_max = 64;  // more are copied by two threads: it is the kernel's work

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

// Where a server runs, one that is opened for the first time, or removed, at this moment changes under our
// hands.
Status copy_moving(os::Files& files, const std::string& from, const std::string& to) {
  auto copied = copy_partition(files, from, to);
  for (int tries = 1; !copied.ok() && copied.error().code == "ENOENT" && tries < tries_max; ++tries) {
    MEKONG_TRY(files.remove_tree(to));
    MEKONG_TRY_ASSIGN(const bool there, files.exists(from));
    copied = there ? copy_partition(files, from, to) : ok();
  }
  return copied;
}

// Calls `copy` for each of them, from two threads where there are many. The first error ends it.
Status each_folder(const std::vector<std::string>& names,
                   const std::function<Status(const std::string& name)>& copy) {
  std::atomic<size_t> next = 0;
  std::atomic<bool> failed = false;
  const auto work = [&]() -> Status {
    for (size_t i = next++; i < names.size() && !failed; i = next++) {
      if (auto copied = copy(names[i]); !copied.ok()) {
        failed = true;
        return copied;
      }
    }
    return ok();
  };
  if (names.size() <= folders_alone_max) return work();
  Beside beside;
  beside.begin(work);
  auto here = work();
  auto there = beside.end();
  return here.ok() ? there : here;
}

}  // namespace

Status copy_log(os::Files& files, const std::string& from, const std::string& to, bool stopped) {
  MEKONG_TRY_ASSIGN(const auto entries, files.list(from));
  MEKONG_TRY(files.make_directories(to));
  std::vector<std::string> partitions;
  for (const auto& entry : entries) {
    const std::string source = from + "/" + entry.name, target = to + "/" + entry.name;
    if (entry.is_directory) {
      partitions.push_back(entry.name);
    } else if (stopped && entry.name.starts_with("journal.")) {
      MEKONG_TRY(files.copy_file(source, target));
    } else if (source == positions_path(from)) {
      MEKONG_TRY(files.link(source, target));
    }
  }
  const auto copy = stopped ? copy_partition : copy_moving;
  return each_folder(
      partitions, [&](const std::string& name) { return copy(files, from + "/" + name, to + "/" + name); });
}

Status refresh_copy(os::Files& files, const std::string& from, const std::string& to,
                    const std::function<bool(const std::string& partition)>& changed) {
  MEKONG_TRY_ASSIGN(const auto sources, files.list(from));
  MEKONG_TRY_ASSIGN(const auto copies, files.list(to));
  std::set<std::string> there, copied;
  for (const auto& entry : sources) {
    if (entry.is_directory) there.insert(entry.name);
  }
  for (const auto& entry : copies) {
    if (!entry.is_directory) continue;
    copied.insert(entry.name);
    if (!there.contains(entry.name)) MEKONG_TRY(files.remove_tree(to + "/" + entry.name));
  }
  std::vector<std::string> again;
  for (const auto& name : there) {
    if (!copied.contains(name) || changed(name)) again.push_back(name);
  }
  return each_folder(again, [&](const std::string& name) -> Status {
    MEKONG_TRY(files.remove_tree(to + "/" + name));
    return copy_moving(files, from + "/" + name, to + "/" + name);
  });
}

}  // namespace mekong::log
