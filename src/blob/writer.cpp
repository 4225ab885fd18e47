#include "blob/writer.h"

#include <utility>

#include "base/crc32c.h"
#include "base/memory_only.h"
#include "blob/format.h"

namespace mekong::blob {
namespace {

constexpr size_t write_bytes = 1 << 20;  // a multiple of block_bytes
static_assert(write_bytes % block_bytes == 0);

std::string encode_checksum(std::string_view id, std::string_view bytes) {
  uint32_t checksum = crc32c(bytes, crc32c(id));
  std::string encoded(4, '\0');
  for (int i = 0; i < 4; ++i) encoded[static_cast<size_t>(i)] = static_cast<char>(checksum >> (8 * i));
  return encoded;
}

}  // namespace

std::string content_key(const std::string& id) {
  return "c/" + id;
}
std::string reference_key(const std::string& id) {
  return "r/" + id;
}
std::string zero_key(const std::string& id) {
  return "z/" + id;
}

std::string encode_inline(std::string_view id, std::string_view bytes) {
  std::string stored = encode_checksum(id, bytes);
  stored += bytes;
  return stored;
}

Result<std::string> decode_inline(std::string_view id, const std::string& stored) {
  std::string_view all = stored;
  if (all.size() < 4 || all.substr(0, 4) != encode_checksum(id, all.substr(4))) {
    return Error{"ContentCorrupt", "content " + std::string(id) + " does not match its checksum"};
  }
  return stored.substr(4);
}

BlobWriter::~BlobWriter() {
  if (finished_ || !file_) return;
  file_.reset();
  // What cannot be removed now is swept at the next start.
  if (!files_.remove(path()).ok()) return;
}

Status BlobWriter::append(std::string_view bytes) {
  if (failed_ || finished_) return Error{"InvalidState", "this content takes no more bytes"};
  if (MemoryOnly::on() && size_bytes_ + bytes.size() > inline_bytes_max_) return MemoryOnly::would_wait();
  buffer_ += bytes;
  size_bytes_ += bytes.size();
  if (buffer_.size() < write_bytes) return ok();
  // So much is seldom read back at once, and filling the page cache costs more than the disk does.
  auto status = file_ ? ok() : open_file(os::OpenMode::create_new_direct);
  if (status.ok()) status = write_blocks(false);
  failed_ = !status.ok();
  return status;
}

Status BlobWriter::open_file(os::OpenMode mode) {
  MEKONG_TRY(folders_.ensure(id_.substr(0, 2)));
  MEKONG_TRY_ASSIGN(file_, files_.open(path(), mode));
  return ok();
}

Status BlobWriter::write_blocks(bool all) {
  size_t bytes = all ? buffer_.size() : buffer_.size() / block_bytes * block_bytes;
  auto whole = std::string_view(buffer_).substr(0, bytes);
  for (size_t at = 0; at < bytes; at += block_bytes) {
    checksums_.push_back(block_checksum(id_, checksums_.size(), whole.substr(at, block_bytes)));
  }
  MEKONG_TRY_ASSIGN(const auto free_bytes, file_->free_bytes());
  if (free_bytes < bytes + os::kept_free_bytes) return Error{"ENOSPC", "no room for content"};
  MEKONG_TRY(file_->write(written_bytes_, whole));
  written_bytes_ += bytes;
  buffer_.erase(0, bytes);
  return ok();
}

Status BlobWriter::finish_file() {
  if (!file_) MEKONG_TRY(open_file(os::OpenMode::create_new));
  if (!buffer_.empty()) MEKONG_TRY(write_blocks(true));
  MEKONG_TRY(file_->write(written_bytes_, encode_trailer(id_, size_bytes_, checksums_)));
  MEKONG_TRY(file_->sync());
  return files_.sync_directory(folders_.path(id_.substr(0, 2)));
}

Result<BlobRef> BlobWriter::finish(meta::Batch& batch) {
  if (failed_ || finished_) return Error{"InvalidState", "this content cannot be finished"};
  BlobRef ref{
      .id = id_, .size_bytes = size_bytes_, .inline_content = !file_ && size_bytes_ <= inline_bytes_max_};
  if (!ref.inline_content && MemoryOnly::on()) return MemoryOnly::would_wait();
  if (ref.inline_content) {
    batch.put(family, content_key(id_), encode_inline(id_, buffer_));
  } else if (auto status = finish_file(); !status.ok()) {
    failed_ = true;
    return std::move(status).error();
  }
  batch.put(family, reference_key(id_), "1");  // the first: an id is used once, so there is none to add to
  finished_ = true;
  return ref;
}

}  // namespace mekong::blob
