#include "app/snapshots.h"
#include "app/metadata.h"

#include <algorithm>
#include <cctype>

#include "codec/record.h"
#include "codec/time.h"
#include "jobs/supervisor.h"
#include "log/snapshot.h"
#include "services/msk/clusters.h"

namespace mekong::app {
namespace {

constexpr size_t name_bytes_max = 100;
const char* const parts[] = {"meta", "log", "blobs"};

// Of a snapshot that is being made, or removed.
constexpr std::string_view part_suffix = ".part";

bool valid_name(const std::string& name) {
  return !name.empty() && name.size() <= name_bytes_max && name.front() != '.' &&
         !name.ends_with(part_suffix) && std::all_of(name.begin(), name.end(), [](unsigned char c) {
           return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.';
         });
}

Error invalid_name(const std::string& name) {
  return {
      "InvalidArgument",
      "'" + name + "' is no snapshot's name: letters, digits, '-', '_' and '.', without '.part' at the end"};
}

// Tables never change. Everything else of RocksDB's is copied; its lock and its own log stay.
Status copy_meta(os::Files& files, const std::string& from, const std::string& to) {
  MEKONG_TRY_ASSIGN(const auto entries, files.list(from));
  MEKONG_TRY(files.make_directories(to));
  for (const auto& entry : entries) {
    if (entry.is_directory || entry.name == "LOCK" || entry.name.starts_with("LOG")) continue;
    const std::string source = from + "/" + entry.name, target = to + "/" + entry.name;
    MEKONG_TRY(entry.name.ends_with(".sst") ? files.link(source, target) : files.copy_file(source, target));
  }
  return ok();
}

// A content's file is written once. Where a server runs, one that goes meanwhile was named by nothing.
Status link_contents(os::Files& files, const std::string& from, const std::string& to, bool stopped) {
  MEKONG_TRY(files.make_directories(to));
  MEKONG_TRY_ASSIGN(const auto folders, files.list(from));
  for (const auto& folder : folders) {
    if (!folder.is_directory) continue;
    MEKONG_TRY(files.make_directories(to + "/" + folder.name));
    MEKONG_TRY_ASSIGN(const auto entries, files.list(from + "/" + folder.name));
    for (const auto& entry : entries) {
      const std::string name = "/" + folder.name + "/" + entry.name;
      const auto linked = files.link(from + name, to + name);
      if (!linked.ok() && (stopped || linked.error().code != "ENOENT")) return linked;
    }
  }
  return ok();
}

Status copy_stopped(os::Files& files, const DataFolder& from, const std::string& to) {
  MEKONG_TRY(log::copy_log(files, from.log(), to + "/log", true));
  MEKONG_TRY(copy_meta(files, from.meta(), to + "/meta"));
  return link_contents(files, from.blobs(), to + "/blobs", true);
}

// Of a restore, those that are not in their place yet. What the others replaced is kept until all are.
Result<std::vector<std::string>> waiting_parts(os::Files& files, const DataFolder& folder) {
  const std::string fresh = folder.path() + "/restoring/", old = folder.path() + "/replaced/";
  std::vector<std::string> waiting, placed;
  for (const char* part : parts) {
    MEKONG_TRY_ASSIGN(const bool waits, files.exists(fresh + part));
    (waits ? waiting : placed).emplace_back(part);
  }
  for (const auto& part : placed) {
    MEKONG_TRY_ASSIGN(const bool there, files.exists(folder.path() + "/" + part));
    MEKONG_TRY_ASSIGN(const bool replaced, files.exists(old + part));
    if (there && (replaced || waiting.empty())) continue;
    return Error{"StorageFailed", fresh + part + " is missing: what is to be restored is not whole"};
  }
  return waiting;
}

Status exchange(os::Files& files, const DataFolder& folder, const std::string& part) {
  const std::string there = folder.path() + "/" + part, fresh = folder.path() + "/restoring",
                    old = folder.path() + "/replaced";
  MEKONG_TRY_ASSIGN(const bool exists, files.exists(there));
  // One after the other, also on a file system that does not keep the order of what is not synced.
  if (exists) {
    MEKONG_TRY(files.rename(there, old + "/" + part));
  } else {
    MEKONG_TRY(files.make_directories(old + "/" + part));  // says that it was exchanged
  }
  MEKONG_TRY(files.sync_directory(old));
  MEKONG_TRY(files.sync_directory(folder.path()));
  MEKONG_TRY(files.rename(fresh + "/" + part, there));
  MEKONG_TRY(files.sync_directory(folder.path()));
  return files.sync_directory(fresh);
}

// The jobs that run are the other folder's; so are a fork's ports.
Status let_go(os::Files& files, const DataFolder& made, CopyKind kind) {
  MEKONG_TRY_ASSIGN(const auto meta, open_metadata(files, made, {"jobs", "msk"}, meta::Durability::sync));
  MEKONG_TRY(jobs::forget_running(*meta));
  return kind == CopyKind::fork ? msk::release_ports(*meta) : ok();
}

}  // namespace

std::string Snapshots::part_of(const std::string& name) const {
  return path_of(name) + std::string(part_suffix);
}

Status Snapshots::copy_running(const std::string& target, const RunningEngines& running, SnapshotNote& note) {
  return running.blobs.while_kept([&]() -> Status {
    int64_t paused_ns = 0;
    MEKONG_TRY(running.log.snapshot(target + "/log", [&](int64_t began_ns) -> Status {
      MEKONG_TRY(running.meta.checkpoint(target + "/meta"));
      paused_ns = clock_.monotonic_ns() - began_ns;
      return ok();
    }));
    note.pause_milliseconds = paused_ns / 1'000'000;
    // What the metadata names is there, and stays meanwhile.
    return link_contents(files_, folder_.blobs(), target + "/blobs", false);
  });
}

Result<SnapshotNote> Snapshots::copy(const std::string& name, const std::string& target,
                                     const std::string& making, CopyKind kind,
                                     const RunningEngines* running) {
  MEKONG_TRY_ASSIGN(const bool exists, files_.exists(target));
  if (exists) return Error{"AlreadyExists", target + " exists"};
  SnapshotNote note{.name = name, .path = target, .version = MEKONG_VERSION};
  note.created = codec::format_iso8601(clock_.wall_ms());
  const int64_t began_ns = clock_.monotonic_ns();
  MEKONG_TRY(files_.make_directories(making));
  auto copied =
      running != nullptr ? copy_running(making, *running, note) : copy_stopped(files_, folder_, making);
  if (copied.ok()) copied = files_.copy_file(folder_.authority_certificate(), making + "/ca.pem");
  if (copied.ok()) copied = files_.copy_file(folder_.authority_key(), making + "/ca-key.pem");
  if (copied.ok()) copied = let_go(files_, DataFolder(files_, making), kind);
  if (copied.ok()) copied = files_.sync_all(making);
  note.milliseconds = (clock_.monotonic_ns() - began_ns) / 1'000'000;
  if (copied.ok()) copied = files_.write_file_durably(making + "/snapshot.json", codec::encode_record(note));
  if (copied.ok()) copied = files_.rename(making, target);
  if (copied.ok()) copied = files_.sync_directory(target.substr(0, target.rfind('/')));
  if (copied.ok()) return note;
  if (const auto removed = files_.remove_tree(making); !removed.ok()) return removed.error();
  if (copied.error().code == "EXDEV") {
    return Error{"EXDEV", target + " lies on another file system; a fork shares files with its origin"};
  }
  return copied.error();
}

Result<SnapshotNote> Snapshots::create(const std::string& name, const RunningEngines* running) {
  if (!valid_name(name)) return invalid_name(name);
  MEKONG_TRY(files_.make_directories(folder_.path() + "/snapshots"));
  const std::string making = part_of(name);
  MEKONG_TRY(files_.remove_tree(making));  // what a crash has left
  return copy(name, path_of(name), making, CopyKind::snapshot, running);
}

Result<SnapshotNote> Snapshots::fork(const std::string& target, const RunningEngines* running) {
  const std::string path = target.substr(0, target.find_last_not_of('/') + 1);
  if (path.empty() || path.front() != '/') {
    return Error{"InvalidArgument", "the target is an absolute path"};
  }
  // What lies beside the target is not ours, whatever its name; nobody has one like this.
  const std::string making = path + "." + random_.hex(32) + std::string(part_suffix);
  return copy("", path, making, CopyKind::fork, running);
}

Result<SnapshotNotes> Snapshots::list() const {
  SnapshotNotes found;
  const std::string home = folder_.path() + "/snapshots";
  MEKONG_TRY_ASSIGN(const bool exists, files_.exists(home));
  if (!exists) return found;
  MEKONG_TRY_ASSIGN(const auto entries, files_.list(home));
  for (const auto& entry : entries) {
    if (entry.name.ends_with(part_suffix)) continue;  // being made
    MEKONG_TRY_ASSIGN(const std::string text, files_.read_file(path_of(entry.name) + "/snapshot.json"));
    MEKONG_TRY_ASSIGN(auto note, codec::decode_record<SnapshotNote>(text));
    found.snapshots.push_back(std::move(note));
  }
  return found;
}

Status Snapshots::remove(const std::string& name) {
  if (!valid_name(name)) return invalid_name(name);
  MEKONG_TRY_ASSIGN(const bool exists, files_.exists(path_of(name)));
  if (!exists) return Error{"NotFound", "no snapshot '" + name + "'"};
  // From now on it is none, whatever a crash leaves.
  MEKONG_TRY(files_.remove_tree(part_of(name)));
  MEKONG_TRY(files_.rename(path_of(name), part_of(name)));
  return files_.remove_tree(part_of(name));
}

Status Snapshots::restore(const std::string& name) {
  if (!valid_name(name)) return invalid_name(name);
  MEKONG_TRY_ASSIGN(const bool exists, files_.exists(path_of(name)));
  if (!exists) return Error{"NotFound", "no snapshot '" + name + "'"};
  const std::string fresh = folder_.path() + "/restoring";
  MEKONG_TRY(files_.remove_tree(fresh));
  MEKONG_TRY(files_.make_directories(fresh));
  MEKONG_TRY(copy_stopped(files_, DataFolder(files_, path_of(name)), fresh));
  MEKONG_TRY(files_.sync_all(fresh));
  MEKONG_TRY(files_.write_file_durably(fresh + "/ready", name));
  return finish_restore(files_, folder_);
}

Status finish_restore(os::Files& files, const DataFolder& folder) {
  const std::string fresh = folder.path() + "/restoring", old = folder.path() + "/replaced";
  MEKONG_TRY_ASSIGN(const bool ready, files.exists(fresh + "/ready"));
  if (ready) {
    MEKONG_TRY(files.make_directories(old));
    MEKONG_TRY_ASSIGN(const auto waiting, waiting_parts(files, folder));
    for (const auto& part : waiting) MEKONG_TRY(exchange(files, folder, part));
    MEKONG_TRY(files.sync_all(folder.path()));
  }
  MEKONG_TRY(files.remove_tree(fresh));
  return files.remove_tree(old);
}

}  // namespace mekong::app
