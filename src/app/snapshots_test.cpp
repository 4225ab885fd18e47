#include "app/snapshots.h"

#include <gtest/gtest.h>

#include "os/memory_files.h"

namespace mekong::app {
namespace {

const char* const parts[] = {"meta", "log", "blobs"};

// A folder whose restoring was decided, and was cut off there.
void make(os::MemoryFiles& files) {
  for (const std::string part : parts) {
    for (const std::string& place : {"/data/" + part, "/data/restoring/" + part}) {
      ASSERT_TRUE(files.make_directories(place).ok());
      const std::string name = place.find("restoring") == place.npos ? "/before" : "/after";
      ASSERT_TRUE(files.write_file_durably(place + name, "x").ok());
    }
  }
  ASSERT_TRUE(files.write_file_durably("/data/restoring/ready", "").ok());
  ASSERT_TRUE(files.sync_all("/data").ok());
}

// Returns whether the restore was cut off before its end.
bool cut_off_at(uint64_t step, uint64_t seed) {
  os::MemoryFiles files;
  const DataFolder folder(files, "/data");
  make(files);
  files.fail_at(files.changes() + step, "EIO", true);
  const bool reached = !finish_restore(files, folder).ok();
  files.power_cut(seed);
  files.no_more_failures();
  const auto finished = finish_restore(files, folder);
  EXPECT_TRUE(finished.ok()) << finished.error().message;
  for (const std::string part : parts) {
    EXPECT_TRUE(*files.exists("/data/" + part + "/after")) << part;
    EXPECT_FALSE(*files.exists("/data/" + part + "/before")) << part;
  }
  EXPECT_FALSE(*files.exists("/data/restoring"));
  EXPECT_FALSE(*files.exists("/data/replaced"));
  return reached;
}

TEST(SnapshotsTest, a_restore_is_finished_however_often_it_is_cut_off) {
  uint64_t steps = 0;
  for (bool reached = true; reached && !testing::Test::HasFailure(); ++steps) {
    for (uint64_t seed = 0; seed < 20; ++seed) {
      SCOPED_TRACE("step " + std::to_string(steps + 1) + ", seed " + std::to_string(seed));
      reached = cut_off_at(steps + 1, seed);
    }
  }
  EXPECT_GT(steps, 20);
}

void expect_as_before(os::MemoryFiles& files) {
  for (const std::string part : parts) {
    EXPECT_TRUE(*files.exists("/data/" + part + "/before")) << part;
    EXPECT_FALSE(*files.exists("/data/" + part + "/after")) << part;
  }
}

TEST(SnapshotsTest, what_is_not_whole_replaces_nothing) {
  for (const std::string lost : parts) {
    SCOPED_TRACE(lost);
    os::MemoryFiles files;
    const DataFolder folder(files, "/data");
    make(files);
    ASSERT_TRUE(files.remove_tree("/data/restoring/" + lost).ok());
    const auto finished = finish_restore(files, folder);
    ASSERT_FALSE(finished.ok());
    EXPECT_EQ(finished.error().code, "StorageFailed");
    EXPECT_NE(finished.error().message.find("/data/restoring/" + lost), std::string::npos);
    expect_as_before(files);
  }
}

class VanishingFiles : public os::MemoryFiles {
 public:
  explicit VanishingFiles(std::string vanishing) : vanishing_(std::move(vanishing)) {}
  Status link(const std::string& from, const std::string& to) override {
    if (from == vanishing_) return Error{"ENOENT", from};
    return MemoryFiles::link(from, to);
  }

 private:
  const std::string vanishing_;
};

TEST(SnapshotsTest, a_restore_whose_source_goes_fails_and_replaces_nothing) {
  const std::string source = "/data/snapshots/one";
  const std::vector<std::string> linked = {"/meta/1.sst", "/log/a-0/partition", "/blobs/ab/x"};
  for (const auto& vanishing : linked) {
    SCOPED_TRACE(vanishing);
    VanishingFiles files(source + vanishing);
    const DataFolder folder(files, "/data");
    make(files);
    ASSERT_TRUE(files.remove_tree("/data/restoring").ok());
    for (const auto& name : linked) {
      ASSERT_TRUE(files.make_directories(source + name.substr(0, name.rfind('/'))).ok());
      ASSERT_TRUE(files.write_file_durably(source + name, "x").ok());
    }
    os::ManualClock clock(1'000'000);
    os::SeededRandom random(7);
    EXPECT_FALSE(Snapshots(files, folder, clock, random).restore("one").ok());
    expect_as_before(files);
    ASSERT_TRUE(finish_restore(files, folder).ok());
    expect_as_before(files);
  }
}

TEST(SnapshotsTest, a_name_that_says_part_is_refused) {
  os::MemoryFiles files;
  const DataFolder folder(files, "/data");
  os::ManualClock clock(1'000'000);
  os::SeededRandom random(7);
  Snapshots snapshots(files, folder, clock, random);
  for (const std::string name : {"a.part", ".part"}) {
    EXPECT_EQ(snapshots.create(name, nullptr).error().code, "InvalidArgument") << name;
    EXPECT_EQ(snapshots.remove(name).error().code, "InvalidArgument") << name;
    EXPECT_EQ(snapshots.restore(name).error().code, "InvalidArgument") << name;
  }
}

TEST(SnapshotsTest, a_fork_that_fails_leaves_what_lies_beside_its_target) {
  os::MemoryFiles files;
  const DataFolder folder(files, "/data");
  os::ManualClock clock(1'000'000);
  os::SeededRandom random(7);
  ASSERT_TRUE(files.make_directories("/forks/try.part").ok());
  ASSERT_TRUE(files.write_file_durably("/forks/try.part/another's", "x").ok());
  EXPECT_FALSE(Snapshots(files, folder, clock, random).fork("/forks/try", nullptr).ok());  // of nothing
  EXPECT_TRUE(*files.exists("/forks/try.part/another's"));
  EXPECT_EQ(files.list("/forks")->size(), 1U);
}

}  // namespace
}  // namespace mekong::app
