#include "meta/rocksdb_store.h"

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/file_checksum.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/snapshot.h>
#include <rocksdb/table.h>
#include <rocksdb/utilities/checkpoint.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <utility>

#include "base/memory_only.h"
#include "meta/evaluate.h"
#include "meta/new_folder.h"
#include "meta/os_file_system.h"
#include "meta/table_end.h"
#include "meta/torn_tail.h"
#include "meta/watchers.h"

namespace mekong::meta {
namespace {

constexpr std::string_view format_key = "mekong.format";
constexpr int format_version = 1;
constexpr size_t group_batches_max = 1024;
constexpr size_t group_bytes_max = 8 << 20;
constexpr size_t memtables_bytes_max = 32 << 20;  // of all families together
constexpr size_t block_cache_bytes = 24 << 20;
constexpr int block_cache_shard_bits = 2;
constexpr uint64_t blob_bytes_min = 1 << 10;
constexpr uint64_t blob_file_bytes_max = 64 << 20;

// A write that finds no space ends the journal, and with it the process's writing: so it is refused while
// there is room, for what is written goes into tables, later, and those are merged. Removals go on for
// longer.
constexpr uint64_t free_bytes_min = 32 << 20;
constexpr uint64_t free_bytes_to_remove_min = 8 << 20;
constexpr size_t removal_bytes_max = 4096;

// Whether a batch may help to make room: what it removes weighs more than what it notes about that.
bool makes_room(const Batch& batch) {
  size_t put_bytes = 0, removed = 0;
  for (const auto& write : batch.writes()) {
    removed += write.value ? 0 : 1;
    put_bytes += write.value ? write.key.size() + write.value->size() : 0;
  }
  return removed > 0 && put_bytes <= removal_bytes_max;
}

Error storage_failed(const rocksdb::Status& status) {
  return {"StorageFailed", status.ToString()};
}

using Handles = std::map<std::string, rocksdb::ColumnFamilyHandle*, std::less<>>;

// The database as seen by a group: what the group's earlier batches set lies over what is stored.
class GroupView final : public View {
 public:
  GroupView(rocksdb::DB& db, const Handles& handles, const Watchers& watchers)
      : db_(db), handles_(handles), watchers_(watchers) {}

  bool has_family(const std::string& family) const override { return handles_.contains(family); }

  Result<std::optional<std::string>> get(const std::string& family, const std::string& key) override {
    auto handle = handles_.find(family);
    if (handle == handles_.end()) return Error{"UnknownFamily", "no family '" + family + "'"};
    auto& overlay = overlay_[handle->second];
    if (auto found = overlay.find(key); found != overlay.end()) return found->second;
    std::string value;
    auto status = db_.Get(rocksdb::ReadOptions(), handle->second, key, &value);
    if (!status.ok() && !status.IsNotFound()) return storage_failed(status);
    // Nobody else writes: what the group's other batches ask of it, a bucket's record, need not be looked up.
    auto& read = overlay[key];
    if (status.ok()) read = std::move(value);
    return read;
  }

  void set(const std::string& family, const std::string& key, std::optional<std::string> value) override {
    auto* handle = handles_.find(family)->second;
    auto status = value ? batch_.Put(handle, key, *value) : batch_.Delete(handle, key);
    if (!status.ok() && failure_.ok()) failure_ = status;
    if (watchers_.wants(family, key)) changes_.push_back({family, {key, value}});
    overlay_[handle][key] = std::move(value);
  }

  rocksdb::WriteBatch& batch() { return batch_; }
  const rocksdb::Status& failure() const { return failure_; }
  // Of watched families, since this was asked last: of one batch, where it is asked after each.
  std::vector<FamilyChange> take_changes() { return std::exchange(changes_, {}); }

 private:
  rocksdb::DB& db_;
  const Handles& handles_;
  const Watchers& watchers_;
  std::vector<FamilyChange> changes_;
  rocksdb::WriteBatch batch_;
  rocksdb::Status failure_;
  std::unordered_map<rocksdb::ColumnFamilyHandle*,
                     std::unordered_map<std::string, std::optional<std::string>>>
      overlay_;
};

// Looks into the database as of `snapshot`, or, without one, as of now.
class RocksDbReader {
 public:
  RocksDbReader(rocksdb::DB& db, const Handles& handles, const rocksdb::Snapshot* snapshot)
      : db_(db), handles_(handles), snapshot_(snapshot) {}
  Result<std::optional<std::string>> get(std::string_view family, std::string_view key) const;
  Result<std::vector<KeyValue>> scan(std::string_view family, const ScanRange& range) const;

 private:
  Result<rocksdb::ColumnFamilyHandle*> find(std::string_view family) const {
    auto found = handles_.find(family);
    if (found == handles_.end()) return Error{"UnknownFamily", "no family '" + std::string(family) + "'"};
    return found->second;
  }
  rocksdb::DB& db_;
  const Handles& handles_;
  const rocksdb::Snapshot* const snapshot_;
};

class RocksDbSnapshot final : public Reader {
 public:
  RocksDbSnapshot(rocksdb::DB& db, const Handles& handles)
      : snapshot_(&db), reader_(db, handles, snapshot_.snapshot()) {}
  Result<std::optional<std::string>> get(std::string_view family, std::string_view key) const override {
    return reader_.get(family, key);
  }
  Result<std::vector<KeyValue>> scan(std::string_view family, const ScanRange& range) const override {
    return reader_.scan(family, range);
  }

 private:
  rocksdb::ManagedSnapshot snapshot_;
  const RocksDbReader reader_;
};

class RocksDbStore final : public Store {
 public:
  // `poison`: what every commit fails with.
  RocksDbStore(std::shared_ptr<rocksdb::Env> env, std::unique_ptr<rocksdb::DB> db, Handles handles,
               Durability durability, std::optional<Error> poison = {})
      : poison_(std::move(poison)),
        env_(std::move(env)),
        db_(std::move(db)),
        handles_(std::move(handles)),
        durability_(durability),
        committer_([this] { run(); }) {}

  ~RocksDbStore() override {
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_one();
    committer_.join();
    for (auto& [name, handle] : handles_) db_->DestroyColumnFamilyHandle(handle).PermitUncheckedError();
  }

  Result<std::optional<std::string>> get(std::string_view family, std::string_view key) const override {
    return RocksDbReader(*db_, handles_, nullptr).get(family, key);
  }
  Result<std::vector<KeyValue>> scan(std::string_view family, const ScanRange& range) const override {
    return RocksDbReader(*db_, handles_, nullptr).scan(family, range);
  }
  std::unique_ptr<const Reader> snapshot() const override {
    return std::make_unique<RocksDbSnapshot>(*db_, handles_);
  }
  std::unique_ptr<Watch> watch(std::string family, std::string prefix,
                               std::function<void(std::span<const Change>)> seen) override {
    return watchers_.add(std::move(family), std::move(prefix), std::move(seen));
  }
  Future<Status> commit(Batch batch) override;
  Status checkpoint(const std::string& folder) override {
    rocksdb::Checkpoint* raw = nullptr;
    auto status = rocksdb::Checkpoint::Create(db_.get(), &raw);
    const std::unique_ptr<rocksdb::Checkpoint> maker(raw);
    if (status.ok()) status = maker->CreateCheckpoint(folder);
    return status.ok() ? ok() : Status(storage_failed(status));
  }

 private:
  struct Waiting {
    Batch batch;
    Promise<Status> promise;
  };
  void run();
  void commit_group(std::vector<Waiting> group);
  uint64_t free_bytes() const;
  Status write(GroupView& view);

  std::optional<Error> poison_;              // committer thread only
  const std::shared_ptr<rocksdb::Env> env_;  // outlives db_
  std::unique_ptr<rocksdb::DB> db_;
  const Handles handles_;
  const Durability durability_;
  Watchers watchers_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Waiting> queue_;
  bool stopping_ = false;
  std::thread committer_;
};

Result<std::optional<std::string>> RocksDbReader::get(std::string_view family, std::string_view key) const {
  MEKONG_TRY_ASSIGN(auto* handle, find(family));
  std::string value;
  rocksdb::ReadOptions options;
  options.snapshot = snapshot_;
  if (MemoryOnly::on()) options.read_tier = rocksdb::kBlockCacheTier;
  auto status = db_.Get(options, handle, rocksdb::Slice(key.data(), key.size()), &value);
  if (status.IsIncomplete()) return MemoryOnly::would_wait();
  if (status.IsNotFound()) return std::optional<std::string>();
  if (!status.ok()) return storage_failed(status);
  return std::make_optional(std::move(value));
}

Result<std::vector<KeyValue>> RocksDbReader::scan(std::string_view family, const ScanRange& range) const {
  if (MemoryOnly::on()) return MemoryOnly::would_wait();
  MEKONG_TRY_ASSIGN(auto* handle, find(family));
  rocksdb::Slice lower(range.begin);
  rocksdb::Slice upper(range.end);
  rocksdb::ReadOptions options;
  options.snapshot = snapshot_;
  options.iterate_lower_bound = &lower;
  if (!range.end.empty()) options.iterate_upper_bound = &upper;
  std::vector<KeyValue> found;
  if (!range.end.empty() && range.end <= range.begin) return found;
  std::unique_ptr<rocksdb::Iterator> at(db_.NewIterator(options, handle));
  if (range.reverse) {
    // Without an upper bound SeekToLast; `after` is exclusive.
    range.after ? at->SeekForPrev(*range.after) : at->SeekToLast();
  } else {
    range.after && *range.after >= range.begin ? at->Seek(*range.after) : at->SeekToFirst();
  }
  if (range.after && at->Valid() && at->key() == rocksdb::Slice(*range.after)) {
    range.reverse ? at->Prev() : at->Next();
  }
  for (; at->Valid() && found.size() < range.limit; range.reverse ? at->Prev() : at->Next()) {
    found.push_back({at->key().ToString(), at->value().ToString()});
  }
  if (!at->status().ok()) return storage_failed(at->status());
  return found;
}

Future<Status> RocksDbStore::commit(Batch batch) {
  Promise<Status> promise;
  auto future = promise.future();
  bool first = false;
  {
    std::lock_guard lock(mutex_);
    first = queue_.empty();
    queue_.push_back({std::move(batch), std::move(promise)});
  }
  if (first) wake_.notify_one();
  return future;
}

void RocksDbStore::run() {
  for (;;) {
    std::vector<Waiting> group;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      if (queue_.empty()) return;
      group.swap(queue_);
    }
    for (size_t at = 0; at < group.size();) {
      std::vector<Waiting> slice;
      size_t bytes = 0;
      while (at < group.size() && slice.size() < group_batches_max && bytes < group_bytes_max) {
        for (const auto& write : group[at].batch.writes()) bytes += write.value ? write.value->size() : 0;
        slice.push_back(std::move(group[at++]));
      }
      commit_group(std::move(slice));
    }
  }
}

void RocksDbStore::commit_group(std::vector<Waiting> group) {
  GroupView view(*db_, handles_, watchers_);
  std::vector<Status> results(group.size());
  std::vector<std::vector<FamilyChange>> changes(group.size());
  const uint64_t left_bytes = free_bytes();
  for (size_t i = 0; i < group.size(); ++i) {
    if (poison_) {
      results[i] = *poison_;
    } else if (left_bytes < free_bytes_min &&
               (left_bytes < free_bytes_to_remove_min || !makes_room(group[i].batch))) {
      results[i] = Error{"InsufficientStorage", "the disk is full"};
    } else {
      results[i] = evaluate(group[i].batch, view);
      changes[i] = view.take_changes();
    }
  }
  Status written = poison_ ? ok() : write(view);
  for (size_t i = 0; i < group.size(); ++i) {
    if (results[i].ok()) results[i] = written;
    if (results[i].ok()) watchers_.tell(changes[i]);
    group[i].promise.set(results[i]);
  }
}

uint64_t RocksDbStore::free_bytes() const {
  uint64_t bytes = UINT64_MAX;
  if (!db_->GetEnv()->GetFreeSpace(db_->GetName(), &bytes).ok()) return UINT64_MAX;  // a twin's
  return bytes;
}

// A failed write or sync leaves the state of the journal unknown: nothing is written after it.
Status RocksDbStore::write(GroupView& view) {
  rocksdb::Status status = view.failure();
  if (status.ok() && view.batch().Count() > 0) {
    rocksdb::WriteOptions options;
    options.sync = durability_ == Durability::sync;
    status = db_->Write(options, &view.batch());
  }
  if (status.ok()) return ok();
  poison_ = storage_failed(status);
  return *poison_;
}

rocksdb::Options make_options(rocksdb::Env* env) {
  rocksdb::Options options;
  options.env = env;
  options.paranoid_checks = true;
  // A torn last record is cut; a bad record before good ones is an error.
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  options.track_and_verify_wals_in_manifest = true;
  options.keep_log_file_num = 4;
  // A start reads it twice, and a family that is seldom written keeps all since: its table is a small one.
  options.max_total_wal_size = 96 << 20;
  options.max_background_jobs = 2;
  options.db_write_buffer_size = memtables_bytes_max;
  // Else each family is opened by sixteen threads of its own, for one small table or none, and writes a page
  // about its settings into the log.
  options.max_file_opening_threads = 1;
  options.info_log_level = rocksdb::InfoLogLevel::WARN_LEVEL;
  // Of each table as a whole: what its blocks' own checksums leave out, verify() finds by this.
  options.file_checksum_gen_factory = rocksdb::GetFileChecksumGenCrc32cFactory();
  return options;
}

rocksdb::ColumnFamilyOptions family_options(const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::ColumnFamilyOptions options;
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.cache_index_and_filter_blocks = true;
  // Indexes and filters in pieces as small as blocks: the whole ones of a large table do not fit into a part
  // of the cache, and each get would read and unpack them anew.
  table.index_type = rocksdb::BlockBasedTableOptions::kTwoLevelIndexSearch;
  table.partition_filters = true;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  options.compression = rocksdb::kLZ4Compression;
  options.write_buffer_size = 16 << 20;
  // Large values stand in files beside the tables, written once: merging tables moves keys alone.
  options.enable_blob_files = true;
  options.min_blob_size = blob_bytes_min;
  options.blob_file_size = blob_file_bytes_max;
  options.blob_cache = cache;
  // What a merge finds in a quarter of the files, the oldest, is written anew; so are those that are half
  // dead.
  options.enable_blob_garbage_collection = true;
  options.blob_garbage_collection_force_threshold = 0.5;
  return options;
}

Status check_format(rocksdb::DB& db) {
  std::string text;
  rocksdb::Slice key(format_key.data(), format_key.size());
  auto status = db.Get(rocksdb::ReadOptions(), key, &text);
  if (status.ok()) {
    if (std::atoi(text.c_str()) <= format_version) return ok();
    return Error{"NewerFormat", "the folder was written by a newer version (format " + text + ")"};
  }
  if (!status.IsNotFound()) return storage_failed(status);
  rocksdb::WriteOptions options;
  options.sync = true;
  status = db.Put(options, key, std::to_string(format_version));
  if (!status.ok()) return storage_failed(status);
  return ok();
}

class NoInfoLog final : public rocksdb::Logger {
 public:
  using Logger::Logv;
  void Logv(const char*, va_list) override {}
};

// All at once: to have DB::Open make what is missing writes and syncs the page of options for each.
rocksdb::Status create_families(rocksdb::DB& db, const std::vector<std::string>& names,
                                const std::shared_ptr<rocksdb::Cache>& cache,
                                std::vector<rocksdb::ColumnFamilyHandle*>& handles) {
  if (names.empty()) return rocksdb::Status::OK();
  std::vector<rocksdb::ColumnFamilyDescriptor> descriptors;
  for (const auto& name : names) descriptors.emplace_back(name, family_options(cache));
  std::vector<rocksdb::ColumnFamilyHandle*> made;
  auto status = db.CreateColumnFamilies(descriptors, &made);
  handles.insert(handles.end(), made.begin(), made.end());
  return status;
}

Error open_failed(const rocksdb::Status& status) {
  auto text = status.ToString();
  bool locked =
      status.IsIOError() && (text.find("lock ") != std::string::npos || text.find("LOCK") != text.npos);
  return {locked ? "InUse" : "StorageFailed", text};
}

}  // namespace

Result<std::unique_ptr<Store>> open_rocksdb_on(std::shared_ptr<rocksdb::Env> given, const std::string& folder,
                                               std::vector<std::string> families, Durability durability) {
  MEKONG_TRY_ASSIGN(const auto making, NewFolder::begin(*given, folder));
  if (!making && given->FileExists(folder + "/CURRENT").IsNotFound()) {
    return Error{"StorageFailed", folder + "/CURRENT is missing: what else is there cannot be opened"};
  }
  auto env = making ? making->env() : given;
  auto options = make_options(env.get());
  options.create_if_missing = making != nullptr;
  std::vector<std::string> names;
  // Fails for a folder that is not there yet; a real problem shows when opening.
  rocksdb::DB::ListColumnFamilies(options, folder, &names).PermitUncheckedError();
  if (names.empty()) names.push_back(rocksdb::kDefaultColumnFamilyName);
  std::erase_if(families, [&](const auto& family) { return std::ranges::count(names, family) > 0; });
  auto cache = rocksdb::NewLRUCache(block_cache_bytes, block_cache_shard_bits);
  std::vector<rocksdb::ColumnFamilyDescriptor> descriptors;
  for (const auto& name : names) descriptors.emplace_back(name, family_options(cache));
  std::vector<rocksdb::ColumnFamilyHandle*> opened;
  rocksdb::DB* raw = nullptr;
  MEKONG_TRY(cut_torn_tails(*options.env, folder));
  auto status = rocksdb::DB::Open(options, folder, descriptors, &opened, &raw);
  if (!status.ok()) return open_failed(status);
  std::unique_ptr<rocksdb::DB> db(raw);
  status = create_families(*db, families, cache, opened);
  auto format = status.ok() ? check_format(*db) : Status(open_failed(status));
  if (format.ok() && making) format = making->finish();
  if (!format.ok()) {
    for (auto* handle : opened) db->DestroyColumnFamilyHandle(handle).PermitUncheckedError();
    return std::move(format).error();
  }
  Handles handles;
  for (auto* handle : opened) handles[handle->GetName()] = handle;
  return std::unique_ptr<Store>(
      std::make_unique<RocksDbStore>(std::move(env), std::move(db), std::move(handles), durability));
}

Result<ReadOnlyStore> open_read_only_on(std::shared_ptr<rocksdb::Env> env, const std::string& folder) {
  auto options = make_options(env.get());
  options.info_log = std::make_shared<NoInfoLog>();  // else a file in the folder
  // A torn end stays where it is; verify() names what is damaged before.
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  ReadOnlyStore out;
  auto status = rocksdb::DB::ListColumnFamilies(options, folder, &out.families);
  if (!status.ok()) return open_failed(status);
  auto cache = rocksdb::NewLRUCache(block_cache_bytes, block_cache_shard_bits);
  std::vector<rocksdb::ColumnFamilyDescriptor> descriptors;
  for (const auto& name : out.families) descriptors.emplace_back(name, family_options(cache));
  std::vector<rocksdb::ColumnFamilyHandle*> opened;
  status = rocksdb::DB::OpenForReadOnly(options, folder, descriptors, &opened, &out.db);
  if (!status.ok()) return open_failed(status);
  Handles handles;
  for (size_t i = 0; i < opened.size(); ++i) handles[out.families[i]] = opened[i];
  out.store = std::make_unique<RocksDbStore>(std::move(env), std::unique_ptr<rocksdb::DB>(out.db),
                                             std::move(handles), Durability::sync,
                                             Error{"ReadOnly", "the store is open for reading only"});
  return out;
}

std::shared_ptr<rocksdb::Env> env_on(os::Files& files) {
  return rocksdb::NewCompositeEnv(with_examined_tables(make_os_file_system(files)));
}

Result<std::unique_ptr<Store>> open_rocksdb_on(os::Files& files, const std::string& folder,
                                               std::vector<std::string> families, Durability durability) {
  return open_rocksdb_on(env_on(files), folder, std::move(families), durability);
}

Result<std::unique_ptr<Store>> open_rocksdb(const std::string& folder, std::vector<std::string> families,
                                            Durability durability) {
  return open_rocksdb_on(rocksdb::NewCompositeEnv(with_examined_tables(rocksdb::FileSystem::Default())),
                         folder, std::move(families), durability);
}

}  // namespace mekong::meta
