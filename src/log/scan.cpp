#include "log/scan.h"

#include <algorithm>
#include <string>

namespace mekong::log {
namespace {

constexpr size_t window_bytes = 1 << 20;

// Whole, where it must stand, and of a kind that is known.
bool good(BatchHeader& header, std::string_view bytes, int64_t offset) {
  if (header.base_offset != offset || header.leader_epoch != 0 || !verify_checksum(header, bytes).ok())
    return false;
  if (!header.control()) return true;
  const auto commits = parse_marker(bytes.substr(0, header.size_bytes));
  if (commits.ok()) header.commits = *commits;
  return commits.ok();
}

}  // namespace

Result<uint64_t> scan_batches(const os::File& file, int64_t base_offset,
                              const std::function<Status(const ScannedBatch&)>& visit, uint64_t position) {
  std::string window;
  uint64_t window_at = position;
  int64_t next = base_offset;
  while (true) {
    const std::string_view rest = std::string_view(window).substr(position - window_at);
    auto header = parse_header(rest);
    if (rest.size() < batch_header_bytes || (header.ok() && rest.size() < header->size_bytes)) {
      // A length that cannot be would claim memory, too.
      MEKONG_TRY_ASSIGN(const uint64_t file_bytes, file.size());
      if (header.ok() && header->size_bytes > file_bytes - std::min(position, file_bytes)) return position;
      const size_t wanted = header.ok() ? std::max(window_bytes, header->size_bytes) : window_bytes;
      MEKONG_TRY_ASSIGN(std::string bytes, file.read(position, wanted));
      const bool ended = bytes.size() <= rest.size();
      window = std::move(bytes);
      window_at = position;
      if (ended) return position;
      continue;
    }
    if (!header.ok() || !good(*header, rest, next)) return position;
    MEKONG_TRY(visit({*header, position, rest.substr(0, header->size_bytes)}));
    position += header->size_bytes;
    next = header->last_offset() + 1;
  }
}

}  // namespace mekong::log
