#include "blob/reader.h"

#include <algorithm>
#include <utility>

#include "blob/format.h"
#include "os/descriptors.h"

namespace mekong::blob {
namespace {

constexpr size_t open_files_max = 128;

}  // namespace

Result<std::unique_ptr<os::File>> FileReader::open_file(const std::string& id) {
  auto file = files_.open(path(id), os::OpenMode::read);
  if (!file.ok() && file.error().code == "ENOENT")
    return Error{"ContentMissing", "content " + id + " is gone"};
  return file;
}

Result<FileReader::OpenPtr> FileReader::open(const BlobRef& ref) {
  {
    std::lock_guard lock(mutex_);
    if (auto found = by_id_.find(ref.id); found != by_id_.end()) {
      recent_.splice(recent_.begin(), recent_, found->second);
      return found->second->second;
    }
  }
  auto opened = std::make_shared<Open>();
  MEKONG_TRY_ASSIGN(opened->file, open_file(ref.id));
  size_t trailer_bytes = blocks_of(ref.size_bytes) * 4 + footer_bytes;
  MEKONG_TRY_ASSIGN(auto trailer, opened->file->read(ref.size_bytes, trailer_bytes + 1));
  MEKONG_TRY_ASSIGN(opened->checksums, decode_trailer(ref.id, ref.size_bytes, trailer));
  std::lock_guard lock(mutex_);
  if (by_id_.contains(ref.id)) return OpenPtr(opened);
  recent_.emplace_front(ref.id, opened);
  by_id_[ref.id] = recent_.begin();
  if (recent_.size() > open_files_max) {
    by_id_.erase(recent_.back().first);
    recent_.pop_back();
  }
  return OpenPtr(opened);
}

Result<std::string> FileReader::read(const BlobRef& ref, uint64_t offset, size_t bytes) {
  if (offset >= ref.size_bytes || bytes == 0) return std::string();
  bytes = static_cast<size_t>(std::min<uint64_t>(bytes, ref.size_bytes - offset));
  MEKONG_TRY_ASSIGN(auto opened, open(ref));
  uint64_t first = offset / block_bytes;
  uint64_t end = std::min<uint64_t>(blocks_of(offset + bytes) * block_bytes, ref.size_bytes);
  MEKONG_TRY_ASSIGN(auto content, opened->file->read(first * block_bytes, end - first * block_bytes));
  Error corrupt{"ContentCorrupt", "content " + ref.id + " does not match its checksum"};
  if (content.size() != end - first * block_bytes) return corrupt;
  for (size_t at = 0; at < content.size(); at += block_bytes) {
    uint64_t block = first + at / block_bytes;
    auto slice = std::string_view(content).substr(at, block_bytes);
    if (block_checksum(ref.id, block, slice) != opened->checksums[block]) return corrupt;
  }
  if (offset == first * block_bytes && content.size() == bytes) return content;
  return content.substr(offset - first * block_bytes, bytes);
}

Result<int> FileReader::open_descriptor(const BlobRef& ref) {
  MEKONG_TRY_ASSIGN(auto opened, open(ref));
  if (opened->file->descriptor() < 0) return Error{"NoDescriptor", "these files have no descriptors"};
  // A descriptor of its own: the file position is not shared with other readers.
  MEKONG_TRY_ASSIGN(auto own, open_file(ref.id));
  return os::duplicate_descriptor(own->descriptor());
}

void FileReader::forget(const std::string& id) {
  std::lock_guard lock(mutex_);
  auto found = by_id_.find(id);
  if (found == by_id_.end()) return;
  recent_.erase(found->second);
  by_id_.erase(found);
}

}  // namespace mekong::blob
