// The producers of one partition: sequences of idempotent ones (KIP-98: the last five batches of each, so
// that a retry is answered with the offset of the first append and a gap is refused), open transactions, and
// which ones were aborted. Rebuilt from the batches at recovery, from a snapshot where one was saved.
#pragma once
#include <cstdint>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "log/batch.h"
#include "log/log.h"

namespace mekong::log {

// An aborted transaction in one partition: its first record's offset, its marker's.
struct AbortedRange {
  int64_t producer_id = -1, first = 0, last = 0;
};

class Producers {
 public:
  struct Admission {
    bool duplicate = false;
    int64_t base_offset = -1;  // of the first append, for a duplicate
  };
  // May this batch be appended next? Errors: OUT_OF_ORDER_SEQUENCE_NUMBER, INVALID_PRODUCER_EPOCH,
  // INVALID_TXN_STATE.
  Result<Admission> admit(const BatchHeader& batch) const;
  // May the transaction be ended? False: none is open. Error: INVALID_PRODUCER_EPOCH.
  Result<bool> admit(const TransactionMarker& marker) const;
  // It was appended at batch.base_offset, at `now_ms` (or found again then); of a control batch `commits` is
  // known.
  void note(const BatchHeader& batch, int64_t now_ms);

  static constexpr int64_t none = std::numeric_limits<int64_t>::max();
  // `none`: no transaction is open.
  int64_t first_open_offset() const { return open_.empty() ? none : *open_.begin(); }
  // Those aborted whose records or marker lie in [from, until).
  std::vector<AbortedTransaction> aborted_between(int64_t from, int64_t until) const;
  // Ordered by `last`.
  const std::vector<AbortedRange>& aborted_ranges() const { return aborted_; }
  // Forgets aborted transactions before the log's start, and producers that have written nothing since
  // `idle_since_ms` and have nothing open.
  void forget(int64_t log_start, int64_t idle_since_ms);

  std::string encode() const;
  static Result<Producers> decode(std::string_view bytes);

 private:
  struct Seen {
    int32_t first = 0, last = 0;  // sequences
    int64_t base_offset = 0;
  };
  struct Producer {
    int16_t epoch = -1;
    int64_t open_since = -1;  // first offset of the open transaction
    int64_t last_seen_ms = 0;
    std::vector<Seen> recent;
  };
  Producer& seen(const BatchHeader& batch, int64_t now_ms);
  void note_marker(const BatchHeader& batch, int64_t now_ms);

  std::map<int64_t, Producer> producers_;
  std::set<int64_t> open_;             // first offsets of the open transactions
  std::vector<AbortedRange> aborted_;  // by last
};

}  // namespace mekong::log
