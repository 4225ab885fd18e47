#include "kafka/transactions/transactions.h"

#include <limits>
#include <tuple>

#include "kafka/topics.h"

namespace mekong::kafka {

namespace {

constexpr size_t kPage = 1000;
constexpr int16_t kEpochMax = std::numeric_limits<int16_t>::max() - 1;  // the last one is kept for fencing
constexpr int64_t kIdleMaxMs = 7LL * 24 * 3600 * 1000;                  // transactional.id.expiration.ms

Error fenced() {
  return {"PRODUCER_FENCED", "a newer producer holds this transactional id"};
}
Error concurrent() {
  return {"CONCURRENT_TRANSACTIONS", "the transaction before is still being ended"};
}
Error invalid_state(const std::string& why) {
  return {"INVALID_TXN_STATE", why};
}
Error storage(const Error& cause) {
  return {"COORDINATOR_NOT_AVAILABLE", cause.code + ": " + cause.message};
}

}  // namespace

Transactions::Transactions(TransactionsDeps deps, const std::string& cluster_uuid)
    : deps_(std::move(deps)), prefix_("x/" + cluster_uuid + "/") {}

std::string Transactions::key(const std::string& id) const {
  return prefix_ + id;
}

Status Transactions::load() {
  auto range = meta::prefix_range(prefix_, kPage);
  while (true) {
    MEKONG_TRY_ASSIGN(auto page, deps_.meta.scan(kFamily, range));
    for (const auto& item : page) {
      auto entry = std::make_shared<Entry>();
      MEKONG_TRY_ASSIGN(entry->now, Transaction::decode(item.value));
      name_topics(entry->now);
      count_pending(entry->now, 1);
      entries_[item.key.substr(prefix_.size())] = entry;
    }
    if (page.size() < kPage) break;
    range.after = page.back().key;
  }
  for (const auto& [id, entry] : entries_) {
    std::lock_guard lock(entry->mutex);
    if (!entry->now.deciding()) continue;
    // What cannot be ended now does not keep the others from being served: tick() tries again.
    warn_unless_ok(carry_out(id, *entry));
  }
  return ok();
}

// Older versions stored no topic id: it is that of the topic that is there.
void Transactions::name_topics(Transaction& transaction) const {
  for (auto& [group, offsets] : transaction.offsets) {
    for (auto& offset : offsets) {
      if (offset.topic_id.is_zero()) offset.topic_id = deps_.offsets.topic_id(offset.topic);
    }
    std::erase_if(offsets, [](const CommittedOffset& offset) { return offset.topic_id.is_zero(); });
  }
}

Transactions::EntryPtr Transactions::find(const std::string& id) const {
  std::lock_guard lock(mutex_);
  auto found = entries_.find(id);
  return found == entries_.end() ? nullptr : found->second;
}

std::vector<std::pair<std::string, Transactions::EntryPtr>> Transactions::all() const {
  std::lock_guard lock(mutex_);
  return {entries_.begin(), entries_.end()};
}

void Transactions::count_pending(const Transaction& transaction, int by) {
  std::lock_guard lock(pending_mutex_);
  for (const auto& [group, offsets] : transaction.offsets) {
    for (const auto& offset : offsets) {
      auto at = pending_.try_emplace({group, offset.topic_id, offset.partition}, 0).first;
      if ((at->second += by) <= 0) pending_.erase(at);
    }
  }
}

bool Transactions::pending(const std::string& group, const codec::KafkaUuid& topic, int32_t partition) const {
  std::lock_guard lock(pending_mutex_);
  return pending_.contains({group, topic, partition});
}

// Entry's lock held, as in all that follow. Durable, then true in memory.
Status Transactions::save(const std::string& id, Entry& entry, Transaction next, meta::Batch batch) {
  next.changed_ms = deps_.clock.wall_ms();
  batch.put(kFamily, key(id), next.encode());
  auto saved = deps_.meta.commit(std::move(batch)).get();
  if (!saved.ok()) return storage(saved.error());
  count_pending(next, 1);
  count_pending(entry.now, -1);
  entry.now = std::move(next);
  return ok();
}

Status Transactions::check(const EntryPtr& entry, const ProducerIdentity& producer) {
  if (!entry || entry->gone || entry->now.producer.id != producer.id) {
    return Error{"INVALID_PRODUCER_ID_MAPPING", "this producer id does not hold the transactional id"};
  }
  if (entry->now.producer.epoch != producer.epoch) return fenced();
  return ok();
}

// Makes `next` the ongoing transaction that something can be added to.
Status Transactions::enter(const Entry& entry, Transaction& next) const {
  if (entry.now.deciding()) return concurrent();
  next = entry.now;
  if (next.state == TransactionState::ongoing) return ok();
  next.state = TransactionState::ongoing;
  next.ended = Transaction::Ended::none;
  next.started_ms = deps_.clock.wall_ms();
  return ok();
}

Status Transactions::settle(const std::string& id, Entry& entry) {
  if (entry.now.deciding()) return carry_out(id, entry);
  if (entry.now.state != TransactionState::ongoing) return ok();
  // The markers carry the next epoch: whoever still writes with this one is fenced.
  return decide(id, entry, false, static_cast<int16_t>(entry.now.producer.epoch + 1));
}

Result<ProducerIdentity> Transactions::begin_producer(const std::string& transactional_id, int32_t timeout_ms,
                                                      const std::optional<ProducerIdentity>& known) {
  if (timeout_ms <= 0 || timeout_ms > kTransactionTimeoutMaxMs) {
    return Error{"INVALID_TRANSACTION_TIMEOUT",
                 "transaction.timeout.ms must be from 1 to " + std::to_string(kTransactionTimeoutMaxMs)};
  }
  EntryPtr entry;
  {
    std::lock_guard lock(mutex_);
    auto& place = entries_[transactional_id];
    if (!place) place = std::make_shared<Entry>();
    entry = place;
  }
  std::lock_guard lock(entry->mutex);
  if (entry->gone) return concurrent();
  const Transaction before = entry->now;
  const bool held = known && *known == before.producer;
  // Its answer was lost, or the coordinator has ended the transaction for its age (KIP-588).
  const bool again = known && known->id == before.producer.id && known->epoch == before.last_epoch;
  if (known && before.producer.id >= 0 && !held && !again) return fenced();
  MEKONG_TRY(settle(transactional_id, *entry));
  Transaction next = entry->now;
  next.timeout_ms = timeout_ms;
  next.ended = Transaction::Ended::none;
  next.last_epoch = held || again ? known->epoch : static_cast<int16_t>(-1);
  const bool bumped = next.producer.epoch != before.producer.epoch;
  if (before.producer.id < 0 || next.producer.epoch >= kEpochMax) {
    auto id = deps_.next_producer_id();
    if (!id.ok()) return storage(id.error());
    next.producer = {*id, 0};
    next.last_epoch = -1;
  } else if (!bumped && !again) {
    ++next.producer.epoch;
  }
  MEKONG_TRY(save(transactional_id, *entry, next));
  return next.producer;
}

Status Transactions::add_partitions(const Caller& caller, const std::vector<log::PartitionId>& partitions) {
  const EntryPtr entry = find(caller.transactional_id);
  if (!entry) return check(entry, caller.producer);
  std::lock_guard lock(entry->mutex);
  MEKONG_TRY(check(entry, caller.producer));
  Transaction next;
  MEKONG_TRY(enter(*entry, next));
  for (const auto& partition : partitions) next.partitions.insert(partition.value);
  const bool known =
      entry->now.state == TransactionState::ongoing && next.partitions.size() == entry->now.partitions.size();
  return known ? ok() : save(caller.transactional_id, *entry, std::move(next));
}

Status Transactions::add_group(const Caller& caller, const std::string& group) {
  const EntryPtr entry = find(caller.transactional_id);
  if (!entry) return check(entry, caller.producer);
  std::lock_guard lock(entry->mutex);
  MEKONG_TRY(check(entry, caller.producer));
  Transaction next;
  MEKONG_TRY(enter(*entry, next));
  if (entry->now.state == TransactionState::ongoing && next.offsets.contains(group)) return ok();
  next.offsets.try_emplace(group);
  return save(caller.transactional_id, *entry, std::move(next));
}

Status Transactions::add_offsets(const Caller& caller, const std::string& group,
                                 const std::vector<CommittedOffset>& offsets) {
  const EntryPtr entry = find(caller.transactional_id);
  if (!entry) return check(entry, caller.producer);
  std::lock_guard lock(entry->mutex);
  MEKONG_TRY(check(entry, caller.producer));
  if (entry->now.state != TransactionState::ongoing || !entry->now.offsets.contains(group)) {
    return invalid_state("the group was not added to the transaction");
  }
  Transaction next = entry->now;
  auto& pending = next.offsets[group];
  for (const auto& offset : offsets) {
    std::erase_if(pending, [&](const CommittedOffset& old) {
      return old.topic == offset.topic && old.partition == offset.partition;
    });
    pending.push_back(offset);
  }
  return save(caller.transactional_id, *entry, std::move(next));
}

Future<Result<log::AppendResult>> Transactions::append(const Caller& caller,
                                                       const log::PartitionId& partition,
                                                       std::string batches) {
  using Ready = Future<Result<log::AppendResult>>;
  const EntryPtr entry = find(caller.transactional_id);
  if (!entry) return Ready::ready(check(entry, caller.producer).error());
  std::lock_guard lock(entry->mutex);
  auto checked = check(entry, caller.producer);
  if (!checked.ok()) {
    Error error = checked.error();
    if (error.code == "PRODUCER_FENCED") error.code = "INVALID_PRODUCER_EPOCH";
    return Ready::ready(std::move(error));
  }
  if (entry->now.state != TransactionState::ongoing || !entry->now.partitions.contains(partition.value)) {
    return Ready::ready(invalid_state("the partition was not added to the transaction"));
  }
  return deps_.log.append(partition, std::move(batches));
}

Status Transactions::end(const Caller& caller, bool commit) {
  const EntryPtr entry = find(caller.transactional_id);
  if (!entry) return check(entry, caller.producer);
  std::lock_guard lock(entry->mutex);
  MEKONG_TRY(check(entry, caller.producer));
  const Transaction& now = entry->now;
  if (now.deciding()) {
    if (commit != (now.state == TransactionState::prepare_commit)) return invalid_state("it ends otherwise");
    return carry_out(caller.transactional_id, *entry);
  }
  if (now.state == TransactionState::ongoing) {
    return decide(caller.transactional_id, *entry, commit, now.producer.epoch);
  }
  const auto asked = commit ? Transaction::Ended::commit : Transaction::Ended::abort;
  if (now.ended == asked) return ok();  // asked again, its answer was lost
  return invalid_state("no transaction is open");
}

Status Transactions::decide(const std::string& id, Entry& entry, bool commit, int16_t epoch) {
  Transaction next = entry.now;
  next.state = commit ? TransactionState::prepare_commit : TransactionState::prepare_abort;
  // Where the epoch is raised for a transaction's age, its producer may go on with the next one (KIP-588).
  if (epoch != next.producer.epoch) next.last_epoch = next.producer.epoch;
  next.producer.epoch = epoch;
  MEKONG_TRY(save(id, entry, std::move(next)));
  return carry_out(id, entry);
}

// Markers to all partitions; then, in one commit, the offsets and the transaction's end. May be done again.
Status Transactions::carry_out(const std::string& id, Entry& entry) {
  const bool commit = entry.now.state == TransactionState::prepare_commit;
  const log::TransactionMarker marker{entry.now.producer.id, entry.now.producer.epoch, commit};
  std::vector<Future<Result<log::AppendResult>>> written;
  for (const auto& partition : entry.now.partitions) {
    written.push_back(deps_.log.end_transaction(log::PartitionId(partition), marker));
  }
  for (auto& one : written) {
    auto done = one.get();
    // A topic that was deleted meanwhile has nothing to be ended.
    if (!done.ok() && done.error().code != "UNKNOWN_TOPIC_OR_PARTITION") return storage(done.error());
  }
  meta::Batch batch;
  if (commit) {
    for (const auto& [group, offsets] : entry.now.offsets) deps_.offsets.put(batch, group, offsets);
  }
  Transaction next = entry.now;
  next.state = TransactionState::empty;
  next.ended = commit ? Transaction::Ended::commit : Transaction::Ended::abort;
  next.partitions.clear();
  next.offsets.clear();
  return save(id, entry, std::move(next), std::move(batch));
}

void Transactions::warn_unless_ok(const Status& ended) const {
  if (ended.ok()) return;
  deps_.logger.warn("kafka", "a transaction cannot be ended", {{"why", ended.error().message}});
}

bool Transactions::tick_one(const std::string& id, Entry& entry, int64_t now_ms) {
  const Transaction& now = entry.now;
  if (now.deciding() ||
      (now.state == TransactionState::ongoing && now_ms - now.started_ms > now.timeout_ms)) {
    warn_unless_ok(settle(id, entry));
    return false;
  }
  if (now.state != TransactionState::empty || now_ms - now.changed_ms <= kIdleMaxMs) return false;
  auto removed = deps_.meta.commit(std::move(meta::Batch().remove(kFamily, key(id)))).get();
  entry.gone = removed.ok();
  return entry.gone;
}

void Transactions::tick() {
  const int64_t now_ms = deps_.clock.wall_ms();
  for (const auto& [id, entry] : all()) {
    bool gone = false;
    {
      std::lock_guard lock(entry->mutex);
      gone = !entry->gone && entry->now.producer.id >= 0 && tick_one(id, *entry, now_ms);
    }
    if (!gone) continue;
    std::lock_guard lock(mutex_);
    entries_.erase(id);
  }
}

Status Transactions::remove_all() {
  while (true) {
    MEKONG_TRY_ASSIGN(auto page, deps_.meta.scan(kFamily, meta::prefix_range(prefix_, kPage)));
    if (page.empty()) return ok();
    meta::Batch batch;
    for (const auto& item : page) batch.remove(kFamily, item.key);
    MEKONG_TRY(deps_.meta.commit(std::move(batch)).get());
  }
}

}  // namespace mekong::kafka
