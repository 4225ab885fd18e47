#include "log/verify.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <memory>
#include <vector>

#include "log/compaction.h"
#include "log/journal.h"
#include "log/partition.h"
#include "log/partition_state.h"
#include "log/scan.h"
#include "log/segment.h"

namespace mekong::log {
namespace {

// A file as it will be once the journal is replayed.
class Replayed final : public os::File {
 public:
  Replayed(const os::File& file, std::vector<JournalledBytes> over) : file_(file), over_(std::move(over)) {}
  Result<std::string> read(uint64_t offset, size_t bytes) const override {
    MEKONG_TRY_ASSIGN(const uint64_t size_bytes, size());
    if (offset >= size_bytes) return std::string();
    MEKONG_TRY_ASSIGN(std::string out, file_.read(offset, bytes));
    out.resize(std::min<uint64_t>(bytes, size_bytes - offset), '\0');
    for (const auto& one : over_) {
      const uint64_t from = std::max(offset, one.position);
      const uint64_t to = std::min(offset + out.size(), one.position + one.bytes.size());
      if (from < to) out.replace(from - offset, to - from, one.bytes, from - one.position, to - from);
    }
    return out;
  }
  Result<uint64_t> size() const override {
    MEKONG_TRY_ASSIGN(uint64_t bytes, file_.size());
    for (const auto& one : over_) bytes = std::max(bytes, one.position + one.bytes.size());
    return bytes;
  }
  Status write(uint64_t, std::string_view) override { return read_only(); }
  Status sync() override { return read_only(); }
  Status truncate(uint64_t) override { return read_only(); }
  Status reserve(uint64_t) override { return read_only(); }
  int descriptor() const override { return -1; }

 private:
  static Error read_only() { return {"EROFS", "read only"}; }
  const os::File& file_;
  const std::vector<JournalledBytes> over_;
};

using Entries = std::vector<JournalledBytes>;

// One partition's folder.
class PartitionCheck {
 public:
  PartitionCheck(os::Files& files, std::string folder, Verification& found)
      : files_(files),
        folder_(std::move(folder)),
        name_("partition " + folder_.substr(folder_.rfind('/') + 1)),
        found_(found) {}

  Status run(const Entries& journalled, const Position& known) {
    MEKONG_TRY_ASSIGN(const auto entries, files_.list(folder_));
    for (const auto& entry : entries) {
      if (const auto base = Segment::base_offset_of(entry.name)) bases_.push_back(*base);
    }
    const auto state = load_partition_state(files_, folder_);
    if (!state.ok()) return no_state(state.error());
    note_read(partition_state_path(folder_));
    state_ = *state;
    state_.learn(known);
    if (state_.exchange) {
      const int64_t begin = state_.exchange->begin, end = state_.exchange->end;
      found_.unfinished(folder_, "a compacted segment is taking the place of others");
      std::erase_if(bases_, [begin, end](int64_t base) { return base > begin && base < end; });
    }
    if (bases_.empty() || bases_.back() < state_.synced_segment || bases_.front() > state_.log_start) {
      damaged(folder_, std::nullopt, "a segment is missing");
    }
    for (size_t i = 0; i < bases_.size(); ++i) MEKONG_TRY(segment(i, journalled));
    for (const auto& entry : entries) {
      if (entry.name.ends_with(".compacted") && !state_.exchange) {
        found_.unfinished(folder_ + "/" + entry.name, "a compaction that did not come to its end");
      }
      if (entry.name.ends_with(".index") && !state_.exchange) index(folder_ + "/" + entry.name);
      if (entry.name == "producers") producers(folder_ + "/" + entry.name);
    }
    return ok();
  }

 private:
  void damaged(const std::string& file, std::optional<uint64_t> offset, const std::string& what) {
    found_.damaged(file, offset, name_, what);
  }
  void note_read(const std::string& path) {
    auto file = files_.open(path, os::OpenMode::read);
    auto size = file.ok() ? (*file)->size() : Result<uint64_t>(file.error());
    found_.read(size.ok() ? *size : 0);
  }
  // Only a partition that was never whole has no records.
  Status no_state(const Error& why) {
    if (why.code == "ENOENT") {
      found_.unfinished(folder_, "a partition that was being made or removed");
    } else {
      damaged(partition_state_path(folder_), 0, why.message);
    }
    return ok();
  }

  // A compacted segment that waits for its name counts, not the one that it stands for.
  Result<std::string> path_of(int64_t base) {
    const std::string path = folder_ + "/" + Segment::file_name(base);
    if (!state_.exchange || state_.exchange->begin != base) return path;
    MEKONG_TRY_ASSIGN(const bool waits, files_.exists(compacted_path(path)));
    return waits ? compacted_path(path) : path;
  }
  Status segment(size_t index, const Entries& journalled) {
    const int64_t base = bases_[index];
    const bool last = index + 1 == bases_.size();
    MEKONG_TRY_ASSIGN(const std::string path, path_of(base));
    MEKONG_TRY_ASSIGN(const auto file, files_.open(path, os::OpenMode::read));
    uint64_t known = base == state_.synced_segment ? state_.synced_bytes : 0;
    Entries over;
    for (const auto& entry : journalled) {
      if (entry.segment != base || base < state_.synced_segment) continue;
      known = std::max(known, entry.position + entry.size_bytes);
      if (!entry.bytes.empty()) over.push_back(entry);
    }
    const Replayed replayed(*file, std::move(over));
    MEKONG_TRY_ASSIGN(const uint64_t file_bytes, replayed.size());
    found_.read(file_bytes);
    if (last) return batches(replayed, path, base, known).ok() ? ok() : unreadable(path);
    const auto next = batches(replayed, path, base, file_bytes);
    if (!next.ok()) return unreadable(path);
    if (*next >= 0 && *next != bases_[index + 1]) {
      damaged(path, file_bytes, "offsets are missing from " + std::to_string(*next));
    }
    return ok();
  }
  Status unreadable(const std::string& path) {
    damaged(path, std::nullopt, "cannot be read");
    return ok();
  }

  // Goes on behind a damaged batch where its length leads to a good one. Returns the offset after the last;
  // -1: not known.
  Result<int64_t> batches(const os::File& file, const std::string& path, int64_t base, uint64_t known) {
    MEKONG_TRY_ASSIGN(const uint64_t file_bytes, file.size());
    int64_t next = base;
    uint64_t position = 0;
    while (true) {
      const auto note = [&](const ScannedBatch& batch) -> Status {
        next = batch.header.last_offset() + 1;
        return ok();
      };
      MEKONG_TRY_ASSIGN(position, scan_batches(file, next, note, position));
      if (position >= known && position < file_bytes) {
        found_.unfinished(path, "ends with bytes that were not acknowledged");
      }
      if (position < known && position >= file_bytes) {
        damaged(path, position, "shorter than what was acknowledged");
      }
      if (position >= known || position >= file_bytes) return next;
      damaged(path, position, "a batch, at offset " + std::to_string(next) + ", does not match its checksum");
      MEKONG_TRY_ASSIGN(const std::string head, file.read(position, batch_header_bytes));
      const auto header = parse_header(head);
      const bool leads = header.ok() && header->base_offset == next && header->last_offset_delta >= 0 &&
                         header->size_bytes < file_bytes - position;
      if (!leads) return -1;
      position += header->size_bytes;
      next = header->last_offset() + 1;
    }
  }

  void index(const std::string& path) {
    note_read(path);
    const auto good = Segment::check_saved_index(files_, path);
    if (!good.ok()) damaged(path, 0, good.error().message);
  }
  void producers(const std::string& path) {
    note_read(path);
    const auto snapshot = load_producers(files_, folder_);
    if (!snapshot.ok()) return damaged(path, 0, snapshot.error().message);
    // One that is older than the newest segment is what a crash has left: what follows is read again.
    if (std::find(bases_.begin(), bases_.end(), snapshot->as_of) == bases_.end()) {
      found_.unfinished(path, "is of a segment that is not there");
    }
  }

  os::Files& files_;
  const std::string folder_, name_;
  Verification& found_;
  PartitionState state_;
  std::vector<int64_t> bases_;
};

uint64_t number_in(const Error& error, std::string_view field) {
  uint64_t number = 0;
  for (const auto& [name, value] : error.fields) {
    if (name == field) std::from_chars(value.data(), value.data() + value.size(), number);
  }
  return number;
}

void check_journal(os::Files& files, const std::string& folder, std::map<std::string, Entries>& journalled,
                   Verification& found) {
  const auto replayed = Journal::replay(files, folder, [&](const JournalEntry& entry) {
    journalled[std::string(entry.partition)].push_back(
        {entry.segment, entry.position, entry.size_bytes, std::string(entry.bytes)});
    return ok();
  });
  if (!replayed.ok()) {
    const auto& error = replayed.error();
    const std::string file = error.fields.empty() ? folder + "/journal.0" : error.fields.front().second;
    found.damaged(file, number_in(error, "Offset"), "journal", error.message);
  } else if (!replayed->file.empty()) {
    found.unfinished(replayed->file, "its last record, at byte " + std::to_string(replayed->offset) +
                                         ", is not whole: torn by a crash, or damaged");
  }
}

}  // namespace

Status verify(os::Files& files, const std::string& folder, Verification& found) {
  MEKONG_TRY_ASSIGN(const auto entries, files.list(folder));
  std::map<std::string, Entries> journalled;
  check_journal(files, folder, journalled, found);
  Positions positions;
  auto loaded = load_positions(files, folder);
  if (loaded.ok()) {
    positions = std::move(*loaded);
  } else {
    found.damaged(positions_path(folder), 0, "", loaded.error().message);
  }
  for (const auto& entry : entries) {
    const std::string path = folder + "/" + entry.name;
    if (entry.is_directory) {
      MEKONG_TRY(PartitionCheck(files, path, found).run(journalled[entry.name], positions[entry.name]));
    } else if (entry.name.starts_with("journal.") || entry.name == "positions") {
      MEKONG_TRY_ASSIGN(const auto file, files.open(path, os::OpenMode::read));
      MEKONG_TRY_ASSIGN(const uint64_t size_bytes, file->size());
      found.read(size_bytes);
    }
  }
  return ok();
}

}  // namespace mekong::log
