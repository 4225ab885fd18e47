// Idempotent producers of one partition (KIP-98): the last five batches of each, so that a retry is answered
// with the offset of the first append and a gap is refused. Rebuilt from the batches themselves at recovery.
#pragma once
#include <cstdint>
#include <deque>
#include <map>

#include "base/result.h"
#include "log/batch.h"

namespace mekong::log {

class Producers {
 public:
  struct Admission {
    bool duplicate = false;
    int64_t base_offset = -1;  // of the first append, for a duplicate
  };
  // May this batch be appended next? Errors: OUT_OF_ORDER_SEQUENCE_NUMBER, INVALID_PRODUCER_EPOCH.
  Result<Admission> admit(const BatchHeader& batch) const;
  // It was appended at batch.base_offset.
  void note(const BatchHeader& batch);

 private:
  struct Seen {
    int32_t first = 0, last = 0;  // sequences
    int64_t base_offset = 0;
  };
  struct Producer {
    int16_t epoch = -1;
    std::deque<Seen> recent;
  };
  std::map<int64_t, Producer> producers_;
};

}  // namespace mekong::log
