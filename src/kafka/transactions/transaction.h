// What is known of one transactional id, and its stored form. No time, no threads.
#pragma once
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "kafka/groups/offsets.h"
#include "log/log.h"

namespace mekong::kafka {

// prepare_*: decided, durable, and not undone by anything; markers and offsets are still to be written.
enum class TransactionState : int8_t { empty = 0, ongoing = 1, prepare_commit = 2, prepare_abort = 3 };

struct ProducerIdentity {
  int64_t id = -1;
  int16_t epoch = -1;
  bool operator==(const ProducerIdentity&) const = default;
};

struct Transaction {
  ProducerIdentity producer;
  int16_t last_epoch = -1;  // that the present one was made from at its producer's wish (KIP-360); -1: none
  int32_t timeout_ms = 0;
  TransactionState state = TransactionState::empty;
  int64_t started_ms = 0;  // wall clock; of the transaction that is ongoing
  int64_t changed_ms = 0;
  // How the last transaction of this producer identity ended, for a repeated EndTxn; none: not yet.
  enum class Ended : int8_t { none = 0, commit = 1, abort = 2 };
  Ended ended = Ended::none;
  std::set<std::string> partitions;  // of the log, with records or about to have some
  std::map<std::string, std::vector<CommittedOffset>> offsets;  // by group, pending

  bool deciding() const {
    return state == TransactionState::prepare_commit || state == TransactionState::prepare_abort;
  }
  std::string encode() const;
  static Result<Transaction> decode(std::string_view bytes);
};

}  // namespace mekong::kafka
