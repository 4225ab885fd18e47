#include "os/memory_files.h"

#include <gtest/gtest.h>

#include <set>

namespace mekong::os {
namespace {

class MemoryFilesTest : public testing::Test {
 protected:
  MemoryFilesTest() { EXPECT_TRUE(files_.make_directories("/d").ok()); }
  std::unique_ptr<File> open(const std::string& path) { return *files_.open(path, OpenMode::create); }
  MemoryFiles files_;
};

TEST_F(MemoryFilesTest, a_crash_forgets_what_was_not_synced) {
  auto file = open("/d/a");
  ASSERT_TRUE(file->write(0, "kept").ok());
  ASSERT_TRUE(file->sync().ok());
  ASSERT_TRUE(files_.sync_directory("/d").ok());
  ASSERT_TRUE(file->write(4, " lost").ok());
  files_.crash();
  EXPECT_EQ(file->read(0, 1).error().code, "EIO");
  EXPECT_EQ(*files_.read_file("/d/a"), "kept");
}

TEST_F(MemoryFilesTest, a_synced_file_in_an_unsynced_folder_is_lost) {
  auto file = open("/d/a");
  ASSERT_TRUE(file->write(0, "x").ok());
  ASSERT_TRUE(file->sync().ok());
  files_.crash();
  EXPECT_FALSE(*files_.exists("/d/a"));
}

TEST_F(MemoryFilesTest, a_torn_write_leaves_its_beginning) {
  auto file = open("/d/a");
  ASSERT_TRUE(files_.sync_directory("/d").ok());
  ASSERT_TRUE(file->write(0, "abcdef").ok());
  files_.crash(2);
  EXPECT_EQ(*files_.read_file("/d/a"), "ab");
}

TEST_F(MemoryFilesTest, an_unsynced_rename_is_undone_by_a_crash) {
  ASSERT_TRUE(files_.write_file_durably("/d/f", "old").ok());
  auto next = open("/d/g");
  ASSERT_TRUE(next->write(0, "new").ok());
  ASSERT_TRUE(next->sync().ok());
  ASSERT_TRUE(files_.rename("/d/g", "/d/f").ok());
  files_.crash();
  EXPECT_EQ(*files_.read_file("/d/f"), "old");
}

TEST_F(MemoryFilesTest, a_power_cut_keeps_any_subset_of_unsynced_writes_and_all_synced_ones) {
  std::set<std::string> seen;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    MemoryFiles files;
    ASSERT_TRUE(files.make_directories("/d").ok());
    ASSERT_TRUE(files.write_file_durably("/d/f", "....").ok());
    auto file = *files.open("/d/f", OpenMode::write);
    ASSERT_TRUE(file->write(0, "a").ok());
    ASSERT_TRUE(file->write(1, "b").ok());
    ASSERT_TRUE(file->write(4, "cd").ok());
    files.power_cut(seed);
    seen.insert(*files.read_file("/d/f"));
  }
  for (const auto* wanted : {"....", "ab..cd", ".b..", "a...", ".b..cd", "ab..c"})
    EXPECT_TRUE(seen.contains(wanted)) << wanted;
  for (const auto& content : seen) EXPECT_EQ(content.substr(2, 2), "..") << content;
}

TEST_F(MemoryFilesTest, a_power_cut_keeps_a_beginning_of_the_name_changes) {
  std::set<std::string> seen;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    MemoryFiles files;
    ASSERT_TRUE(files.make_directories("/d").ok());
    ASSERT_TRUE(files.write_file_durably("/d/f", "old").ok());
    ASSERT_TRUE(files.open("/d/g", OpenMode::create).ok());
    ASSERT_TRUE(files.rename("/d/g", "/d/h").ok());
    ASSERT_TRUE(files.remove("/d/f").ok());
    files.power_cut(seed);
    std::string names;
    auto entries = files.list("/d");
    for (const auto& entry : entries.value()) names += entry.name;
    seen.insert(names);
  }
  EXPECT_EQ(seen, (std::set<std::string>{"f", "fg", "fh", "h"}));
}

TEST_F(MemoryFilesTest, the_walk_over_failure_points_leaves_old_or_new) {
  ASSERT_TRUE(files_.write_file_durably("/d/f", "old").ok());
  for (uint64_t step = 1;; ++step) {
    files_.fail_at(files_.changes() + step, "EIO", true);
    const bool done = files_.write_file_durably("/d/f", "new").ok();
    files_.no_more_failures();
    files_.crash();
    const std::string content = *files_.read_file("/d/f");
    if (done) {
      EXPECT_EQ(content, "new");
      EXPECT_GE(step, 5u);
      break;
    }
    EXPECT_TRUE(content == "old" || content == "new") << content;
    ASSERT_TRUE(files_.write_file_durably("/d/f", "old").ok());
  }
}

}  // namespace
}  // namespace mekong::os
