#include "log/journal.h"

#include <algorithm>
#include <new>
#include <optional>
#include <vector>

#include "base/crc32c.h"
#include "codec/kafka_wire.h"

namespace mekong::log {
namespace {

constexpr uint32_t magic = 0x4d4b4a31;  // MKJ1
constexpr size_t header_bytes = 56;
constexpr size_t summed_from = 8;
constexpr size_t entry_bytes = 23;  // beside its partition's id and its bytes
constexpr uint64_t reserve_step_bytes = 4 << 20;
constexpr uint64_t page_bytes = 4096;
constexpr uint64_t fill_step_bytes = 1 << 20;
constexpr size_t filling_record_bytes_max = 64 << 10;
constexpr size_t kept_buffer_bytes_max = 4 << 20;

uint64_t whole_pages(uint64_t bytes) {
  return (bytes + page_bytes - 1) / page_bytes * page_bytes;
}

// Less than the first, empty record and its page: a crash came while the journal was begun.
bool less_than_begun(std::string_view content) {
  if (content.size() > page_bytes) return false;
  return content.size() <= header_bytes || content.find_first_not_of('\0', header_bytes) == content.npos;
}

enum class Kind : int8_t { bytes = 0, extent = 1 };

std::string path_of(const std::string& folder, int index) {
  return folder + "/journal." + std::to_string(index);
}

struct Record {
  uint64_t salt = 0, generation = 0, freed_generation = 0, sequence = 0, synced_sequence = 0;
  uint32_t entries = 0;
  std::string_view body;
  size_t size_bytes() const { return header_bytes + body.size(); }
};

// The good record at the beginning of `bytes`, if there is one.
std::optional<Record> parse(std::string_view bytes) {
  if (bytes.size() < header_bytes) return std::nullopt;
  codec::KafkaReader reader(bytes, 0);
  if (reader.u32() != magic) return std::nullopt;
  const uint32_t sum = reader.u32();
  Record record;
  record.salt = static_cast<uint64_t>(reader.i64());
  record.generation = static_cast<uint64_t>(reader.i64());
  record.freed_generation = static_cast<uint64_t>(reader.i64());
  record.sequence = static_cast<uint64_t>(reader.i64());
  record.synced_sequence = static_cast<uint64_t>(reader.i64());
  const uint32_t body_bytes = reader.u32();
  record.entries = reader.u32();
  if (body_bytes > bytes.size() - header_bytes) return std::nullopt;
  record.body = bytes.substr(header_bytes, body_bytes);
  if (crc32c(bytes.substr(summed_from, record.size_bytes() - summed_from)) != sum) return std::nullopt;
  return record;
}

Error damaged(const std::string& file, uint64_t offset, const std::string& what) {
  Error error{"KAFKA_STORAGE_ERROR", "the log's journal is damaged: " + what};
  error.fields = {{"File", file}, {"Offset", std::to_string(offset)}};
  return error;
}

Status apply_record(const Record& record, const std::function<Status(const JournalEntry&)>& apply) {
  codec::KafkaReader reader(record.body, 0);
  for (uint32_t i = 0; i < record.entries; ++i) {
    JournalEntry entry;
    const auto kind = static_cast<Kind>(reader.i8());
    const uint16_t id_bytes = reader.u16();
    entry.partition = reader.rest().substr(0, id_bytes);
    reader.skip(id_bytes);
    entry.segment = reader.i64();
    entry.position = static_cast<uint64_t>(reader.i64());
    entry.size_bytes = reader.u32();
    if (kind == Kind::bytes) {
      entry.bytes = reader.rest().substr(0, entry.size_bytes);
      reader.skip(entry.size_bytes);
    }
    if (reader.failed()) {
      return Error{"KAFKA_STORAGE_ERROR", "an entry of the log's journal is longer than its record"};
    }
    MEKONG_TRY(apply(entry));
  }
  return ok();
}

// The good records at the beginning of one file, all of one generation.
struct Chain {
  std::vector<Record> records;
  size_t end = 0;  // in the file

  explicit Chain(std::string_view bytes) {
    while (auto record = parse(bytes.substr(end))) {
      const bool follows = records.empty() || (record->salt == records.back().salt &&
                                               record->generation == records.back().generation &&
                                               record->sequence == records.back().sequence + 1);
      if (!follows) break;
      end += record->size_bytes();
      records.push_back(*record);
    }
  }
  uint64_t generation() const { return records.empty() ? 0 : records.front().generation; }
};

// Does a good record of that generation, at `at` or later, say that more was durable than up to `last`?
bool says_more(std::string_view bytes, size_t at, const Record& last, uint64_t generation) {
  for (at = bytes.find("MKJ1", at); at != std::string_view::npos; at = bytes.find("MKJ1", at + 1)) {
    const auto record = parse(bytes.substr(at));
    const bool one = record && record->salt == last.salt && record->generation == generation;
    if (one && record->synced_sequence > last.sequence) return true;
  }
  return false;
}

}  // namespace

Result<Journal::Torn> Journal::replay(os::Files& files, const std::string& folder,
                                      const std::function<Status(const JournalEntry&)>& apply) {
  std::string content[2];
  for (int i = 0; i < 2; ++i) {
    MEKONG_TRY_ASSIGN(const bool exists, files.exists(path_of(folder, i)));
    if (!exists) continue;
    MEKONG_TRY_ASSIGN(content[i], files.read_file(path_of(folder, i)));
  }
  const Chain chains[2] = {Chain(content[0]), Chain(content[1])};
  const int newest = chains[1].generation() > chains[0].generation() ? 1 : 0;
  const Chain &now = chains[newest], &other = chains[1 - newest];
  if (now.records.empty()) {
    if (!less_than_begun(content[0]) || !less_than_begun(content[1]))
      return damaged(path_of(folder, content[1].size() > content[0].size() ? 1 : 0), 0, "no good record");
    return Torn{};
  }
  const Record& last = now.records.back();
  const bool needed = last.freed_generation + 1 < last.generation;
  // Only clear() empties a file, with everything durable in the segments; the crash came before the next one.
  if (needed && content[1 - newest].empty()) return Torn{};
  if (needed) {
    const bool whole = other.generation() + 1 == last.generation &&
                       other.records.back().sequence >= now.records.front().synced_sequence;
    if (!whole) return damaged(path_of(folder, 1 - newest), other.end, "the older of its files is not whole");
    for (const Record& record : other.records) MEKONG_TRY(apply_record(record, apply));
  }
  const bool here = says_more(content[newest], now.end, last, last.generation);
  if (here || says_more(content[1 - newest], 0, last, last.generation + 1)) {
    return damaged(path_of(folder, newest), now.end, "a bad record before good ones");
  }
  for (const Record& record : now.records) MEKONG_TRY(apply_record(record, apply));
  // Behind the end lies what an older generation wrote, or the beginning of this one's next record.
  codec::KafkaReader reader(std::string_view(content[newest]).substr(now.end), 0);
  const bool record = reader.u32() == magic;
  reader.u32();
  const auto salt = static_cast<uint64_t>(reader.i64());
  const auto generation = static_cast<uint64_t>(reader.i64());
  const bool torn = record && salt == last.salt && generation == last.generation && !reader.failed();
  return torn ? Torn{path_of(folder, newest), now.end} : Torn{};
}

Result<std::unique_ptr<Journal>> Journal::start(os::Files& files, const std::string& folder, uint64_t salt,
                                                uint64_t file_bytes_max) {
  std::unique_ptr<Journal> journal(new Journal(salt, file_bytes_max));
  for (int i = 0; i < 2; ++i) {
    MEKONG_TRY_ASSIGN(journal->files_[i], files.open(path_of(folder, i), os::OpenMode::create_direct));
  }
  MEKONG_TRY(journal->clear());
  MEKONG_TRY(files.sync_directory(folder));
  MEKONG_TRY(journal->append({}, true));
  return journal;
}

Status Journal::clear() {
  for (const auto& file : files_) {
    MEKONG_TRY(file->truncate(0));
    MEKONG_TRY(file->sync());
  }
  return ok();
}

Status Journal::reserve(uint64_t bytes) {
  const uint64_t wanted = position_ + bytes;
  if (wanted <= reserved_[current_]) return ok();
  const uint64_t upto = (wanted / reserve_step_bytes + 1) * reserve_step_bytes;
  const auto reserved = files_[current_]->reserve(upto);
  if (!reserved.ok() && reserved.error().code != "EOPNOTSUPP") return reserved;
  reserves_ = reserved.ok();
  reserved_[current_] = upto;
  return ok();
}

void Journal::Free::operator()(char* buffer) const {
  ::operator delete(buffer, std::align_val_t(page_bytes));
}

void Journal::make_room(size_t bytes) {
  if (bytes <= buffer_bytes_) return;
  buffer_bytes_ = std::max<size_t>(bytes, std::min<size_t>(2 * buffer_bytes_, kept_buffer_bytes_max));
  buffer_.reset(static_cast<char*>(::operator new(buffer_bytes_, std::align_val_t(page_bytes))));
}

// A small record where the file has not been written before is followed by zeros: the syncs of those that
// come next then write nothing about the file itself (two device flushes less on ext4, and no wait for what
// others have written).
size_t Journal::bytes_to_write(size_t record_bytes) const {
  const uint64_t end = position_ + record_bytes;
  const bool first = sequence_ == 1;  // says by its size that the journal was begun
  const bool fills = reserves_ && !first && record_bytes <= filling_record_bytes_max;
  if (!fills || end <= written_[current_]) return record_bytes;
  const uint64_t upto = std::min({(end / fill_step_bytes + 1) * fill_step_bytes, whole_pages(file_bytes_max_),
                                  reserved_[current_] / page_bytes * page_bytes});
  return std::max(end, upto) - position_;
}

void Journal::put_record(const std::vector<JournalEntry>& entries, size_t record_bytes) {
  codec::KafkaWriter head;
  head.i64(static_cast<int64_t>(salt_));
  head.i64(static_cast<int64_t>(generation_));
  head.i64(static_cast<int64_t>(freed_));
  head.i64(static_cast<int64_t>(sequence_));
  head.i64(static_cast<int64_t>(synced_sequence_));
  head.u32(static_cast<uint32_t>(record_bytes - header_bytes));
  head.u32(static_cast<uint32_t>(entries.size()));
  char* at = buffer_.get() + summed_from;
  const auto put = [&at](std::string_view bytes) { at = std::copy(bytes.begin(), bytes.end(), at); };
  put(head.data());
  for (const auto& entry : entries) {
    const bool extent = entry.pieces.empty();
    codec::KafkaWriter place;
    place.i8(static_cast<int8_t>(extent ? Kind::extent : Kind::bytes));
    place.u16(static_cast<uint16_t>(entry.partition.size()));
    place.raw(entry.partition);
    place.i64(entry.segment);
    place.i64(static_cast<int64_t>(entry.position));
    place.u32(static_cast<uint32_t>(entry.size_bytes));
    put(place.data());
    for (const auto& piece : entry.pieces) put(piece);
  }
  std::fill(at, buffer_.get() + record_bytes, '\0');
  codec::KafkaWriter front;
  front.u32(magic);
  front.u32(crc32c(std::string_view(buffer_.get(), record_bytes).substr(summed_from)));
  std::copy(front.data().begin(), front.data().end(), buffer_.get());
}

Status Journal::append(const std::vector<JournalEntry>& entries, bool sync) {
  size_t bytes = header_bytes;
  for (const auto& entry : entries) {
    bytes += entry_bytes + entry.partition.size() + (entry.pieces.empty() ? 0 : entry.size_bytes);
  }
  const size_t record_bytes = whole_pages(bytes);
  ++sequence_;
  const size_t all_bytes = bytes_to_write(record_bytes);
  make_room(all_bytes);
  put_record(entries, record_bytes);
  std::fill(buffer_.get() + record_bytes, buffer_.get() + all_bytes, '\0');
  MEKONG_TRY(files_[current_]->write(position_, {buffer_.get(), all_bytes}));
  written_[current_] = std::max(written_[current_], position_ + all_bytes);
  position_ += record_bytes;
  if (buffer_bytes_ > kept_buffer_bytes_max) {
    buffer_.reset();
    buffer_bytes_ = 0;
  }
  if (!sync) return ok();
  MEKONG_TRY(files_[current_]->sync());
  synced_sequence_ = sequence_;
  synced_freed_ = freed_;
  return ok();
}

void Journal::turn() {
  current_ = 1 - current_;
  position_ = 0;
  ++generation_;
}

}  // namespace mekong::log
