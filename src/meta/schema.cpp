#include "meta/schema.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <utility>

namespace mekong::meta {
namespace {

// In RocksDB's own family, which each folder has: "mekong.schema/<family>" → "<version>", or, within a step,
// "<version> <key of the last record that has taken the step>". None: version 1.
constexpr std::string_view notes_family = "default";
constexpr std::string_view notes_prefix = "mekong.schema/";
constexpr size_t page_records = 1000;

struct Note {
  std::optional<std::string> stored;
  size_t version = 1;
  std::optional<std::string> after;
};

Result<Note> parse_note(const std::string& family, std::string stored) {
  Note note;
  const auto* end = stored.data() + stored.size();
  const auto [rest, failed] = std::from_chars(stored.data(), end, note.version);
  if (failed != std::errc() || note.version == 0 || (rest != end && *rest != ' ')) {
    return Error{"StorageFailed", "what is noted of the form of family '" + family + "' is damaged"};
  }
  if (rest != end) note.after.emplace(rest + 1, end);
  note.stored = std::move(stored);
  return note;
}

Result<std::map<std::string, Note>> notes_of(const Store& store) {
  std::map<std::string, Note> notes;
  auto range = prefix_range(notes_prefix);
  range.limit = SIZE_MAX;
  MEKONG_TRY_ASSIGN(const auto stored, store.scan(notes_family, range));
  for (const auto& [key, value] : stored) {
    const auto family = key.substr(notes_prefix.size());
    MEKONG_TRY_ASSIGN(notes[family], parse_note(family, value));
  }
  return notes;
}

Status commit_with_note(Store& store, const std::string& family, Note& note, Batch batch) {
  const auto key = std::string(notes_prefix) + family;
  if (note.stored) {
    batch.expect_value(notes_family, key, *note.stored);
  } else {
    batch.expect_absent(notes_family, key);
  }
  note.stored = std::to_string(note.version) + (note.after ? " " + *note.after : "");
  batch.put(notes_family, key, *note.stored);
  return store.commit(std::move(batch)).get();
}

Status take_step(Store& store, const std::string& family, const Step& step, Note& note) {
  for (bool more = true; more;) {
    MEKONG_TRY_ASSIGN(const auto page, store.scan(family, {.after = note.after, .limit = page_records}));
    more = page.size() == page_records;
    Batch batch;
    for (const auto& record : page) {
      auto becomes = step(record);
      if (!becomes.ok()) return Error{becomes.error().code, record.key + ": " + becomes.error().message};
      if (!*becomes) {
        batch.remove(family, record.key);
      } else if (**becomes != record.value) {
        batch.put(family, record.key, std::move(**becomes));
      }
    }
    if (more) {
      note.after = page.back().key;
    } else {
      note.version += 1;
      note.after.reset();
    }
    MEKONG_TRY(commit_with_note(store, family, note, std::move(batch)));
  }
  return ok();
}

}  // namespace

Status bring_forward(Store& store, std::span<const Schema> schemas) {
  MEKONG_TRY_ASSIGN(auto notes, notes_of(store));
  for (const auto& [family, note] : notes) {
    const auto known = std::ranges::find(schemas, family, &Schema::family);
    const size_t newest = known == schemas.end() ? 1 : known->steps.size() + 1;
    if (note.version > newest || (note.version == newest && note.after)) {
      return Error{"NewerFormat", "the records of '" + family + "' were written by a newer version (form " +
                                      std::to_string(note.version) + ", known: " + std::to_string(newest) +
                                      ")"};
    }
  }
  for (const auto& [family, steps] : schemas) {
    auto& note = notes[family];
    while (note.version <= steps.size()) MEKONG_TRY(take_step(store, family, steps[note.version - 1], note));
  }
  return ok();
}

}  // namespace mekong::meta
