#include "log/positions.h"

#include "base/crc32c.h"
#include "codec/kafka_wire.h"

namespace mekong::log {
namespace {

constexpr uint32_t magic = 0x4d4b4c31;  // MKL1

}  // namespace

std::string positions_path(const std::string& folder) {
  return folder + "/positions";
}

Result<Positions> load_positions(os::Files& files, const std::string& folder) {
  Positions positions;
  MEKONG_TRY_ASSIGN(const bool exists, files.exists(positions_path(folder)));
  if (!exists) return positions;
  MEKONG_TRY_ASSIGN(const std::string bytes, files.read_file(positions_path(folder)));
  const Error damaged{"KAFKA_STORAGE_ERROR", positions_path(folder) + ": does not match its checksum"};
  codec::KafkaReader reader(bytes, bytes.size() * 2);
  const uint32_t found = reader.u32();
  const uint32_t sum = reader.u32();
  if (found != magic || reader.failed() || crc32c(reader.rest()) != sum) return damaged;
  while (reader.remaining() > 0 && !reader.failed()) {
    Position& one = positions[reader.string(false)];
    one.segment = reader.i64();
    one.bytes = static_cast<uint64_t>(reader.i64());
  }
  if (reader.failed()) return damaged;
  return positions;
}

Status save_positions(os::Files& files, const std::string& folder, const Positions& positions) {
  codec::KafkaWriter body;
  for (const auto& [partition, one] : positions) {
    body.string(partition, false);
    body.i64(one.segment);
    body.i64(static_cast<int64_t>(one.bytes));
  }
  codec::KafkaWriter all;
  all.u32(magic);
  all.u32(crc32c(body.data()));
  all.raw(body.data());
  return files.write_file_durably(positions_path(folder), all.data());
}

}  // namespace mekong::log
