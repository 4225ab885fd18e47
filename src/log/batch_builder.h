// Makes uncompressed v2 batches: for tests, and for faces that turn their own records into batches.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace mekong::log {

struct RecordToWrite {
  std::optional<std::string> key;
  std::optional<std::string> value;
  int64_t timestamp_ms = 0;
  std::vector<std::pair<std::string, std::string>> headers = {};
};

struct BatchOptions {
  int64_t producer_id = -1;
  int16_t producer_epoch = -1;
  int32_t base_sequence = -1;
  int16_t attributes = 0;
};

// At least one record. The base offset is 0; the log assigns the true one.
std::string build_batch(const std::vector<RecordToWrite>& records, const BatchOptions& options = {});

}  // namespace mekong::log
