#include "log/snapshot.h"

#include <gtest/gtest.h>

#include <atomic>
#include <random>
#include <set>
#include <thread>

#include "log/batch_builder.h"
#include "log/disk_log.h"
#include "log/verify.h"
#include "os/memory_files.h"

namespace mekong::log {
namespace {

class LogSnapshotTest : public testing::Test {
 protected:
  std::unique_ptr<DiskLog> open(const std::string& folder,
                                const Gathering& gathering = CommitterOptions().gathering) {
    return std::move(*DiskLog::open(files_, clock_, random_, null_logger(), folder,
                                    {.segment_bytes_max = 500, .committer = {.gathering = gathering}}));
  }
  static void put(DiskLog& log, const PartitionId& id, const std::string& key, const std::string& value) {
    auto done = log.append(id, build_batch({{key, value, 1000}})).get();
    ASSERT_TRUE(done.ok()) << done.error().message;
  }
  // Everything of all partitions, as bytes.
  std::string content(DiskLog& log) {
    std::string all;
    for (const auto& id : ids_) {
      const auto offsets = log.offsets(id);
      if (!offsets.ok()) continue;
      for (int64_t at = offsets->log_start; at < offsets->high_watermark;) {
        const auto read = log.read(id, at, 1);
        EXPECT_TRUE(read.ok()) << read.error().message;
        if (!read.ok()) break;
        all += read->batches;
        const auto header = parse_header(read->batches);
        at = header->last_offset() + 1;
      }
    }
    return all;
  }
  std::optional<std::string> newest_segment(const std::string& folder) {
    std::optional<std::string> newest;
    for (const auto all = files_.list(folder); const auto& entry : *all) {
      if (Segment::base_offset_of(entry.name)) newest = entry.name;
    }
    return newest;
  }
  void expect_verified(const std::string& folder) {
    Verification found;
    ASSERT_TRUE(verify(files_, folder, found).ok());
    for (const auto& one : found.findings) ADD_FAILURE() << one.file << ": " << one.what;
  }

  os::MemoryFiles files_;
  os::ManualClock clock_{1'000'000'000};
  os::SeededRandom random_{7};
  const std::vector<PartitionId> ids_ = {PartitionId("a-0"), PartitionId("b-0")};
};

TEST_F(LogSnapshotTest, neither_sees_what_the_other_writes_compacts_deletes_or_truncates) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 dice(seed);
  auto first = open("/log");
  PartitionConfig config{.retention_ms = -1};
  config.compact = true;
  config.min_cleanable_dirty_ppm = 0;
  for (const auto& id : ids_) ASSERT_TRUE(first->create(id, config).ok());
  for (int i = 0; i < 60; ++i) put(*first, ids_[i % 2], "k" + std::to_string(i % 7), std::to_string(i));
  const std::string truth = content(*first);
  bool alone = false;
  auto taken = first->snapshot("/copy", [&](int64_t) -> Status {
    alone = true;
    return ok();
  });
  ASSERT_TRUE(taken.ok()) << taken.error().message;
  EXPECT_TRUE(alone);
  expect_verified("/log");
  const auto live = [&](DiskLog& log) {
    for (int i = 0; i < 40; ++i) {
      const auto& id = ids_[dice() % 2];
      if (dice() % 8 == 0) {
        clock_.advance_ms(8LL * 24 * 3600 * 1000);
        log.retain();
      } else if (dice() % 8 == 0) {
        const auto offsets = *log.offsets(id);
        EXPECT_TRUE(log.delete_before(id, (offsets.log_start + offsets.high_watermark) / 2).ok());
      } else {
        put(log, id, "k" + std::to_string(dice() % 7), "new " + std::to_string(dice()));
      }
    }
  };
  // Bytes behind the end, as a crash leaves them: cutting them off must not reach the other.
  for (const auto all = files_.list("/copy/a-0"); const auto& entry : *all) {
    if (entry.name != *newest_segment("/copy/a-0")) continue;
    auto tail = *files_.open("/copy/a-0/" + entry.name, os::OpenMode::write);
    ASSERT_TRUE(tail->write(*tail->size(), "torn").ok());
  }
  live(*first);
  const std::string first_later = content(*first);
  auto second = open("/copy");
  EXPECT_EQ(content(*second), truth);
  live(*second);
  const std::string second_later = content(*second);
  EXPECT_EQ(content(*first), first_later);
  first.reset();
  second.reset();
  expect_verified("/log");
  expect_verified("/copy");
  EXPECT_EQ(content(*open("/log")), first_later);
  EXPECT_EQ(content(*open("/copy")), second_later);
}

TEST_F(LogSnapshotTest, what_was_acknowledged_before_is_in_it_and_nothing_after) {
  auto log = open("/log");
  for (const auto& id : ids_) ASSERT_TRUE(log->create(id, {.retention_ms = -1}).ok());
  for (int i = 0; i < 10; ++i) put(*log, ids_[0], "k", std::to_string(i));
  std::vector<Future<Result<AppendResult>>> sent;
  ASSERT_TRUE(log->snapshot("/copy",
                            [&](int64_t) -> Status {
                              sent.push_back(log->append(ids_[0], build_batch({{"k", "late", 1}})));
                              EXPECT_FALSE(sent.back().is_ready());
                              return ok();
                            })
                  .ok());
  EXPECT_TRUE(sent.back().get().ok());
  auto copy = open("/copy");
  EXPECT_EQ(copy->offsets(ids_[0])->high_watermark, 10);
  EXPECT_EQ(log->offsets(ids_[0])->high_watermark, 11);
}

TEST_F(LogSnapshotTest, a_copy_taken_under_load_has_all_up_to_its_moment) {
  auto log = open("/log");
  std::vector<PartitionId> ids;
  for (int i = 0; i < 80; ++i) ids.emplace_back("under-load-" + std::to_string(i));
  for (const auto& id : ids) ASSERT_TRUE(log->create(id, {.retention_ms = -1}).ok());
  std::atomic<bool> stop = false;
  std::thread writer([&] {
    for (size_t i = 0; !stop; ++i) put(*log, ids[i * i % ids.size()], "k", std::to_string(i));
  });
  for (int round = 0; round < 4; ++round) {
    const std::string to = "/copy" + std::to_string(round);
    std::vector<int64_t> ends;
    auto taken = log->snapshot(to, [&](int64_t) -> Status {
      for (const auto& id : ids) ends.push_back(log->offsets(id)->high_watermark);
      return ok();
    });
    ASSERT_TRUE(taken.ok()) << taken.error().message;
    auto copy = open(to);
    for (size_t i = 0; i < ids.size(); ++i) EXPECT_EQ(copy->offsets(ids[i])->high_watermark, ends[i]);
    copy.reset();
    expect_verified(to);
    ASSERT_TRUE(files_.remove_tree(to).ok());
  }
  stop = true;
  writer.join();
}

// Tells when the log's folder was listed.
class ListedFiles : public os::MemoryFiles {
 public:
  Result<std::vector<os::DirectoryEntry>> list(const std::string& path) override {
    auto entries = MemoryFiles::list(path);
    if (path == "/log") ++listed;
    return entries;
  }
  std::atomic<int> listed = 0;
};

// What is named at the moment, as a topic is once its partitions are made, is in the copy.
TEST(LogMomentTest, no_partition_is_made_between_the_listing_and_the_moment) {
  ListedFiles files;
  os::ManualClock clock{1'000'000'000};
  os::SeededRandom random{7};
  auto log = std::move(*DiskLog::open(files, clock, random, null_logger(), "/log"));
  ASSERT_TRUE(log->create(PartitionId("a-0"), {}).ok());
  files.listed = 0;
  std::atomic<bool> asked = false, named = false;
  std::thread maker([&] {
    while (files.listed < 2) std::this_thread::yield();  // to be copied, and again for what has changed
    asked = true;
    EXPECT_TRUE(log->create(PartitionId("b-0"), {}).ok());
    named = true;
  });
  bool at_the_moment = false;
  const auto taken = log->snapshot("/copy", [&](int64_t) -> Status {
    while (!asked) std::this_thread::yield();
    for (int i = 0; i < 10'000 && !named; ++i) std::this_thread::yield();  // it may try
    at_the_moment = named;
    return ok();
  });
  maker.join();
  ASSERT_TRUE(taken.ok()) << taken.error().message;
  EXPECT_FALSE(at_the_moment);
  EXPECT_TRUE(*files.exists("/copy/a-0"));
  EXPECT_FALSE(*files.exists("/copy/b-0"));
  EXPECT_TRUE(log->offsets(PartitionId("b-0")).ok());
}

// As topics go: no longer named, then removed.
TEST_F(LogSnapshotTest, partitions_that_go_meanwhile_are_in_it_as_long_as_they_are_named) {
  auto log = open("/log");
  constexpr int count = 60;
  const auto id = [](int i) { return PartitionId("going-" + std::to_string(i)); };
  for (int i = 0; i < count; ++i) ASSERT_TRUE(log->create(id(i), {.retention_ms = -1}).ok());
  std::atomic<int> going = 0;
  std::thread remover([&] {
    for (int i = 0; i < count; ++i) {
      going = i + 1;
      EXPECT_TRUE(log->remove(id(i)).ok());
    }
  });
  for (int round = 0; going < count; ++round) {
    const std::string to = "/copy" + std::to_string(round);
    int at_the_moment = 0;
    const auto taken = log->snapshot(to, [&](int64_t) -> Status {
      at_the_moment = going;
      return ok();
    });
    EXPECT_TRUE(taken.ok()) << taken.error().message;
    for (int i = at_the_moment; i < count; ++i) EXPECT_TRUE(*files_.exists(to + "/" + id(i).value)) << i;
  }
  remover.join();
}

TEST_F(LogSnapshotTest, a_copy_of_many_partitions_fails_where_one_does) {
  auto log = open("/log");
  for (int i = 0; i < 80; ++i) {
    ASSERT_TRUE(log->create(PartitionId("many-" + std::to_string(i)), {.retention_ms = -1}).ok());
  }
  files_.fail_at(files_.changes() + 150, "EIO", false);
  const auto copied = copy_log(files_, "/log", "/copy", false);
  ASSERT_FALSE(copied.ok());
  EXPECT_EQ(copied.error().code, "EIO");
  files_.no_more_failures();
  ASSERT_TRUE(copy_log(files_, "/log", "/again", false).ok());
  EXPECT_EQ(files_.list("/again")->size(), 80U);
}

TEST_F(LogSnapshotTest, what_changes_while_it_is_copied_is_copied_again) {
  const PartitionId fresh("c-0");
  auto log = open("/log", {});  // with all in its files
  for (const auto& id : ids_) ASSERT_TRUE(log->create(id, {.retention_ms = -1}).ok());
  for (int i = 0; i < 60; ++i) put(*log, ids_[i % 2], "k", std::to_string(i));
  std::set<std::string> asked;
  ASSERT_TRUE(copy_log(files_, "/log", "/copy", false).ok());
  put(*log, ids_[0], "k", "meanwhile");
  ASSERT_TRUE(log->remove(ids_[1]).ok());
  ASSERT_TRUE(log->create(fresh, {.retention_ms = -1}).ok());
  put(*log, fresh, "k", "fresh");
  ASSERT_TRUE(refresh_copy(files_, "/log", "/copy", [&](const std::string& id) {
                asked.insert(id);
                return id == "a-0";
              }).ok());
  EXPECT_EQ(asked, std::set<std::string>{"a-0"});
  auto copy = open("/copy");
  EXPECT_EQ(copy->offsets(ids_[0])->high_watermark, 31);
  EXPECT_EQ(copy->offsets(fresh)->high_watermark, 1);
  EXPECT_FALSE(copy->offsets(ids_[1]).ok());
  EXPECT_EQ(content(*copy), content(*log));
}

}  // namespace
}  // namespace mekong::log
