// Receives one content: in memory up to the inline limit, then in a file.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "blob/folders.h"
#include "blob/store.h"

namespace mekong::blob {

// Keys in the meta family "blob".
std::string content_key(const std::string& id);    // c/<id>: u32 CRC32C of id and bytes, bytes
std::string reference_key(const std::string& id);  // r/<id>: counter of references
std::string zero_key(const std::string& id);       // z/<id>: no reference left; since when (ms), f or i
inline constexpr std::string_view family = "blob";

std::string encode_inline(std::string_view id, std::string_view bytes);
Result<std::string> decode_inline(std::string_view id, const std::string& stored);

class BlobWriter final : public Writer {
 public:
  BlobWriter(os::Files& files, Folders& folders, std::string id, size_t inline_bytes_max)
      : files_(files), folders_(folders), id_(std::move(id)), inline_bytes_max_(inline_bytes_max) {}
  ~BlobWriter() override;
  Status append(std::string_view bytes) override;
  Result<BlobRef> finish(meta::Batch& batch) override;
  uint64_t size_bytes() const override { return size_bytes_; }

 private:
  Status open_file(os::OpenMode mode);
  Status write_blocks(bool all);
  Status finish_file();
  std::string path() const { return folders_.path(id_.substr(0, 2)) + "/" + id_; }

  os::Files& files_;
  Folders& folders_;
  const std::string id_;
  const size_t inline_bytes_max_;
  std::string buffer_;  // not yet in the file
  uint64_t written_bytes_ = 0;
  uint64_t size_bytes_ = 0;
  std::vector<uint32_t> checksums_;
  std::unique_ptr<os::File> file_;
  bool failed_ = false;
  bool finished_ = false;
};

}  // namespace mekong::blob
