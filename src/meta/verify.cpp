#include "meta/verify.h"

#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/options.h>
#include <rocksdb/sst_file_reader.h>

#include <algorithm>
#include <map>

#include "base/crc32c.h"
#include "meta/new_folder.h"
#include "meta/record_file.h"
#include "meta/rocksdb_store.h"

namespace mekong::meta {
namespace {

constexpr size_t read_bytes = 1 << 20;
constexpr std::string_view checksum_name = "FileChecksumCrc32c";

Result<uint32_t> checksum_of(os::Files& files, const std::string& path, Verification& found) {
  MEKONG_TRY_ASSIGN(const auto file, files.open(path, os::OpenMode::read));
  uint32_t sum = 0;
  for (uint64_t at = 0;;) {
    MEKONG_TRY_ASSIGN(const std::string bytes, file->read(at, read_bytes));
    sum = crc32c(bytes, sum);
    at += bytes.size();
    if (!bytes.empty()) continue;
    found.read(at);
    return sum;
  }
}

std::string big_endian(uint32_t number) {
  std::string out;
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<char>(number >> shift));
  return out;
}

void check_records(os::Files& files, const std::string& path, Verification& found) {
  const auto content = files.read_file(path);
  if (!content.ok()) return found.damaged(path, std::nullopt, "", content.error().message);
  found.read(content->size());
  const auto end = examine_record_file(*content);
  if (end.kind == RecordFileEnd::Kind::damaged) {
    found.damaged(path, end.offset, "metadata", "a record does not match its checksum");
  } else if (end.kind == RecordFileEnd::Kind::torn) {
    found.unfinished(path, "ends with a torn record at byte " + std::to_string(end.offset));
  }
}

void check_table(const rocksdb::Options& options, const std::string& path, Verification& found) {
  rocksdb::SstFileReader reader(options);
  auto status = reader.Open(path);
  if (status.ok()) status = reader.VerifyChecksum();
  // The message has the block's place in the file.
  if (!status.ok()) found.damaged(path, std::nullopt, "metadata", status.ToString());
}

rocksdb::Options options_on(const std::shared_ptr<rocksdb::Env>& env) {
  rocksdb::Options options;
  options.env = env.get();
  return options;
}

// Tables and files of large values by name, with the checksum that was noted when they were written; empty:
// none was.
std::map<std::string, std::string> noted_checksums(rocksdb::DB& db) {
  std::vector<rocksdb::ColumnFamilyMetaData> families;
  db.GetAllColumnFamilyMetaData(&families);
  std::map<std::string, std::string> noted;
  const auto note = [&](const std::string& path, const std::string& method, const std::string& sum) {
    noted[path.substr(path.find_first_not_of('/'))] = method == checksum_name ? sum : std::string();
  };
  for (const auto& family : families) {
    for (const auto& level : family.levels) {
      for (const auto& table : level.files)
        note(table.name, table.file_checksum_func_name, table.file_checksum);
    }
    for (const auto& blobs : family.blob_files)
      note(blobs.blob_file_name, blobs.checksum_method, blobs.checksum_value);
  }
  return noted;
}

// Every key of every family is read, as a server would read it.
void read_all(const Store& store, const std::vector<std::string>& families, const std::string& folder,
              Verification& found) {
  for (const auto& family : families) {
    ScanRange range;
    while (true) {
      const auto page = store.scan(family, range);
      if (!page.ok()) return found.damaged(folder, std::nullopt, "family " + family, page.error().message);
      if (page->size() < range.limit) break;
      range.after = page->back().key;
    }
  }
}

}  // namespace

Result<std::shared_ptr<const void>> hold_folder(const std::string& folder) {
  rocksdb::FileLock* lock = nullptr;
  const auto status = rocksdb::Env::Default()->LockFile(folder + "/LOCK", &lock);
  if (!status.ok())
    return Error{"InUse", "a server runs on " + folder + ", or a command works on it: " + status.ToString()};
  return std::shared_ptr<const void>(
      lock, [lock](const void*) { rocksdb::Env::Default()->UnlockFile(lock).PermitUncheckedError(); });
}

Result<bool> holds_store(os::Files& files, const std::string& folder) {
  MEKONG_TRY_ASSIGN(const bool exists, files.exists(folder));
  if (!exists) return false;
  MEKONG_TRY_ASSIGN(const auto entries, files.list(folder));
  std::vector<std::string> names;
  for (const auto& entry : entries) names.push_back(entry.name);
  return !NewFolder::is_new(std::move(names));
}

Status verify(os::Files& files, const std::string& folder, Verification& found) {
  MEKONG_TRY_ASSIGN(const auto entries, files.list(folder));
  const std::shared_ptr<rocksdb::Env> env = env_on(files);
  std::map<std::string, std::string> noted;
  const auto opened = open_read_only_on(env, folder);
  if (opened.ok()) {
    noted = noted_checksums(*opened->db);
    read_all(*opened->store, opened->families, folder, found);
  } else {
    found.damaged(folder, std::nullopt, "metadata", opened.error().message);
  }
  for (const auto& entry : entries) {
    const std::string path = folder + "/" + entry.name;
    if (entry.name.ends_with(".log") || entry.name.starts_with("MANIFEST-"))
      check_records(files, path, found);
    const bool is_table = entry.name.ends_with(".sst");
    if (!is_table && !entry.name.ends_with(".blob")) continue;
    if (is_table) check_table(options_on(env), path, found);
    MEKONG_TRY_ASSIGN(const uint32_t sum, checksum_of(files, path, found));
    const auto known = noted.find(entry.name);
    if (known == noted.end() || known->second.empty() || known->second == big_endian(sum)) continue;
    found.damaged(path, std::nullopt, "metadata", "the file does not match its checksum");
  }
  for (const auto& [name, sum] : noted) {
    const bool there =
        std::any_of(entries.begin(), entries.end(), [&](const auto& e) { return e.name == name; });
    if (!there) found.damaged(folder + "/" + name, std::nullopt, "metadata", "the file is missing");
  }
  return ok();
}

Result<std::unique_ptr<Store>> open_read_only(os::Files& files, const std::string& folder) {
  MEKONG_TRY_ASSIGN(auto opened, open_read_only_on(env_on(files), folder));
  return std::move(opened.store);
}

}  // namespace mekong::meta
