#include "kafka/groups/offsets.h"

#include <gtest/gtest.h>

#include "log/memory_log.h"

namespace mekong::kafka {
namespace {

class OffsetsTest : public testing::Test {
 protected:
  OffsetsTest() {
    for (const char* name : {"t", "u"}) EXPECT_TRUE(topics_.create(name, 400, {}, false).ok());
  }
  size_t stored() { return meta_->scan(kFamily, meta::prefix_range("o/"))->size(); }

  std::unique_ptr<meta::Store> meta_ = meta::make_memory_store();
  log::MemoryLog log_;
  os::SeededRandom random_{1};
  Topics topics_{*meta_, log_, random_, "cluster"};
  Offsets offsets_{*meta_, topics_, "cluster"};
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
  Offsets other(*meta_, topics_, "another");
  ASSERT_TRUE(offsets_.commit("g", {{"t", 0, 1, 0, ""}}).ok());
  ASSERT_TRUE(other.commit("g", {{"t", 0, 1, 0, ""}}).ok());
  ASSERT_TRUE(offsets_.remove_all().ok());
  EXPECT_TRUE(offsets_.groups()->empty());
  EXPECT_EQ(other.groups()->size(), 1u);
}

TEST_F(OffsetsTest, a_topic_made_anew_under_the_same_name_has_none) {
  const auto before = topics_.find("t")->id;
  ASSERT_TRUE(offsets_.commit("g", {{"t", 0, 5, 0, ""}, {"u", 0, 6, 0, ""}}).ok());
  ASSERT_TRUE(topics_.remove("t").ok());
  EXPECT_FALSE(offsets_.get("g", "t", 0)->has_value());
  ASSERT_TRUE(topics_.create("t", 1, {}, false).ok());
  EXPECT_FALSE(offsets_.get("g", "t", 0)->has_value());
  // A commit that began before the removal changes nothing of the new topic's.
  ASSERT_TRUE(offsets_.commit("g", {{"t", 0, 1, 0, ""}}).ok());
  ASSERT_TRUE(offsets_.commit("g", {{"t", 0, 7, 0, "", before}}).ok());
  EXPECT_EQ((*offsets_.get("g", "t", 0))->offset, 1);
  EXPECT_EQ(offsets_.all("g")->size(), 2u);
}

TEST_F(OffsetsTest, those_of_topics_that_are_gone_take_no_room) {
  ASSERT_TRUE(offsets_.commit("g", {{"t", 0, 5, 0, ""}, {"u", 0, 6, 0, ""}}).ok());
  ASSERT_TRUE(offsets_.commit("h", {{"t", 1, 5, 0, ""}}).ok());
  ASSERT_TRUE(topics_.remove("t", [this] { return offsets_.remove_lost(); }).ok());
  EXPECT_EQ(stored(), 1u);
  EXPECT_EQ(*offsets_.groups(), std::vector<std::string>{"g"});
}

TEST_F(OffsetsTest, what_is_stored_without_a_topic_id_counts_until_another_is_committed) {
  ASSERT_TRUE(offsets_.commit("g", {{"t", 3, 5, 0, ""}}).ok());
  const auto item = meta_->scan(kFamily, meta::prefix_range("o/"))->at(0);
  // As older versions wrote it: the key ends with the partition.
  const std::string old_key = item.key.substr(0, item.key.size() - 16);
  meta::Batch batch;
  batch.remove(kFamily, item.key).put(kFamily, old_key, item.value);
  ASSERT_TRUE(meta_->commit(std::move(batch)).get().ok());
  EXPECT_EQ((*offsets_.get("g", "t", 3))->offset, 5);
  ASSERT_TRUE(offsets_.commit("g", {{"t", 3, 6, 0, ""}}).ok());
  EXPECT_EQ((*offsets_.get("g", "t", 3))->offset, 6);
  ASSERT_EQ(offsets_.all("g")->size(), 1u);
  EXPECT_EQ(offsets_.all("g")->at(0).offset, 6);
  ASSERT_TRUE(offsets_.remove("g", {{.topic = "t", .partition = 3}}).ok());
  EXPECT_EQ(stored(), 0u);
}

}  // namespace
}  // namespace mekong::kafka
