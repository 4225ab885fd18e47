// The transaction coordinator of one cluster (KIP-98, KIP-360): which producer holds a transactional id, what
// its transaction touches, how it ends. Each step is durable in meta's family "kafka" before it is answered;
// a decision that a crash interrupts is carried out by load(), or by tick() once it can be.
//
// Records enter the log through append(), under the transaction's own lock: a record is before the marker
// that ends its transaction, or refused. Any pool thread; everything may block.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "base/logging.h"
#include "kafka/errors.h"
#include "kafka/transactions/transaction.h"
#include "log/log.h"
#include "meta/store.h"
#include "os/clock.h"

namespace mekong::kafka {

inline constexpr int32_t kTransactionTimeoutMaxMs = 900'000;  // transaction.max.timeout.ms

struct TransactionsDeps {
  meta::Store& meta;
  log::Log& log;
  const os::Clock& clock;
  Logger& logger;
  Offsets& offsets;
  std::function<Result<int64_t>()> next_producer_id;
};

// Errors of all: PRODUCER_FENCED (the epoch is over), INVALID_PRODUCER_ID_MAPPING (not the id's producer),
// INVALID_TXN_STATE, COORDINATOR_NOT_AVAILABLE (storage; to be tried again).
class Transactions {
 public:
  struct Caller {
    std::string transactional_id;
    ProducerIdentity producer;
  };

  Transactions(TransactionsDeps deps, const std::string& cluster_uuid);
  Status load();

  // InitProducerId: fences the producer before, and aborts what it has left open. `known`: what the caller
  // holds already (KIP-360). Error too: INVALID_TRANSACTION_TIMEOUT.
  Result<ProducerIdentity> begin_producer(const std::string& transactional_id, int32_t timeout_ms,
                                          const std::optional<ProducerIdentity>& known);
  Status add_partitions(const Caller& caller, const std::vector<log::PartitionId>& partitions);
  Status add_group(const Caller& caller, const std::string& group);
  Status add_offsets(const Caller& caller, const std::string& group,
                     const std::vector<CommittedOffset>& offsets);
  Status end(const Caller& caller, bool commit);
  // Error too: INVALID_PRODUCER_EPOCH instead of PRODUCER_FENCED, as Produce has it.
  Future<Result<log::AppendResult>> append(const Caller& caller, const log::PartitionId& partition,
                                           std::string batches);

  // Has a transaction offsets of this partition that are not decided yet?
  bool pending(const std::string& group, const codec::KafkaUuid& topic, int32_t partition) const;
  // Aborts what has been open for longer than its producer asked for, ends what could not be ended before,
  // and forgets idle ids.
  void tick();
  Status remove_all();

 private:
  struct Entry {
    std::mutex mutex;
    Transaction now;
    bool gone = false;
  };
  using EntryPtr = std::shared_ptr<Entry>;

  std::string key(const std::string& id) const;
  EntryPtr find(const std::string& id) const;
  std::vector<std::pair<std::string, EntryPtr>> all() const;
  static Status check(const EntryPtr& entry, const ProducerIdentity& producer);
  void name_topics(Transaction& transaction) const;
  Status save(const std::string& id, Entry& entry, Transaction next, meta::Batch batch = {});
  Status enter(const Entry& entry, Transaction& next) const;
  // Decides, and carries the decision out. `epoch`: of the markers, and the producer's from now on.
  Status decide(const std::string& id, Entry& entry, bool commit, int16_t epoch);
  Status carry_out(const std::string& id, Entry& entry);
  Status settle(const std::string& id, Entry& entry);
  void warn_unless_ok(const Status& ended) const;
  bool tick_one(const std::string& id, Entry& entry, int64_t now_ms);

  const TransactionsDeps deps_;
  const std::string prefix_;
  mutable std::mutex mutex_;  // guards the map; taken after no entry's lock
  std::map<std::string, EntryPtr> entries_;
  // Offsets that wait, by (group, topic, partition): how many transactions have some.
  using OffsetKey = std::tuple<std::string, codec::KafkaUuid, int32_t>;
  mutable std::mutex pending_mutex_;
  std::map<OffsetKey, int> pending_;
  void count_pending(const Transaction& transaction, int by);
};

}  // namespace mekong::kafka
