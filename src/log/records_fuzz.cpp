// Any bytes as a batch that a client sent: its records are refused, or what compaction keeps of them is a
// batch of the same records.
#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

#include "log/records.h"

namespace {

using namespace mekong::log;

void check(bool holds) {
  if (!holds) __builtin_trap();
}

bool every_other(const Record& record) {
  return (record.offset & 1) == 0;
}

using Kept =
    std::tuple<int64_t, int64_t, std::optional<std::string>, std::optional<std::string>, std::string>;

std::vector<Kept> kept_of(const BatchHeader& header, std::string_view unpacked) {
  std::vector<Kept> out;
  const bool append_time = (header.attributes & 0x08) != 0;  // each record has the batch's
  const auto seen = each_record(header, unpacked, [&](const Record& record) {
    if (every_other(record))
      out.emplace_back(record.offset, append_time ? 0 : record.timestamp_ms, record.key, record.value,
                       record.headers);
    return mekong::ok();
  });
  check(seen.ok());
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size_bytes) {
  const std::string batch(reinterpret_cast<const char*>(data), size_bytes);
  const bool keyed = check_keys(batch).ok();
  auto header = parse_header(batch);
  if (!header.ok()) return 0;
  header->base_offset = 1'000'000;  // the log's
  const auto unpacked = unpack_records(*header, batch);
  const BatchShape shape{header->base_offset, header->base_offset + header->last_offset_delta, -1};
  if (!unpacked.ok()) return 0;
  const auto rebuilt = rebuild_batch(*header, shape, *unpacked, every_other);
  check(rebuilt.ok() || !keyed);
  if (!rebuilt.ok()) return 0;
  const auto again = parse_header(*rebuilt);
  check(again.ok() && again->size_bytes == rebuilt->size() && verify_checksum(*again, *rebuilt).ok());
  const auto kept = unpack_records(*again, *rebuilt);
  check(kept.ok() && kept_of(*header, *unpacked) == kept_of(*again, *kept));
  return 0;
}
