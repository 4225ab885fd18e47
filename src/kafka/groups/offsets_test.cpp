#include "kafka/groups/offsets.h"

#include <gtest/gtest.h>

namespace mekong::kafka {
namespace {

class OffsetsTest : public testing::Test {
 protected:
  std::unique_ptr<meta::Store> meta_ = meta::make_memory_store();
  Offsets offsets_{*meta_, "cluster"};
};

TEST_F(OffsetsTest, the_last_commit_of_a_partition_counts) {
  ASSERT_TRUE(offsets_.commit("g", {{"t", 0, 5, 0, "five"}, {"t", 1, 7, -1, ""}}).ok());
  ASSERT_TRUE(offsets_.commit("g", {{"t", 0, 6, 0, "six"}}).ok());
  auto found = offsets_.get("g", "t", 0);
  ASSERT_TRUE(found.ok() && *found);
  EXPECT_EQ((*found)->offset, 6);
  EXPECT_EQ((*found)->metadata, "six");
  EXPECT_FALSE(offsets_.get("g", "t", 2)->has_value());
  EXPECT_EQ(offsets_.all("g")->size(), 2u);
}

TEST_F(OffsetsTest, groups_whose_names_begin_alike_are_apart) {
  ASSERT_TRUE(offsets_.commit("g", {{"t", 0, 1, 0, ""}}).ok());
  ASSERT_TRUE(offsets_.commit("g/2", {{"t", 0, 2, 0, ""}}).ok());
  ASSERT_TRUE(offsets_.commit("group-of-many", {{"t", 0, 3, 0, ""}, {"u", 300, 4, 0, ""}}).ok());
  EXPECT_EQ(offsets_.groups()->size(), 3u);
  EXPECT_EQ(offsets_.all("g")->size(), 1u);
  EXPECT_TRUE(*offsets_.remove_group("g"));
  EXPECT_FALSE(*offsets_.remove_group("g"));
  EXPECT_EQ(offsets_.all("g/2")->size(), 1u);
  EXPECT_EQ(*offsets_.groups(), (std::vector<std::string>{"g/2", "group-of-many"}));
}

TEST_F(OffsetsTest, all_of_a_cluster_go_with_it) {
  Offsets other(*meta_, "another");
  ASSERT_TRUE(offsets_.commit("g", {{"t", 0, 1, 0, ""}}).ok());
  ASSERT_TRUE(other.commit("g", {{"t", 0, 1, 0, ""}}).ok());
  ASSERT_TRUE(offsets_.remove_all().ok());
  EXPECT_TRUE(offsets_.groups()->empty());
  EXPECT_EQ(other.groups()->size(), 1u);
}

}  // namespace
}  // namespace mekong::kafka
