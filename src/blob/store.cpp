#include "blob/store.h"

#include <charconv>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <utility>

#include "base/memory_only.h"
#include "blob/known_contents.h"
#include "blob/reader.h"
#include "blob/writer.h"
#include "os/descriptors.h"

namespace mekong::blob {
namespace {

constexpr size_t known_bytes_max = 12 << 20;

// Which contents are being read. Shared by the pins, which may outlive the store.
class Pins {
 public:
  void add(const std::string& id) {
    std::lock_guard lock(mutex_);
    ++counts_[id];
  }
  void drop(const std::string& id) {
    std::lock_guard lock(mutex_);
    if (auto found = counts_.find(id); found != counts_.end() && --found->second == 0) counts_.erase(found);
  }
  bool holds(const std::string& id) const {
    std::lock_guard lock(mutex_);
    return counts_.contains(id);
  }

 private:
  mutable std::mutex mutex_;
  std::unordered_map<std::string, int> counts_;
};

class BlobStore final : public Store {
 public:
  BlobStore(os::Files& files, const os::Clock& clock, os::Random& random, meta::Store& meta, Logger& logger,
            Options options)
      : files_(files),
        clock_(clock),
        random_(random),
        meta_(meta),
        logger_(logger),
        options_(std::move(options)),
        folders_(files, options_.folder),
        reader_(files, options_.folder) {}

  ~BlobStore() override {
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_one();
    if (collector_.joinable()) collector_.join();
  }

  Status start();
  std::unique_ptr<Writer> create() override {
    return std::make_unique<BlobWriter>(files_, folders_, random_.hex(32), options_.inline_bytes_max);
  }
  Result<std::string> read(const BlobRef& ref, uint64_t offset, size_t bytes) const override;
  Result<int> open_descriptor(const BlobRef& ref) const override;
  Status retain(meta::Batch& batch, const BlobRef& ref) override;
  Status release(meta::Batch& batch, const BlobRef& ref) override;
  void discard(const BlobRef& ref) override;
  std::shared_ptr<const void> pin(const BlobRef& ref) const override;
  Status while_kept(const std::function<Status()>& work) override {
    std::lock_guard lock(collect_mutex_);
    return work();
  }
  Status collect() override { return collect_older_than(clock_.service_ms() - options_.grace_ms); }

 private:
  Result<KnownContents::Content> read_inline(const BlobRef& ref) const;
  Status sweep_orphans();
  Status sweep_folder(const std::string& name);
  Status collect_older_than(int64_t until_ms);
  Status remove_content(const std::string& id, bool in_file);
  void run_collector();

  os::Files& files_;
  const os::Clock& clock_;
  os::Random& random_;
  meta::Store& meta_;
  Logger& logger_;
  const Options options_;
  Folders folders_;
  mutable FileReader reader_;
  mutable KnownContents known_{known_bytes_max};
  std::shared_ptr<Pins> pins_ = std::make_shared<Pins>();
  std::mutex collect_mutex_;  // held while one content is removed
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread collector_;
};

Status BlobStore::start() {
  MEKONG_TRY(files_.make_directories(options_.folder));
  MEKONG_TRY(sweep_orphans());
  // Nobody reads yet, so there is no grace to give.
  MEKONG_TRY(collect_older_than(INT64_MAX));
  if (options_.collect_interval_ms > 0) collector_ = std::thread([this] { run_collector(); });
  return ok();
}

Result<KnownContents::Content> BlobStore::read_inline(const BlobRef& ref) const {
  if (auto known = known_.find(ref.id)) return known;
  MEKONG_TRY_ASSIGN(auto stored, meta_.get(family, content_key(ref.id)));
  if (!stored) return Error{"ContentMissing", "content " + ref.id + " is gone"};
  MEKONG_TRY_ASSIGN(auto content, decode_inline(ref.id, *stored));
  auto read = std::make_shared<const std::string>(std::move(content));
  known_.keep(ref.id, read);
  return read;
}

Result<std::string> BlobStore::read(const BlobRef& ref, uint64_t offset, size_t bytes) const {
  if (!ref.inline_content) {
    if (MemoryOnly::on()) return MemoryOnly::would_wait();
    return reader_.read(ref, offset, bytes);
  }
  MEKONG_TRY_ASSIGN(const auto content, read_inline(ref));
  return offset >= content->size() ? std::string() : content->substr(offset, bytes);
}

Result<int> BlobStore::open_descriptor(const BlobRef& ref) const {
  if (!ref.inline_content) return reader_.open_descriptor(ref);
  MEKONG_TRY_ASSIGN(const auto content, read_inline(ref));
  return os::make_sealed_descriptor(*content);
}

Status BlobStore::retain(meta::Batch& batch, const BlobRef& ref) {
  batch.count({.family = std::string(family), .key = reference_key(ref.id), .delta = 1, .must_exist = true});
  return ok();
}

Status BlobStore::release(meta::Batch& batch, const BlobRef& ref) {
  batch.count({.family = std::string(family),
               .key = reference_key(ref.id),
               .delta = -1,
               .must_exist = true,
               .zero_key = zero_key(ref.id),
               .zero_value = std::to_string(clock_.service_ms()) + (ref.inline_content ? "i" : "f")});
  return ok();
}

void BlobStore::discard(const BlobRef& ref) {
  if (ref.inline_content) return;
  reader_.forget(ref.id);
  auto removed = files_.remove(reader_.path(ref.id));
  if (!removed.ok())
    logger_.warn("blob", "content not removed", {{"id", ref.id}, {"error", removed.error().code}});
}

std::shared_ptr<const void> BlobStore::pin(const BlobRef& ref) const {
  pins_->add(ref.id);
  return {static_cast<const void*>(this), [pins = pins_, id = ref.id](const void*) { pins->drop(id); }};
}

Status BlobStore::sweep_orphans() {
  MEKONG_TRY_ASSIGN(auto folders, files_.list(options_.folder));
  for (const auto& folder : folders) {
    if (folder.is_directory) MEKONG_TRY(sweep_folder(folder.name));
  }
  return ok();
}

Status BlobStore::sweep_folder(const std::string& name) {
  MEKONG_TRY_ASSIGN(auto entries, files_.list(folders_.path(name)));
  for (const auto& entry : entries) {
    MEKONG_TRY_ASSIGN(auto referenced, meta_.get(family, reference_key(entry.name)));
    MEKONG_TRY_ASSIGN(auto zero, meta_.get(family, zero_key(entry.name)));
    if (entry.is_directory || referenced || zero) continue;
    MEKONG_TRY(files_.remove(folders_.path(name) + "/" + entry.name));
    logger_.info("blob", "unfinished content removed", {{"id", entry.name}});
  }
  return ok();
}

Status BlobStore::remove_content(const std::string& id, bool in_file) {
  std::lock_guard lock(collect_mutex_);
  meta::Batch batch;
  if (in_file) {
    reader_.forget(id);
    auto removed = files_.remove(reader_.path(id));
    if (!removed.ok() && removed.error().code != "ENOENT") return removed;
  } else {
    batch.remove(family, content_key(id));
  }
  batch.remove(family, zero_key(id));
  auto removed = meta_.commit(std::move(batch)).get();
  known_.forget(id);
  return removed;
}

Status BlobStore::collect_older_than(int64_t until_ms) {
  auto range = meta::prefix_range("z/", 1000);
  for (;;) {
    MEKONG_TRY_ASSIGN(auto page, meta_.scan(family, range));
    for (const auto& entry : page) {
      int64_t since_ms = 0;
      std::from_chars(entry.value.data(), entry.value.data() + entry.value.size(), since_ms);
      auto id = entry.key.substr(2);
      if (since_ms > until_ms || pins_->holds(id)) continue;
      MEKONG_TRY(remove_content(id, entry.value.ends_with('f')));
    }
    if (page.size() < range.limit) return ok();
    range.after = page.back().key;
  }
}

void BlobStore::run_collector() {
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      wake_.wait_for(lock, std::chrono::milliseconds(options_.collect_interval_ms),
                     [this] { return stopping_; });
      if (stopping_) return;
    }
    auto status = collect();
    if (!status.ok()) logger_.warn("blob", "collection failed", {{"error", status.error().message}});
  }
}

}  // namespace

Result<std::unique_ptr<Store>> open_store(os::Files& files, const os::Clock& clock, os::Random& random,
                                          meta::Store& meta, Logger& logger, Options options) {
  auto store = std::make_unique<BlobStore>(files, clock, random, meta, logger, std::move(options));
  MEKONG_TRY(store->start());
  return std::unique_ptr<Store>(std::move(store));
}

}  // namespace mekong::blob
