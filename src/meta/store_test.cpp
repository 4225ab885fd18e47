#include "meta/store.h"

#include <gtest/gtest.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "base/memory_only.h"
#include "meta/rocksdb_store.h"

namespace mekong::meta {
namespace {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "mekong-meta-XXXXXX").string();
    path_ = mkdtemp(pattern.data());
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  std::string db() const { return path_ + "/meta"; }

 private:
  std::string path_;
};

// The same behaviour is asked of every implementation.
class StoreTest : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    if (GetParam()) {
      store_ = std::move(open_rocksdb(folder_.db(), {"a", "b"}, Durability::sync)).value();
    } else {
      store_ = make_memory_store();
    }
  }
  std::string code(Batch batch) {
    auto status = store_->commit(std::move(batch)).get();
    return status.ok() ? "" : status.error().code;
  }
  std::string get(std::string_view family, std::string_view key) {
    return store_->get(family, key).value().value_or("(none)");
  }
  std::string scan(ScanRange range) {
    std::string keys;
    auto found = store_->scan("a", range);
    for (auto& entry : found.value()) keys += entry.key + " ";
    return keys;
  }
  TemporaryFolder folder_;
  std::unique_ptr<Store> store_;
};
INSTANTIATE_TEST_SUITE_P(All, StoreTest, testing::Bool(),
                         [](const auto& info) { return info.param ? "rocksdb" : "memory"; });

TEST_P(StoreTest, a_batch_is_seen_in_all_its_families) {
  EXPECT_EQ(code(Batch().put("a", "k", "1").put("b", "k", "2").remove("a", "gone")), "");
  EXPECT_EQ(get("a", "k"), "1");
  EXPECT_EQ(get("b", "k"), "2");
  EXPECT_EQ(code(Batch().remove("a", "k")), "");
  EXPECT_EQ(get("a", "k"), "(none)");
}

TEST_P(StoreTest, one_failed_condition_keeps_the_whole_batch_out) {
  EXPECT_EQ(code(Batch().put("a", "k", "1").expect_absent("a", "k")), "");
  EXPECT_EQ(code(Batch().put("a", "other", "1").expect_absent("a", "k")), "ConditionFailed");
  EXPECT_EQ(code(Batch().put("a", "other", "1").expect_value("a", "k", "0")), "ConditionFailed");
  EXPECT_EQ(get("a", "other"), "(none)");
  EXPECT_EQ(code(Batch().put("a", "k", "2").expect_value("a", "k", "1")), "");
  EXPECT_EQ(get("a", "k"), "2");
}

TEST_P(StoreTest, scans_pages_ranges_and_backwards) {
  EXPECT_EQ(code(Batch()
                     .put("a", "a", "")
                     .put("a", "b1", "")
                     .put("a", "b2", "")
                     .put("a", "b3", "")
                     .put("a", "c", "")),
            "");
  EXPECT_EQ(scan({}), "a b1 b2 b3 c ");
  EXPECT_EQ(scan(prefix_range("b")), "b1 b2 b3 ");
  EXPECT_EQ(scan({.begin = "b", .end = "c", .after = "b1"}), "b2 b3 ");
  EXPECT_EQ(scan({.begin = "b", .end = "c", .after = "a"}), "b1 b2 b3 ");
  EXPECT_EQ(scan({.begin = "b", .end = "c", .after = "z"}), "");
  EXPECT_EQ(scan({.begin = "b", .end = "c", .limit = 2}), "b1 b2 ");
  EXPECT_EQ(scan({.begin = "b", .end = "c", .limit = 2, .reverse = true}), "b3 b2 ");
  EXPECT_EQ(scan({.begin = "b", .after = "b2", .reverse = true}), "b1 ");
  EXPECT_EQ(scan({.begin = "c", .end = "b"}), "");
  EXPECT_EQ(prefix_range("a\xff\xff").end, "b");
  EXPECT_EQ(prefix_range("\xff").end, "");
}

TEST_P(StoreTest, counters_add_up_and_leave_a_note_at_zero) {
  Batch::Count up{.family = "a", .key = "n", .delta = 1};
  Batch::Count down{.family = "a", .key = "n", .delta = -1, .zero_key = "zero", .zero_value = "now"};
  Batch::Count again{.family = "a", .key = "n", .delta = 1, .must_exist = true};
  EXPECT_EQ(code(Batch().count(again)), "ConditionFailed");
  EXPECT_EQ(code(Batch().count(down)), "ConditionFailed");
  EXPECT_EQ(code(Batch().count(up).count(up)), "");
  EXPECT_EQ(code(Batch().count(again)), "");
  EXPECT_EQ(get("a", "n"), "3");
  EXPECT_EQ(code(Batch().count(down).count(down)), "");
  EXPECT_EQ(get("a", "zero"), "(none)");
  EXPECT_EQ(code(Batch().count(down)), "");
  EXPECT_EQ(get("a", "n"), "(none)");
  EXPECT_EQ(get("a", "zero"), "now");
}

TEST_P(StoreTest, a_snapshot_is_of_one_moment) {
  EXPECT_EQ(code(Batch().put("a", "k", "1").put("a", "gone", "1").put("b", "k", "1")), "");
  const auto before = store_->snapshot();
  EXPECT_EQ(code(Batch().put("a", "k", "2").remove("a", "gone").put("a", "new", "2").remove("b", "k")), "");
  EXPECT_EQ(before->get("a", "k").value().value_or("(none)"), "1");
  EXPECT_EQ(before->get("a", "new").value().value_or("(none)"), "(none)");
  EXPECT_EQ(before->get("b", "k").value().value_or("(none)"), "1");
  std::string keys;
  const auto there = before->scan("a", {}).value();
  for (const auto& [key, value] : there) keys += key + "=" + value + " ";
  EXPECT_EQ(keys, "gone=1 k=1 ");
  EXPECT_EQ(store_->snapshot()->scan("a", {}).value().size(), 2U);
}

// Two families that each batch keeps equal: whatever moment a snapshot is of, they are equal in it.
TEST_P(StoreTest, a_snapshot_has_of_each_batch_all_or_nothing) {
  std::atomic<bool> stopping = false;
  std::thread writer([&] {
    for (int i = 0; !stopping; ++i) {
      const auto value = std::to_string(i);
      EXPECT_EQ(code(Batch().put("a", "k", value).put("b", "k", value)), "");
    }
  });
  std::string last;
  for (int seen = 0; seen < 200;) {
    const auto at = store_->snapshot();
    const auto first = at->get("a", "k").value().value_or("");
    EXPECT_EQ(first, at->get("b", "k").value().value_or(""));
    seen += first != last || seen == 0 ? 1 : 0;
    last = first;
  }
  stopping = true;
  writer.join();
}

TEST_P(StoreTest, a_watch_tells_what_each_commit_changed_before_it_is_answered) {
  std::vector<std::string> told;
  auto watch = store_->watch("a", "x/", [&](std::span<const Change> changes) {
    std::string line;
    for (const auto& [key, value] : changes) line += key + "=" + value.value_or("(gone)") + " ";
    if (const auto now = get("a", "x/1"); changes[0].key == "x/1")
      EXPECT_EQ(now, changes[0].value.value_or("(none)"));
    told.push_back(line);
  });
  EXPECT_EQ(code(Batch().put("a", "x/1", "1").put("a", "y", "1").put("b", "x/1", "1").put("a", "x/2", "1")),
            "");
  EXPECT_EQ(told, std::vector<std::string>{"x/1=1 x/2=1 "});
  EXPECT_EQ(code(Batch().put("a", "y", "2")), "");
  EXPECT_EQ(code(Batch().put("a", "x/1", "2").expect_absent("a", "x/1")), "ConditionFailed");
  EXPECT_EQ(told.size(), 1U);
  EXPECT_EQ(code(Batch().remove("a", "x/1").count({.family = "a", .key = "x/n", .delta = 2})), "");
  EXPECT_EQ(told.back(), "x/1=(gone) x/n=2 ");
  watch.reset();
  EXPECT_EQ(code(Batch().put("a", "x/1", "3")), "");
  EXPECT_EQ(told.size(), 2U);
}

TEST_P(StoreTest, a_watch_follows_the_order_of_commits) {
  std::vector<int> told;
  auto watch = store_->watch("a", "n", [&](std::span<const Change> changes) {
    for (const auto& change : changes) told.push_back(std::stoi(*change.value));
  });
  std::vector<std::thread> writers;
  for (int w = 0; w < 4; ++w) {
    writers.emplace_back([&] {
      for (int i = 0; i < 50; ++i)
        EXPECT_EQ(code(Batch().count({.family = "a", .key = "n", .delta = 1})), "");
    });
  }
  for (auto& writer : writers) writer.join();
  ASSERT_EQ(told.size(), 200U);
  for (int i = 0; i < 200; ++i) EXPECT_EQ(told[static_cast<size_t>(i)], i + 1);
}

TEST_P(StoreTest, racing_conditional_writers_have_one_winner) {
  for (int round = 0; round < 20; ++round) {
    std::atomic<int> winners = 0;
    std::string key = "race" + std::to_string(round);
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back(
          [&] { winners += code(Batch().put("a", key, "x").expect_absent("a", key)).empty(); });
    }
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(winners, 1);
  }
}

TEST_P(StoreTest, batches_of_one_group_see_each_other_in_order) {
  std::vector<Future<Status>> pending;
  for (int i = 0; i < 200; ++i) {
    Batch batch;
    batch.put("a", "chain", std::to_string(i));
    if (i > 0) batch.expect_value("a", "chain", std::to_string(i - 1));
    pending.push_back(store_->commit(std::move(batch)));
  }
  for (auto& future : pending) EXPECT_TRUE(future.get().ok());
  EXPECT_EQ(get("a", "chain"), "199");
}

TEST(RocksDbStoreTest, a_folder_half_made_is_emptied_by_who_holds_its_lock) {
  TemporaryFolder folder;
  const std::string mark = folder.db() + "/being-made";
  {
    auto store = std::move(open_rocksdb(folder.db(), {"a"}, Durability::sync)).value();
    EXPECT_FALSE(std::filesystem::exists(mark));
    EXPECT_TRUE(store->commit(Batch().put("a", "k", "v")).get().ok());
    std::ofstream(mark).put('\n');
    EXPECT_EQ(open_rocksdb(folder.db(), {"a"}, Durability::sync).error().code, "InUse");
    EXPECT_EQ(store->get("a", "k").value().value_or(""), "v");
  }
  auto store = std::move(open_rocksdb(folder.db(), {"a"}, Durability::sync)).value();
  EXPECT_EQ(store->get("a", "k").value(), std::nullopt);
  EXPECT_FALSE(std::filesystem::exists(mark));
}

// What is there without CURRENT is not taken for a folder half made.
TEST(RocksDbStoreTest, a_folder_that_lost_a_file_is_neither_emptied_nor_begun_anew) {
  TemporaryFolder folder;
  {
    auto store = std::move(open_rocksdb(folder.db(), {"a"}, Durability::sync)).value();
  }
  const auto files = [&] {
    return std::distance(std::filesystem::directory_iterator(folder.db()),
                         std::filesystem::directory_iterator());
  };
  std::filesystem::remove(folder.db() + "/CURRENT");
  const auto before = files();
  const auto opened = open_rocksdb(folder.db(), {"a"}, Durability::sync);
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().code, "StorageFailed");
  EXPECT_NE(opened.error().message.find("/CURRENT is missing"), std::string::npos) << opened.error().message;
  EXPECT_GE(files(), before);
  EXPECT_FALSE(std::filesystem::exists(folder.db() + "/CURRENT"));
}

TEST(RocksDbStoreTest, keeps_what_was_acknowledged_and_families_come_and_stay) {
  TemporaryFolder folder;
  {
    auto store = std::move(open_rocksdb(folder.db(), {"a"}, Durability::sync)).value();
    EXPECT_TRUE(store->commit(Batch().put("a", "k", "v")).get().ok());
    EXPECT_EQ(store->commit(Batch().put("a", "k", "w").put("nowhere", "k", "v")).get().error().code,
              "UnknownFamily");
    EXPECT_EQ(open_rocksdb(folder.db(), {"a"}, Durability::sync).error().code, "InUse");
  }
  {
    auto store = std::move(open_rocksdb(folder.db(), {"b"}, Durability::sync)).value();
    EXPECT_TRUE(store->commit(Batch().put("b", "k", "v")).get().ok());
    EXPECT_EQ(store->get("a", "k").value().value_or(""), "v");
  }
}

TEST(RocksDbStoreTest, memory_only_is_answered_without_the_disk_or_refused) {
  TemporaryFolder folder;
  const auto look = [](const Store& store) {
    const MemoryOnly scope;
    auto got = store.get("a", "k");
    return got.ok() ? got->value_or("(none)") : got.error().code;
  };
  {
    auto store = open_rocksdb(folder.db(), {"a"}, Durability::sync).value();
    ASSERT_TRUE(store->commit(Batch().put("a", "k", "v")).get().ok());
    EXPECT_EQ(look(*store), "v");
  }
  auto store = open_rocksdb(folder.db(), {"a"}, Durability::sync).value();
  EXPECT_EQ(look(*store), "WouldWait");  // in a table that nobody has read
  EXPECT_EQ(*store->get("a", "k").value(), "v");
  EXPECT_EQ(look(*store), "v");
}

TEST(RocksDbStoreTest, downgrade_refused) {
  TemporaryFolder folder;
  {
    EXPECT_TRUE(open_rocksdb(folder.db(), {}, Durability::sync).ok());
  }
  rocksdb::DB* raw = nullptr;
  ASSERT_TRUE(rocksdb::DB::Open({}, folder.db(), &raw).ok());
  ASSERT_TRUE(raw->Put({}, "mekong.format", "2").ok());
  delete raw;
  EXPECT_EQ(open_rocksdb(folder.db(), {}, Durability::sync).error().code, "NewerFormat");
}

// Damages the journal of a store that holds k0 … k9; returns the file.
void damage_journal(const std::string& db, bool torn) {
  for (const auto& entry : std::filesystem::directory_iterator(db)) {
    if (entry.path().extension() != ".log" || std::filesystem::file_size(entry) == 0) continue;
    auto size = std::filesystem::file_size(entry);
    if (torn) {
      std::filesystem::resize_file(entry, size - 3);
    } else {
      std::fstream file(entry.path(), std::ios::in | std::ios::out | std::ios::binary);
      file.seekp(static_cast<std::streamoff>(size / 2));
      file.write("\x5a\x5a\x5a", 3);
    }
  }
}

TEST(RocksDbStoreTest, torn_tail_vs_rot) {
  for (bool torn : {true, false}) {
    TemporaryFolder folder;
    {
      auto store = std::move(open_rocksdb(folder.db(), {"a"}, Durability::sync)).value();
      for (int i = 0; i < 10; ++i) {
        EXPECT_TRUE(
            store->commit(Batch().put("a", "k" + std::to_string(i), std::string(100, 'v'))).get().ok());
      }
    }
    damage_journal(folder.db(), torn);
    auto store = open_rocksdb(folder.db(), {"a"}, Durability::sync);
    ASSERT_EQ(store.ok(), torn) << (store.ok() ? "" : store.error().message);
    if (torn) EXPECT_EQ(store.value()->scan("a", {}).value().size(), 9u);
  }
}

// A file system whose journal syncs fail from a given moment on.
class FailingFile final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  FailingFile(std::unique_ptr<rocksdb::FSWritableFile> file, const std::atomic<bool>& failing)
      : FSWritableFileOwnerWrapper(std::move(file)), failing_(failing) {}
  rocksdb::IOStatus Sync(const rocksdb::IOOptions& options, rocksdb::IODebugContext* context) override {
    if (failing_) return rocksdb::IOStatus::IOError("injected");
    return FSWritableFileOwnerWrapper::Sync(options, context);
  }

 private:
  const std::atomic<bool>& failing_;
};

class FailingFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  FailingFileSystem() : FileSystemWrapper(rocksdb::FileSystem::Default()) {}
  const char* Name() const override { return "failing"; }
  rocksdb::IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* result,
                                    rocksdb::IODebugContext* context) override {
    auto status = FileSystemWrapper::NewWritableFile(name, options, result, context);
    if (status.ok()) *result = std::make_unique<FailingFile>(std::move(*result), failing);
    return status;
  }
  std::atomic<bool> failing = false;
};

TEST(RocksDbStoreTest, fsync_fails_once) {
  TemporaryFolder folder;
  auto files = std::make_shared<FailingFileSystem>();
  std::shared_ptr<rocksdb::Env> env = rocksdb::NewCompositeEnv(files);
  {
    auto store = std::move(open_rocksdb_on(env, folder.db(), {"a"}, Durability::sync)).value();
    EXPECT_TRUE(store->commit(Batch().put("a", "before", "")).get().ok());
    files->failing = true;
    EXPECT_EQ(store->commit(Batch().put("a", "lost", "")).get().error().code, "StorageFailed");
    files->failing = false;
    EXPECT_EQ(store->commit(Batch().put("a", "after", "")).get().error().code, "StorageFailed");
    EXPECT_TRUE(store->get("a", "before").value().has_value());
  }
  auto store = std::move(open_rocksdb(folder.db(), {"a"}, Durability::sync)).value();
  EXPECT_TRUE(store->get("a", "before").value().has_value());
  EXPECT_FALSE(store->get("a", "after").value().has_value());
}

}  // namespace
}  // namespace mekong::meta
