#include <algorithm>
#include <cstdio>
#include <map>
#include <string>

#include "app/commands.h"
#include "app/data_folder.h"
#include "blob/verify.h"
#include "codec/record.h"
#include "kafka/topics.h"
#include "log/verify.h"
#include "meta/verify.h"
#include "objects/verify.h"

namespace mekong::app {
namespace {

struct FindingNote {
  std::string flaw, file, object, what;
  std::optional<uint64_t> offset;
  template <class F>
  void each_field(F&& f) {
    f("Flaw", flaw), f("File", file), f("Offset", offset), f("Object", object), f("What", what);
  }
};
struct VerificationNote {
  std::vector<FindingNote> findings;
  uint64_t damaged = 0, files = 0, bytes = 0;
  int64_t milliseconds = 0;
  template <class F>
  void each_field(F&& f) {
    f("Findings", findings), f("Damaged", damaged), f("Files", files), f("Bytes", bytes),
        f("Milliseconds", milliseconds);
  }
};

// The authority signs itself, with the key beside it.
void verify_authority(os::Files& files, const DataFolder& folder, Verification& found) {
  const auto certificate = files.read_file(folder.authority_certificate());
  const auto key = files.read_file(folder.authority_key());
  if (!certificate.ok() || !key.ok()) {
    return found.damaged(folder.authority_certificate(), std::nullopt, "",
                         "the authority or its key is missing");
  }
  found.read(certificate->size());
  found.read(key->size());
  const auto good = os::check_authority({*certificate, *key});
  if (!good.ok()) found.damaged(folder.authority_certificate(), std::nullopt, "", good.error().message);
}

// Partitions by what users call them; those that a topic names and the log has not.
Status name_partitions(os::Files& files, const DataFolder& folder, const meta::Store& meta,
                       Verification& found) {
  MEKONG_TRY_ASSIGN(const auto topics, kafka::stored_topics(meta));
  std::map<std::string, std::string> names;
  for (const auto& topic : topics) {
    if (!topic.partitions.ok()) {
      found.damaged("", std::nullopt, "topic " + topic.name, topic.partitions.error().message);
      continue;
    }
    for (size_t i = 0; i < topic.partitions->size(); ++i) {
      const std::string& id = (*topic.partitions)[i].value;
      names["partition " + id] = "topic " + topic.name + " partition " + std::to_string(i);
      MEKONG_TRY_ASSIGN(const bool exists, files.exists(folder.log() + "/" + id + "/partition"));
      if (!exists)
        found.damaged(folder.log() + "/" + id, std::nullopt, names["partition " + id], "is missing");
    }
  }
  for (auto& one : found.findings) {
    if (const auto named = names.find(one.object); named != names.end()) one.object = named->second;
  }
  return ok();
}

Status verify_all(os::Files& files, const DataFolder& folder, Verification& found) {
  MEKONG_TRY_ASSIGN(const bool log_there, files.exists(folder.log()));
  if (log_there) MEKONG_TRY(log::verify(files, folder.log(), found));
  MEKONG_TRY(meta::verify(files, folder.meta(), found));
  verify_authority(files, folder, found);
  // Where meta cannot be opened at all, what it names cannot be followed; that it cannot is said above.
  const auto meta = meta::open_read_only(files, folder.meta());
  if (!meta.ok()) return ok();
  blob::Verifier contents(files, **meta, folder.blobs(), found);
  const auto objects = objects::verify(**meta, contents, found);
  const auto named = name_partitions(files, folder, **meta, found);
  for (const auto* one : {&objects, &named}) {
    if (!one->ok()) found.damaged(folder.meta(), std::nullopt, "metadata", one->error().message);
  }
  return ok();
}

Status check_settled(os::Files& files, const DataFolder& folder) {
  MEKONG_TRY_ASSIGN(const bool cut_off, files.exists(folder.path() + "/restoring/ready"));
  if (!cut_off) return ok();
  return Error{"Usage", "a restore was cut off; the next start, or snapshot restore, ends it: then verify"};
}

Status verify_held(os::Files& files, const DataFolder& folder, Verification& found) {
  MEKONG_TRY_ASSIGN(const auto held, folder.hold_existing());
  MEKONG_TRY(check_settled(files, folder));
  MEKONG_TRY_ASSIGN(const auto held_meta, folder.hold_meta());
  return verify_all(files, folder, found);
}

FindingNote note_of(const Finding& one) {
  return {one.flaw == Flaw::damaged ? "damaged" : "unfinished", one.file, one.object, one.what, one.offset};
}

void print(const VerificationNote& note) {
  for (const auto& one : note.findings) {
    std::string line = one.flaw;
    if (!one.file.empty()) line += "  " + one.file;
    if (one.offset) line += " byte " + std::to_string(*one.offset);
    if (!one.object.empty()) line += "  " + one.object;
    std::printf("%s: %s\n", line.c_str(), one.what.c_str());
  }
  std::printf("%llu files, %llu bytes read in %lld ms: %llu damaged, %llu unfinished\n",
              static_cast<unsigned long long>(note.files), static_cast<unsigned long long>(note.bytes),
              static_cast<long long>(note.milliseconds), static_cast<unsigned long long>(note.damaged),
              static_cast<unsigned long long>(note.findings.size() - note.damaged));
}

}  // namespace

int verify(const std::string& data, bool json) {
  os::PosixFiles files;
  const DataFolder folder(files, data);
  os::SystemClock clock;
  const int64_t began_ms = clock.wall_ms();
  Verification found;
  if (const auto done = verify_held(files, folder, found); !done.ok()) {
    return done.error().code == "NotInitialised" ? fail({"Usage", "no data in " + data}) : fail(done.error());
  }
  VerificationNote note;
  for (const auto& one : found.findings) {
    note.findings.push_back(note_of(one));
    if (one.flaw == Flaw::damaged) ++note.damaged;
  }
  note.files = found.files;
  note.bytes = found.bytes;
  note.milliseconds = clock.wall_ms() - began_ms;
  json ? void(std::printf("%s\n", codec::encode_record(note).c_str())) : print(note);
  return note.damaged > 0 ? exit_failed : 0;
}

}  // namespace mekong::app
