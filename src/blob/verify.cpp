#include "blob/verify.h"

#include <algorithm>
#include <charconv>
#include <vector>

#include "blob/format.h"
#include "blob/writer.h"

namespace mekong::blob {

Status Verifier::refer(const BlobRef& ref, const std::string& object) {
  if (++references_[ref.id] > 1) return ok();
  return check(ref, object);
}

Status Verifier::check(const BlobRef& ref, const std::string& object) {
  if (!ref.inline_content) return check_file(ref, object);
  MEKONG_TRY_ASSIGN(const auto stored, meta_.get(family, content_key(ref.id)));
  if (!stored) {
    found_.damaged("", std::nullopt, object, "its content " + ref.id + " is missing in the metadata");
    return ok();
  }
  const auto content = decode_inline(ref.id, *stored);
  if (!content.ok()) {
    found_.damaged("", std::nullopt, object, content.error().message);
  } else if (content->size() != ref.size_bytes) {
    found_.damaged("", std::nullopt, object, "its content has another size than its record says");
  }
  return ok();
}

Status Verifier::check_file(const BlobRef& ref, const std::string& object) {
  const std::string file_path = path(ref.id);
  const auto opened = files_.open(file_path, os::OpenMode::read);
  if (!opened.ok()) {
    found_.damaged(file_path, std::nullopt, object,
                   opened.error().code == "ENOENT" ? "the content is missing" : opened.error().message);
    return ok();
  }
  const auto& file = *opened;
  MEKONG_TRY_ASSIGN(const uint64_t file_bytes, file->size());
  found_.read(file_bytes);
  const size_t trailer_bytes = blocks_of(ref.size_bytes) * 4 + footer_bytes;
  MEKONG_TRY_ASSIGN(const auto trailer, file->read(ref.size_bytes, trailer_bytes + 1));
  const auto checksums = decode_trailer(ref.id, ref.size_bytes, trailer);
  if (!checksums.ok()) {
    found_.damaged(file_path, ref.size_bytes, object, "the checksums behind the content are damaged");
    return ok();
  }
  for (uint64_t block = 0; block < checksums->size(); ++block) {
    const uint64_t at = block * block_bytes;
    MEKONG_TRY_ASSIGN(
        const auto bytes,
        file->read(at, static_cast<size_t>(std::min<uint64_t>(block_bytes, ref.size_bytes - at))));
    if (block_checksum(ref.id, block, bytes) == (*checksums)[block]) continue;
    found_.damaged(file_path, at, object, "a block of 64 KiB does not match its checksum");
  }
  return ok();
}

Status Verifier::check_counters() {
  auto range = meta::prefix_range("r/", 1000);
  size_t seen = 0;
  while (true) {
    MEKONG_TRY_ASSIGN(const auto page, meta_.scan(family, range));
    for (const auto& entry : page) {
      int64_t counted = 0;
      std::from_chars(entry.value.data(), entry.value.data() + entry.value.size(), counted);
      const auto found = references_.find(entry.key.substr(2));
      const int64_t named = found == references_.end() ? 0 : found->second;
      if (found != references_.end()) ++seen;
      if (named == counted) continue;
      found_.damaged(
          "", std::nullopt, "content " + entry.key.substr(2),
          std::to_string(counted) + " references are counted, " + std::to_string(named) + " are there");
    }
    if (page.size() < range.limit) break;
    range.after = page.back().key;
  }
  if (seen == references_.size()) return ok();
  for (const auto& [id, named] : references_) {
    MEKONG_TRY_ASSIGN(const auto counter, meta_.get(family, reference_key(id)));
    if (!counter)
      found_.damaged("", std::nullopt, "content " + id, "is named, but its references are not counted");
  }
  return ok();
}

Status Verifier::check_folder(const std::string& name) {
  MEKONG_TRY_ASSIGN(const auto entries, files_.list(folder_ + "/" + name));
  for (const auto& entry : entries) {
    if (entry.is_directory || references_.contains(entry.name)) continue;
    MEKONG_TRY_ASSIGN(const auto dropped, meta_.get(family, zero_key(entry.name)));
    if (!dropped) found_.unfinished(folder_ + "/" + name + "/" + entry.name, "content that no record names");
  }
  return ok();
}

Status Verifier::finish() {
  MEKONG_TRY(check_counters());
  MEKONG_TRY_ASSIGN(const bool exists, files_.exists(folder_));
  if (!exists) return ok();
  MEKONG_TRY_ASSIGN(const auto folders, files_.list(folder_));
  for (const auto& one : folders) {
    if (one.is_directory) MEKONG_TRY(check_folder(one.name));
  }
  return ok();
}

}  // namespace mekong::blob
