#include <cstdio>
#include <functional>

#include "app/commands.h"
#include "app/control.h"
#include "app/snapshots.h"
#include "codec/record.h"

namespace mekong::app {
namespace {

constexpr int64_t copy_timeout_ms = 600'000;

Status restored(os::Files& files, const DataFolder& folder, const std::string& name) {
  MEKONG_TRY_ASSIGN(const auto held, folder.hold_existing());
  MEKONG_TRY(finish_restore(files, folder));
  const auto held_meta = folder.hold_meta();  // which may be what is lost
  if (!held_meta.ok() && held_meta.error().code != "NotInitialised") return held_meta.error();
  os::SystemClock clock;
  os::SystemRandom random;
  return Snapshots(files, folder, clock, random).restore(name);
}

// By the server where one runs, else here, with the folder held.
Result<SnapshotNote> copied(os::Files& files, const DataFolder& folder, const std::string& order,
                            const std::function<Result<SnapshotNote>(Snapshots&)>& here) {
  const auto answer = call_server(
      folder, files,
      {.method = "POST", .path = "/_mekong/snapshots", .body = order, .timeout_ms = copy_timeout_ms});
  if (answer.ok() && answer->status == 200) return codec::decode_record<SnapshotNote>(answer->body);
  if (answer.ok()) return refusal(*answer);
  if (answer.error().code != "NotRunning") return answer.error();
  MEKONG_TRY_ASSIGN(const auto held, folder.hold_existing());
  MEKONG_TRY(finish_restore(files, folder));
  MEKONG_TRY_ASSIGN(const auto held_meta, folder.hold_meta());
  os::SystemClock clock;
  os::SystemRandom random;
  Snapshots snapshots(files, folder, clock, random);
  return here(snapshots);
}

int print(const Result<SnapshotNote>& note, bool json) {
  if (!note.ok()) return fail(note.error());
  if (json) {
    std::printf("%s\n", codec::encode_record(*note).c_str());
  } else {
    std::printf("%s in %lld ms; writers waited %lld ms\n", note->path.c_str(),
                static_cast<long long>(note->milliseconds), static_cast<long long>(note->pause_milliseconds));
  }
  return 0;
}

}  // namespace

int create_snapshot(const std::string& data, const std::string& name, bool json) {
  os::PosixFiles files;
  const DataFolder folder(files, data);
  return print(
      copied(files, folder, "create " + name, [&](Snapshots& here) { return here.create(name, nullptr); }),
      json);
}

int fork_data(const std::string& data, const std::string& target, bool json) {
  os::PosixFiles files;
  const DataFolder folder(files, data);
  const int code = print(
      copied(files, folder, "fork " + target, [&](Snapshots& here) { return here.fork(target, nullptr); }),
      json);
  if (code == 0 && !json) {
    std::printf("serve it:  mekong serve --data %s --listen 127.0.0.1:5000 --metastore-port 5083\n",
                target.c_str());
  }
  return code;
}

int list_snapshots(const std::string& data, bool json) {
  os::PosixFiles files;
  const DataFolder folder(files, data);
  os::SystemClock clock;
  os::SystemRandom random;
  const auto found = Snapshots(files, folder, clock, random).list();
  if (!found.ok()) return fail(found.error());
  if (json) {
    std::printf("%s\n", codec::encode_record(*found).c_str());
    return 0;
  }
  for (const auto& one : found->snapshots) std::printf("%s  %s\n", one.created.c_str(), one.name.c_str());
  return 0;
}

int remove_snapshot(const std::string& data, const std::string& name) {
  os::PosixFiles files;
  const DataFolder folder(files, data);
  os::SystemClock clock;
  os::SystemRandom random;
  const auto removed = Snapshots(files, folder, clock, random).remove(name);
  return removed.ok() ? 0 : fail(removed.error());
}

int restore_snapshot(const std::string& data, const std::string& name) {
  os::PosixFiles files;
  const DataFolder folder(files, data);
  const auto done = restored(files, folder, name);
  return done.ok() ? 0 : fail(done.error());
}

}  // namespace mekong::app
