#include "log/disk_log.h"

#include <pthread.h>

#include <algorithm>
#include <set>

namespace mekong::log {
namespace {

Error unknown_partition(const PartitionId& id) {
  return Error{"UNKNOWN_TOPIC_OR_PARTITION", "no partition " + id.value};
}

bool valid_id(const PartitionId& id) {
  return !id.value.empty() && id.value.size() <= 100 &&
         std::all_of(id.value.begin(), id.value.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                  c == '_';
         });
}

}  // namespace

DiskLog::DiskLog(os::Files& files, const os::Clock& clock, Logger& logger, std::string folder,
                 DiskLogOptions options)
    : files_(files), clock_(clock), logger_(logger), folder_(std::move(folder)), options_(options) {
  committer_ = std::thread([this] {
    pthread_setname_np(pthread_self(), "mekong-log");
    commit_loop();
  });
}

Result<std::unique_ptr<DiskLog>> DiskLog::open(os::Files& files, const os::Clock& clock, Logger& logger,
                                               std::string folder, DiskLogOptions options) {
  MEKONG_TRY(files.make_directories(folder));
  return std::unique_ptr<DiskLog>(new DiskLog(files, clock, logger, std::move(folder), options));
}

DiskLog::~DiskLog() {
  {
    std::lock_guard lock(queue_mutex_);
    stopping_ = true;
  }
  queue_wake_.notify_all();
  committer_.join();
}

Result<DiskLog::PartitionPtr> DiskLog::find(const PartitionId& id) {
  if (!valid_id(id)) return unknown_partition(id);
  std::lock_guard lock(partitions_mutex_);
  auto found = partitions_.find(id);
  if (found != partitions_.end()) return found->second;
  MEKONG_TRY_ASSIGN(const bool exists, files_.exists(folder_of(id) + "/partition"));
  if (!exists) return unknown_partition(id);
  auto opened = Partition::open(files_, folder_of(id), options_.segment_bytes_max);
  if (!opened.ok()) {
    logger_.error("log", "partition cannot be opened",
                  {{"partition", id.value}, {"why", opened.error().message}});
    return std::move(opened).error();
  }
  PartitionPtr partition = std::move(*opened);
  partitions_[id] = partition;
  return partition;
}

Status DiskLog::create(const PartitionId& id, const PartitionConfig& config) {
  if (!valid_id(id)) return Error{"INVALID_TOPIC_EXCEPTION", "not a partition id: " + id.value};
  std::lock_guard lock(partitions_mutex_);
  MEKONG_TRY_ASSIGN(const bool exists, files_.exists(folder_of(id) + "/partition"));
  if (exists) return Error{"TOPIC_ALREADY_EXISTS", "partition " + id.value + " exists"};
  // A creation that did not come to its end leaves a folder without its state: begin again.
  MEKONG_TRY(files_.remove_tree(folder_of(id)));
  MEKONG_TRY_ASSIGN(auto partition,
                    Partition::create(files_, folder_of(id), config, options_.segment_bytes_max));
  partitions_[id] = std::move(partition);
  return ok();
}

Status DiskLog::configure(const PartitionId& id, const PartitionConfig& config) {
  MEKONG_TRY_ASSIGN(auto partition, find(id));
  return partition->configure(config);
}

Status DiskLog::remove(const PartitionId& id) {
  if (!valid_id(id)) return unknown_partition(id);
  {
    std::lock_guard lock(partitions_mutex_);
    MEKONG_TRY_ASSIGN(const bool exists, files_.exists(folder_of(id)));
    if (!exists) return unknown_partition(id);
    partitions_.erase(id);
    MEKONG_TRY(files_.remove_tree(folder_of(id)));
    MEKONG_TRY(files_.sync_directory(folder_));
  }
  wake(id, std::numeric_limits<int64_t>::max());
  return ok();
}

Future<Result<AppendResult>> DiskLog::append(const PartitionId& id, std::string batches) {
  using Ready = Future<Result<AppendResult>>;
  auto partition = find(id);
  if (!partition.ok()) return Ready::ready(partition.error());
  auto headers = verify_batches(batches);
  if (!headers.ok()) return Ready::ready(headers.error());
  for (const auto& header : *headers) {
    if (header.transactional() || header.control()) {
      return Ready::ready(Error{"INVALID_RECORD", "NotImplemented: transactional and control batches"});
    }
  }
  Append append{*partition, id, std::move(batches), std::move(*headers), {}};
  auto future = append.done.future();
  {
    std::lock_guard lock(queue_mutex_);
    if (failed_) return Ready::ready(*failed_);
    if (stopping_) return Ready::ready(Error{"KAFKA_STORAGE_ERROR", "the log is closing"});
    if (queue_bytes_ + append.batches.size() > options_.waiting_bytes_max && !queue_.empty()) {
      return Ready::ready(Error{"KAFKA_STORAGE_ERROR", "too much waits for the disk; try again"});
    }
    queue_bytes_ += append.batches.size();
    queue_.push_back(std::move(append));
  }
  queue_wake_.notify_one();
  return future;
}

void DiskLog::commit_loop() {
  while (true) {
    std::deque<Append> round;
    {
      std::unique_lock lock(queue_mutex_);
      queue_wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      if (queue_.empty()) return;
      round.swap(queue_);
      queue_bytes_ = 0;
      if (failed_) {
        for (auto& append : round) append.result = *failed_;
      }
    }
    commit(round);
    for (auto& append : round) append.done.set(std::move(append.result));
  }
}

void DiskLog::commit(std::deque<Append>& round) {
  std::map<Partition*, PartitionId> touched;
  std::optional<Error> broken;
  for (auto& append : round) {
    if (broken) append.result = *broken;
    if (!append.result.ok()) continue;
    append.result = append.partition->write(append.batches, std::move(append.headers), clock_.wall_ms());
    if (append.result.ok()) {
      touched.emplace(append.partition.get(), append.id);
    } else if (append.result.error().code == "KAFKA_STORAGE_ERROR") {
      broken = append.result.error();
    }
  }
  for (const auto& [partition, id] : touched) {
    if (broken) break;
    const auto synced = partition->sync();
    if (!synced.ok()) broken = synced.error();
  }
  if (broken) {
    // Which of this round's bytes are on disk is unknown: none of it is acknowledged, and nothing follows.
    stop_with(*broken);
    for (auto& append : round) append.result = *broken;
    return;
  }
  for (const auto& [partition, id] : touched) {
    partition->publish();
    wake(id, partition->offsets().high_watermark);
  }
}

void DiskLog::stop_with(const Error& cause) {
  logger_.error("log", "stopped: the disk failed", {{"why", cause.message}});
  std::lock_guard lock(queue_mutex_);
  if (!failed_) failed_ = cause;
}

Result<ReadResult> DiskLog::read(const PartitionId& id, int64_t offset, size_t max_bytes) {
  MEKONG_TRY_ASSIGN(auto partition, find(id));
  return partition->read(offset, max_bytes);
}

Result<Offsets> DiskLog::offsets(const PartitionId& id) {
  MEKONG_TRY_ASSIGN(auto partition, find(id));
  return partition->offsets();
}

Result<TimestampOffset> DiskLog::offset_for(const PartitionId& id, int64_t timestamp_ms) {
  MEKONG_TRY_ASSIGN(auto partition, find(id));
  return partition->offset_for(timestamp_ms);
}

Status DiskLog::delete_before(const PartitionId& id, int64_t offset) {
  MEKONG_TRY_ASSIGN(auto partition, find(id));
  return partition->delete_before(offset);
}

Result<int64_t> DiskLog::size_bytes(const PartitionId& id) {
  MEKONG_TRY_ASSIGN(auto partition, find(id));
  return partition->size_bytes();
}

Future<bool> DiskLog::wait_beyond(const std::vector<std::pair<PartitionId, int64_t>>& positions) {
  Waiter waiter{positions, {}};
  auto future = waiter.done.future();
  {
    std::lock_guard lock(waiters_mutex_);
    waiters_.emplace(future.identity(), waiter);
  }
  // Looked at after it is registered, so that an append between the caller's read and now is not missed.
  for (const auto& [id, offset] : positions) {
    auto partition = find(id);
    const int64_t end =
        partition.ok() ? (*partition)->offsets().high_watermark : std::numeric_limits<int64_t>::max();
    if (end > offset) wake(id, end);
  }
  return future;
}

void DiskLog::cancel_wait(const Future<bool>& wait) {
  std::optional<Promise<bool>> done;
  {
    std::lock_guard lock(waiters_mutex_);
    auto found = waiters_.find(wait.identity());
    if (found == waiters_.end()) return;
    done = found->second.done;
    waiters_.erase(found);
  }
  done->set(false);
}

void DiskLog::wake(const PartitionId& id, int64_t high_watermark) {
  std::vector<Promise<bool>> ready;
  {
    std::lock_guard lock(waiters_mutex_);
    for (auto at = waiters_.begin(); at != waiters_.end();) {
      const auto& positions = at->second.positions;
      const bool passed = std::any_of(positions.begin(), positions.end(), [&](const auto& position) {
        return position.first == id && high_watermark > position.second;
      });
      if (passed) ready.push_back(at->second.done);
      at = passed ? waiters_.erase(at) : std::next(at);
    }
  }
  for (const auto& promise : ready) promise.set(true);
}

void DiskLog::retain() {
  std::vector<std::pair<PartitionId, PartitionPtr>> all;
  {
    std::lock_guard lock(partitions_mutex_);
    for (const auto& entry : partitions_) all.push_back(entry);
  }
  for (const auto& [id, partition] : all) {
    const auto kept = partition->retain(clock_.service_ms());
    if (!kept.ok())
      logger_.warn("log", "retention failed", {{"partition", id.value}, {"why", kept.error().message}});
  }
}

}  // namespace mekong::log
