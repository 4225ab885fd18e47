#include "os/files.h"

#include <gtest/gtest.h>

#include <stdlib.h>
#include <algorithm>
#include <memory>

#include "os/random.h"

namespace mekong::os {
namespace {

class PosixFilesTest : public testing::Test {
 protected:
  PosixFilesTest() {
    char name[] = "/tmp/mekong_files_XXXXXX";
    folder_ = ::mkdtemp(name);
  }
  ~PosixFilesTest() override { EXPECT_TRUE(files_.remove_tree(folder_).ok()); }
  PosixFiles files_;
  std::string folder_;
};

TEST_F(PosixFilesTest, reads_back_what_was_written_at_an_offset) {
  auto file = files_.open(folder_ + "/a", OpenMode::create_new);
  ASSERT_TRUE(file.ok());
  ASSERT_TRUE((*file)->write(3, "xyz").ok());
  EXPECT_EQ(*(*file)->size(), 6u);
  EXPECT_EQ(*(*file)->read(3, 10), "xyz");
  EXPECT_EQ((*files_.open(folder_ + "/a", OpenMode::read))->read(6, 1).value(), "");
}

TEST_F(PosixFilesTest, a_direct_file_takes_writes_of_any_size) {
  std::string all;
  const std::string path = folder_ + "/direct";
  {
    auto file = files_.open(path, OpenMode::create_new_direct);
    ASSERT_TRUE(file.ok());
    EXPECT_EQ(files_.open(path, OpenMode::create_new_direct).error().code, "EEXIST");
    for (const size_t bytes : {3U << 20, 8192U, (1U << 20) + 4096U, 70'001U, 5U, 1U << 20}) {
      std::string part(bytes, '\0');
      for (size_t i = 0; i < bytes; ++i) part[i] = static_cast<char>((all.size() + i) * 31 >> 3);
      ASSERT_TRUE((*file)->write(all.size(), part).ok());
      all += part;
      EXPECT_EQ(*(*file)->size(), all.size());
      EXPECT_TRUE(*(*file)->read(1, all.size()) == all.substr(1));
    }
    ASSERT_TRUE((*file)->sync().ok());
  }
  EXPECT_TRUE(*files_.read_file(path) == all);
}

TEST_F(PosixFilesTest, a_direct_file_is_written_over_from_wherever_the_bytes_lie) {
  const std::string path = folder_ + "/over";
  struct alignas(4096) Pages {
    char bytes[8192];
  };
  const auto pages = std::make_unique<Pages>();
  std::fill(std::begin(pages->bytes), std::end(pages->bytes), 'b');
  for (int life = 0; life < 2; ++life) {
    auto file = files_.open(path, OpenMode::create_direct);
    ASSERT_TRUE(file.ok());
    ASSERT_TRUE((*file)->write(0, std::string(16384, 'a')).ok());
    ASSERT_TRUE((*file)->write(4096, {pages->bytes, sizeof(pages->bytes)}).ok());
    (*file)->begin_write_back();
    ASSERT_TRUE((*file)->sync().ok());
    EXPECT_EQ(*files_.read_file(path),
              std::string(4096, 'a') + std::string(8192, 'b') + std::string(4096, 'a'));
  }
}

TEST_F(PosixFilesTest, errors_carry_the_name_of_errno) {
  EXPECT_EQ(files_.open(folder_ + "/none", OpenMode::read).error().code, "ENOENT");
  ASSERT_TRUE(files_.open(folder_ + "/a", OpenMode::create_new).ok());
  EXPECT_EQ(files_.open(folder_ + "/a", OpenMode::create_new).error().code, "EEXIST");
}

TEST_F(PosixFilesTest, durable_write_replaces_the_whole_file) {
  ASSERT_TRUE(files_.write_file_durably(folder_ + "/f", "a longer content").ok());
  ASSERT_TRUE(files_.write_file_durably(folder_ + "/f", "short").ok());
  EXPECT_EQ(*files_.read_file(folder_ + "/f"), "short");
  EXPECT_EQ(files_.list(folder_)->size(), 1u);
}

TEST_F(PosixFilesTest, makes_lists_and_removes_folders) {
  ASSERT_TRUE(files_.make_directories(folder_ + "/x/y").ok());
  ASSERT_TRUE(files_.make_directories(folder_ + "/x/y").ok());
  const auto entries = files_.list(folder_);
  ASSERT_EQ(entries->size(), 1u);
  EXPECT_TRUE(entries->front().is_directory);
  EXPECT_TRUE(*files_.exists(folder_ + "/x/y"));
  ASSERT_TRUE(files_.remove_tree(folder_ + "/x").ok());
  EXPECT_FALSE(*files_.exists(folder_ + "/x"));
}

TEST(RandomTest, a_seed_repeats_and_a_uuid_has_its_form) {
  SeededRandom a(7), b(7), c(8);
  EXPECT_EQ(a.uuid(), b.uuid());
  EXPECT_NE(a.hex(32), c.hex(32));
  const std::string uuid = SystemRandom().uuid();
  EXPECT_EQ(uuid.size(), 36u);
  EXPECT_EQ(uuid[14], '4');
}

}  // namespace
}  // namespace mekong::os
