#include "app/metadata.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

namespace mekong::app {
namespace {

class MetadataTest : public testing::Test {
 public:
  MetadataTest() { std::filesystem::create_directories(path_); }
  ~MetadataTest() override { std::filesystem::remove_all(path_); }

 protected:
  std::string opened() {
    const auto store = open_metadata(files_, folder_, {"a"}, meta::Durability::sync);
    return store.ok() ? "opened" : store.error().code + ": " + store.error().message;
  }

  const std::string path_ = testing::TempDir() + "metadata_" + std::to_string(::getpid());
  os::PosixFiles files_;
  DataFolder folder_{files_, path_};
};

TEST_F(MetadataTest, lost_metadata_is_not_begun_anew) {
  EXPECT_EQ(opened(), "opened");
  for (const auto& part : {folder_.blobs(), folder_.log()}) {
    ASSERT_TRUE(files_.make_directories(part).ok());
    std::filesystem::remove_all(folder_.meta());
    EXPECT_EQ(opened(), "opened") << part << " is empty";
    ASSERT_TRUE(files_.write_file_durably(part + "/kept", "x").ok());
    EXPECT_EQ(opened(), "opened") << "beside its metadata";
    std::filesystem::remove_all(folder_.meta());
    for (const bool half_made : {false, true}) {
      if (half_made) {
        ASSERT_TRUE(files_.make_directories(folder_.meta()).ok());
        ASSERT_TRUE(files_.write_file_durably(folder_.meta() + "/being-made", "").ok());
      }
      EXPECT_EQ(opened().find("MetadataMissing: " + folder_.meta() + " is missing, and " + part), 0)
          << opened();
      EXPECT_FALSE(std::filesystem::exists(folder_.meta() + "/CURRENT"));
    }
    std::filesystem::remove_all(folder_.meta());
    std::filesystem::remove(part + "/kept");
  }
}

}  // namespace
}  // namespace mekong::app
