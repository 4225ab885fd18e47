#include "log/partition_state.h"

#include <cstdio>
#include <sstream>

#include "base/crc32c.h"
#include "codec/kafka_wire.h"

namespace mekong::log {
namespace {

// 1: without a journal beside it. 2: without checksum. Both are read, and written again as 3.
constexpr int format_version = 3, format_with_checksum = 3;
constexpr uint32_t producers_magic = 0x4d4b5031;  // MKP1

Error damaged(const std::string& what) {
  return Error{"KAFKA_STORAGE_ERROR", what};
}

std::string encode(const PartitionState& state) {
  const PartitionConfig& config = state.config;
  std::ostringstream out;
  out << "mekong-partition " << format_version << '\n'
      << config.retention_ms << ' ' << config.retention_bytes << ' ' << config.max_batch_bytes << ' '
      << (config.log_append_time ? 1 : 0) << '\n'
      << state.log_start << ' ' << state.synced_segment << ' ' << state.synced_bytes << '\n';
  if (config.compact) {
    out << "compact " << (config.retain_by_age ? 1 : 0) << ' ' << config.min_cleanable_dirty_ppm << ' '
        << config.delete_retention_ms << ' ' << config.min_compaction_lag_ms << ' '
        << config.max_compaction_lag_ms << ' ' << state.clean_offset << '\n';
  }
  if (state.exchange) {
    out << "exchange " << state.exchange->begin << ' ' << state.exchange->end << ' '
        << state.exchange->clean_offset << '\n';
  }
  std::string text = out.str();
  char sum[16];
  std::snprintf(sum, sizeof(sum), "%08x\n", crc32c(text));
  return text + sum;
}

// A line that not every partition has. (One that is not known is the checksum, or does not match it.)
void read_line(const std::string& name, std::istream& in, PartitionState& state) {
  PartitionConfig& config = state.config;
  if (name == "compact") {
    config.compact = true;
    in >> config.retain_by_age >> config.min_cleanable_dirty_ppm >> config.delete_retention_ms >>
        config.min_compaction_lag_ms >> config.max_compaction_lag_ms >> state.clean_offset;
  } else if (name == "exchange") {
    SegmentExchange exchange;
    in >> exchange.begin >> exchange.end >> exchange.clean_offset;
    state.exchange = exchange;
  }
}

}  // namespace

std::string partition_state_path(const std::string& folder) {
  return folder + "/partition";
}

Result<PartitionState> load_partition_state(os::Files& files, const std::string& folder) {
  MEKONG_TRY_ASSIGN(const std::string text, files.read_file(partition_state_path(folder)));
  std::istringstream in(text);
  std::string name;
  int version = 0;
  in >> name >> version;
  if (name != "mekong-partition" || version < 1 || version > format_version) {
    return damaged(partition_state_path(folder) + ": damaged, or written by another version of Mekong");
  }
  PartitionState state;
  PartitionConfig& config = state.config;
  int append_time = 0;
  in >> config.retention_ms >> config.retention_bytes >> config.max_batch_bytes >> append_time >>
      state.log_start >> state.synced_segment >> state.synced_bytes;
  config.log_append_time = append_time != 0;
  const bool read = !in.fail();
  for (std::string line; version >= format_with_checksum && in >> line;) read_line(line, in, state);
  // Each byte counts: what was read, written again, is the file.
  std::string more;
  const bool whole = version >= format_with_checksum ? text == encode(state) : !(in >> more);
  if (!read || !whole) return damaged(partition_state_path(folder) + ": damaged");
  return state;
}

Status save_partition_state(os::Files& files, const std::string& folder, const PartitionState& state) {
  return files.write_file_durably(partition_state_path(folder), encode(state));
}

std::string producers_path(const std::string& folder) {
  return folder + "/producers";
}

Result<ProducersSnapshot> load_producers(os::Files& files, const std::string& folder) {
  MEKONG_TRY_ASSIGN(const std::string bytes, files.read_file(producers_path(folder)));
  codec::KafkaReader reader(bytes, 0);
  const bool known = reader.u32() == producers_magic;
  const uint32_t sum = reader.u32();
  const bool whole = known && !reader.failed() && crc32c(reader.rest()) == sum;
  ProducersSnapshot snapshot;
  snapshot.as_of = reader.i64();
  if (!whole || reader.failed()) return damaged(producers_path(folder) + ": does not match its checksum");
  MEKONG_TRY_ASSIGN(snapshot.producers, Producers::decode(reader.rest()));
  return snapshot;
}

Status save_producers(os::Files& files, const std::string& folder, int64_t as_of,
                      const Producers& producers) {
  codec::KafkaWriter body;
  body.i64(as_of);
  body.raw(producers.encode());
  codec::KafkaWriter all;
  all.u32(producers_magic);
  all.u32(crc32c(body.data()));
  all.raw(body.data());
  return files.write_file_durably(producers_path(folder), all.data());
}

}  // namespace mekong::log
