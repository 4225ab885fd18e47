#include "meta/table_end.h"

#include <array>
#include <cstdint>
#include <string>
#include <utility>

namespace mekong::meta {
namespace {

using rocksdb::IOStatus;

// https://github.com/facebook/rocksdb/wiki/Rocksdb-BlockBasedTable-Format, format version 1 and later: kind
// of checksum (1), handle of the metaindex (offset and size, varints), handle of the index, padding, version
// (4), magic (8).
constexpr uint64_t footer_bytes = 53;
// Behind each block: how it is compressed (1), checksum (4). The properties stand right before the metaindex.
constexpr uint64_t trailer_bytes = 5;

// UINT64_MAX: none.
uint64_t metaindex_offset(std::string_view footer) {
  uint64_t offset = 0;
  for (unsigned at = 0; at < 9; ++at) {
    const auto byte = static_cast<unsigned char>(footer[1 + at]);
    offset |= static_cast<uint64_t>(byte & 0x7f) << (7 * at);
    if (byte < 0x80) return offset;
  }
  return UINT64_MAX;
}

IOStatus examine(const rocksdb::FSRandomAccessFile& file, uint64_t size, const std::string& path) {
  if (size < footer_bytes) return IOStatus::OK();
  std::array<char, footer_bytes> scratch;
  rocksdb::Slice read;
  auto status = file.Read(size - footer_bytes, footer_bytes, {}, &read, scratch.data(), nullptr);
  if (!status.ok() || read.size() < footer_bytes) return status;
  const uint64_t metaindex = metaindex_offset(read.ToStringView());
  if (metaindex > size || metaindex <= trailer_bytes) return status;
  const uint64_t last_of_properties = metaindex - trailer_bytes - 1;
  status = file.Read(last_of_properties, 1, {}, &read, scratch.data(), nullptr);
  if (!status.ok() || read.empty() || static_cast<unsigned char>(read[0]) < 0x80) return status;
  return IOStatus::Corruption("the properties of " + path + " are damaged at byte " +
                              std::to_string(last_of_properties));
}

class ExaminedTables final : public rocksdb::FileSystemWrapper {
 public:
  explicit ExaminedTables(std::shared_ptr<rocksdb::FileSystem> files) : FileSystemWrapper(std::move(files)) {}
  const char* Name() const override { return "mekong-examined"; }
  IOStatus NewRandomAccessFile(const std::string& name, const rocksdb::FileOptions& options,
                               std::unique_ptr<rocksdb::FSRandomAccessFile>* out,
                               rocksdb::IODebugContext* debug) override {
    auto status = target()->NewRandomAccessFile(name, options, out, debug);
    if (!status.ok() || !name.ends_with(".sst")) return status;
    uint64_t size = 0;
    status = target()->GetFileSize(name, options.io_options, &size, debug);
    if (status.ok()) status = examine(**out, size, name);
    if (!status.ok()) out->reset();
    return status;
  }
};

}  // namespace

std::shared_ptr<rocksdb::FileSystem> with_examined_tables(std::shared_ptr<rocksdb::FileSystem> files) {
  return std::make_shared<ExaminedTables>(std::move(files));
}

}  // namespace mekong::meta
