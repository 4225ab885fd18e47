// Walks the batches of a segment's file.
#pragma once
#include <cstdint>
#include <functional>
#include <string_view>

#include "base/result.h"
#include "log/batch.h"
#include "os/files.h"

namespace mekong::log {

struct ScannedBatch {
  BatchHeader header;  // of a control batch with `commits`
  uint64_t position = 0;
  std::string_view bytes;  // valid during the visit
};

// Reads the batches from `position` on, verifies each, and calls `visit`, until one is bad or the file ends.
// Each begins at the offset after the one before it, the first at `base_offset`. Returns where the good ones
// end.
Result<uint64_t> scan_batches(const os::File& file, int64_t base_offset,
                              const std::function<Status(const ScannedBatch&)>& visit, uint64_t position = 0);

}  // namespace mekong::log
