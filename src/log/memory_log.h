// The twin of the log: record batches in memory, for tests of what stands on a Log. Assigns offsets, drops an
// idempotent producer's immediate retry, and lets readers wait; no retention, no checks of CRC or
// transactions, nothing durable.
#pragma once
#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "log/log.h"
#include "log/records.h"

namespace mekong::log {

class MemoryLog : public Log {
 public:
  Status create(const PartitionId& id, const PartitionConfig& config) override {
    std::lock_guard lock(mutex_);
    partitions_[id].config = config;
    return ok();
  }
  Status configure(const PartitionId& id, const PartitionConfig& config) override {
    std::lock_guard lock(mutex_);
    if (!partitions_.contains(id)) return unknown();
    partitions_[id].config = config;
    return ok();
  }
  Status remove(const PartitionId& id) override {
    {
      std::lock_guard lock(mutex_);
      if (partitions_.erase(id) == 0) return unknown();
    }
    wake();
    return ok();
  }

  Future<Result<AppendResult>> append(const PartitionId& id, std::string batches) override {
    AppendResult result;
    {
      std::lock_guard lock(mutex_);
      auto found = partitions_.find(id);
      if (found == partitions_.end()) return Future<Result<AppendResult>>::ready(unknown());
      auto& batch_list = found->second.batches;
      // Bytes 43 to 57: producer id, epoch, first sequence; the same again is a retry.
      for (const auto& batch : batch_list) {
        result.duplicate = number(batches, 43, 8) >= 0 && batch.bytes.compare(43, 14, batches, 43, 14) == 0;
        result.base_offset = batch.base_offset;
        if (result.duplicate) return Future<Result<AppendResult>>::ready(result);
      }
      result.base_offset = found->second.end;
      for (int i = 0; i < 8; ++i) {
        batches[static_cast<size_t>(i)] = static_cast<char>(result.base_offset >> (8 * (7 - i)) & 0xff);
      }
      found->second.end += number(batches, 23, 4) + 1;
      batch_list.push_back({result.base_offset, found->second.end, std::move(batches)});
    }
    wake();
    return Future<Result<AppendResult>>::ready(result);
  }

  // Markers are kept beside the batches, not among them.
  Future<Result<AppendResult>> end_transaction(const PartitionId& id,
                                               const TransactionMarker& marker) override {
    std::lock_guard lock(mutex_);
    if (!partitions_.contains(id)) return Future<Result<AppendResult>>::ready(unknown());
    markers_[id].push_back(marker);
    return Future<Result<AppendResult>>::ready(AppendResult{});
  }
  std::vector<TransactionMarker> markers_of(const PartitionId& id) {
    std::lock_guard lock(mutex_);
    return markers_[id];
  }

  Result<ReadResult> read(const PartitionId& id, int64_t offset, size_t max_bytes, Isolation,
                          ReadAs) override {
    std::lock_guard lock(mutex_);
    auto found = partitions_.find(id);
    if (found == partitions_.end()) return unknown();
    const auto& partition = found->second;
    if (offset < partition.start || offset > partition.end) return Error{"OFFSET_OUT_OF_RANGE", ""};
    ReadResult result{{}, partition.end, partition.end, partition.start, {}};
    for (const auto& batch : partition.batches) {
      if (batch.end_offset <= offset) continue;
      result.more = !result.batches.empty() && result.batches.size() + batch.bytes.size() > max_bytes;
      if (result.more) break;
      result.batches += batch.bytes;
    }
    return result;
  }
  Result<Offsets> offsets(const PartitionId& id) override {
    std::lock_guard lock(mutex_);
    auto found = partitions_.find(id);
    if (found == partitions_.end()) return unknown();
    return Offsets{found->second.start, found->second.end, found->second.end};
  }
  Result<TimestampOffset> offset_for(const PartitionId& id, int64_t timestamp_ms) override {
    std::lock_guard lock(mutex_);
    auto found = partitions_.find(id);
    if (found == partitions_.end()) return unknown();
    for (const auto& batch : found->second.batches) {
      const auto header = parse_header(batch.bytes);
      const auto at = first_record_at(*header, batch.bytes, found->second.start, timestamp_ms);
      if (at.offset >= 0) return at;
    }
    return TimestampOffset{};
  }
  Status delete_before(const PartitionId& id, int64_t offset) override {
    std::lock_guard lock(mutex_);
    auto found = partitions_.find(id);
    if (found == partitions_.end()) return unknown();
    if (offset > found->second.end) return Error{"OFFSET_OUT_OF_RANGE", ""};
    found->second.start = std::max(found->second.start, offset);
    std::erase_if(found->second.batches, [offset](const Batch& batch) { return batch.end_offset <= offset; });
    return ok();
  }

  Future<bool> wait_beyond(const std::vector<std::pair<PartitionId, int64_t>>& positions) override {
    auto wait = std::make_shared<Wait>();
    wait->positions = positions;
    {
      std::lock_guard lock(mutex_);
      if (!passed(*wait)) {
        waits_.push_back(wait);
        return wait->future;
      }
    }
    wait->promise.set(true);
    return wait->future;
  }
  // Futures cannot be told apart here, so every wait ends: waiters look again, as after any wake-up.
  void cancel_wait(const Future<bool>&) override {
    std::vector<std::shared_ptr<Wait>> waits;
    {
      std::lock_guard lock(mutex_);
      waits.swap(waits_);
    }
    for (const auto& wait : waits) wait->promise.set(false);
  }
  Result<int64_t> size_bytes(const PartitionId& id) override {
    std::lock_guard lock(mutex_);
    auto found = partitions_.find(id);
    if (found == partitions_.end()) return unknown();
    int64_t bytes = 0;
    for (const auto& batch : found->second.batches) bytes += static_cast<int64_t>(batch.bytes.size());
    return bytes;
  }

 private:
  struct Batch {
    int64_t base_offset, end_offset;
    std::string bytes;
  };
  struct Partition {
    PartitionConfig config;
    int64_t start = 0, end = 0;
    std::vector<Batch> batches;
  };
  struct Wait {
    std::vector<std::pair<PartitionId, int64_t>> positions;
    Promise<bool> promise;
    Future<bool> future = promise.future();
  };

  static Error unknown() { return {"UNKNOWN_TOPIC_OR_PARTITION", "no such partition"}; }
  static int64_t number(const std::string& bytes, size_t at, size_t size) {
    int64_t value = static_cast<signed char>(bytes[at]);
    for (size_t i = 1; i < size; ++i) value = value << 8 | static_cast<uint8_t>(bytes[at + i]);
    return value;
  }
  bool passed(const Wait& wait) const {
    return std::any_of(wait.positions.begin(), wait.positions.end(), [this](const auto& position) {
      auto found = partitions_.find(position.first);
      return found == partitions_.end() || found->second.end > position.second;
    });
  }
  void wake() {
    std::vector<std::shared_ptr<Wait>> through;
    {
      std::lock_guard lock(mutex_);
      for (const auto& wait : waits_) {
        if (passed(*wait)) through.push_back(wait);
      }
      std::erase_if(waits_, [this](const auto& wait) { return passed(*wait); });
    }
    for (const auto& wait : through) wait->promise.set(true);
  }

  std::mutex mutex_;
  std::map<PartitionId, Partition> partitions_;
  std::map<PartitionId, std::vector<TransactionMarker>> markers_;
  std::vector<std::shared_ptr<Wait>> waits_;
};

}  // namespace mekong::log
