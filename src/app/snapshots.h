// Copies of the whole state that share the files which do not change any more: snapshots in the data folder,
// and forks, data folders of their own that another server serves. Neither sees what the other writes.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "app/data_folder.h"
#include "blob/store.h"
#include "log/disk_log.h"
#include "meta/store.h"
#include "os/clock.h"
#include "os/random.h"

namespace mekong::app {

// snapshot.json of a copy, and what the commands print.
struct SnapshotNote {
  std::string name, path, version, created;  // created: ISO 8601, wall clock
  int64_t milliseconds = 0;                  // that it took, all of it
  int64_t pause_milliseconds = 0;            // that appends waited
  template <class F>
  void each_field(F&& f) {
    f("Name", name), f("Path", path), f("Version", version), f("Created", created);
    f("Milliseconds", milliseconds), f("PauseMilliseconds", pause_milliseconds);
  }
};
struct SnapshotNotes {
  std::vector<SnapshotNote> snapshots;
  template <class F>
  void each_field(F&& f) {
    f("Snapshots", snapshots);
  }
};

enum class CopyKind { snapshot, fork };  // a fork's clusters get ports of their own

struct RunningEngines {
  meta::Store& meta;
  blob::Store& blobs;
  log::DiskLog& log;
};

// One call at a time; pool threads. Errors: "AlreadyExists" (the target), "InvalidArgument" (the name),
// "EXDEV" (a fork lies on the data's file system), "NotFound".
class Snapshots {
 public:
  Snapshots(os::Files& files, const DataFolder& folder, const os::Clock& clock, os::Random& random)
      : files_(files), folder_(folder), clock_(clock), random_(random) {}

  // Everything that was acknowledged before, nothing that begins after. Without `running` the folder must be
  // held (DataFolder::hold).
  Result<SnapshotNote> create(const std::string& name, const RunningEngines* running);
  Result<SnapshotNote> fork(const std::string& target, const RunningEngines* running);
  Result<SnapshotNotes> list() const;
  Status remove(const std::string& name);
  // Puts the snapshot's state in the place of the folder's, which is held; a crash meanwhile leaves a folder
  // with the one or the other, once finish_restore() has run.
  Status restore(const std::string& name);

 private:
  // Made in `making`, which is ours alone.
  Result<SnapshotNote> copy(const std::string& name, const std::string& target, const std::string& making,
                            CopyKind kind, const RunningEngines* running);
  Status copy_running(const std::string& target, const RunningEngines& running, SnapshotNote& note);
  std::string path_of(const std::string& name) const { return folder_.path() + "/snapshots/" + name; }
  std::string part_of(const std::string& name) const;

  os::Files& files_;
  const DataFolder& folder_;
  const os::Clock& clock_;
  os::Random& random_;
};

// Before anything of the folder is opened, once it is held: ends a restore that was cut off. "StorageFailed":
// what it left is not whole, and nothing more is moved.
Status finish_restore(os::Files& files, const DataFolder& folder);

}  // namespace mekong::app
