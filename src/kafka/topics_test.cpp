#include "kafka/topics.h"

#include <gtest/gtest.h>

#include "log/memory_log.h"

namespace mekong::kafka {
namespace {

// Takes no settings for a partition that is broken, and remembers those it took.
class BreakingLog final : public log::MemoryLog {
 public:
  std::string broken;  // the end of a partition's id
  std::map<log::PartitionId, log::PartitionConfig> taken;
  Status configure(const log::PartitionId& id, const log::PartitionConfig& config) override {
    if (!broken.empty() && id.value.ends_with(broken)) return Error{"KAFKA_STORAGE_ERROR", "broken"};
    taken[id] = config;
    return MemoryLog::configure(id, config);
  }
};

class TopicsTest : public testing::Test {
 protected:
  std::unique_ptr<meta::Store> meta_ = meta::make_memory_store();
  Topics::ConfigEdit retention(const std::string& value) {
    return [value](ConfigMap configs) -> Result<ConfigMap> {
      configs["retention.ms"] = value;
      return configs;
    };
  }
  BreakingLog log_;
  os::SeededRandom random_{1};
  Topics topics_{*meta_, log_, random_, "cluster"};
};

TEST_F(TopicsTest, a_topic_is_there_after_a_restart) {
  auto made = topics_.create("sales", 3, {{"retention.ms", "1000"}}, false);
  ASSERT_TRUE(made.ok());
  Topics again(*meta_, log_, random_, "cluster");
  ASSERT_TRUE(again.load().ok());
  auto found = again.find("sales");
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->id, (*made)->id);
  EXPECT_EQ(found->partitions, 3);
  EXPECT_EQ(found->settings.partition.retention_ms, 1000);
  EXPECT_TRUE(log_.offsets(found->partition(2)).ok());
  Topics other(*meta_, log_, random_, "another");
  ASSERT_TRUE(other.load().ok());
  EXPECT_TRUE(other.all().empty());
}

TEST_F(TopicsTest, a_name_is_given_once) {
  ASSERT_TRUE(topics_.create("sales", 1, {}, false).ok());
  EXPECT_EQ(topics_.create("sales", 1, {}, false).error().code, "TOPIC_ALREADY_EXISTS");
}

TEST_F(TopicsTest, checking_only_changes_nothing) {
  ASSERT_TRUE(topics_.create("sales", 1, {}, true).ok());
  EXPECT_EQ(topics_.find("sales"), nullptr);
}

TEST_F(TopicsTest, bad_names_counts_and_settings_are_refused) {
  EXPECT_EQ(topics_.create("a/b", 1, {}, false).error().code, "INVALID_TOPIC_EXCEPTION");
  EXPECT_EQ(topics_.create("..", 1, {}, false).error().code, "INVALID_TOPIC_EXCEPTION");
  EXPECT_EQ(topics_.create("sales", 0, {}, false).error().code, "INVALID_PARTITIONS");
  EXPECT_EQ(topics_.create("sales", kPartitionsMax + 1, {}, false).error().code, "INVALID_PARTITIONS");
  EXPECT_EQ(topics_.create("sales", 1, {{"min.insync.replicas", "1"}}, false).error().code, "INVALID_CONFIG");
  for (const ConfigMap& bad : {ConfigMap{{"cleanup.policy", "squeeze"}}, ConfigMap{{"cleanup.policy", ""}},
                               ConfigMap{{"delete.retention.ms", "1"}},
                               ConfigMap{{"cleanup.policy", "compact"}, {"min.cleanable.dirty.ratio", "2"}},
                               ConfigMap{{"cleanup.policy", "compact"}, {"min.compaction.lag.ms", "x"}}}) {
    EXPECT_EQ(topics_.create("sales", 1, bad, false).error().code, "INVALID_CONFIG");
  }
  EXPECT_EQ(topics_.create("sales", 1, {{"max.message.bytes", "8388609"}}, false).error().code,
            "INVALID_CONFIG");
}

TEST_F(TopicsTest, settings_of_compaction_reach_the_log) {
  const ConfigMap configs = {{"cleanup.policy", "compact, delete"},
                             {"min.cleanable.dirty.ratio", "0.01"},
                             {"delete.retention.ms", "5"},
                             {"min.compaction.lag.ms", "6"},
                             {"max.compaction.lag.ms", "7"}};
  ASSERT_TRUE(topics_.create("sales", 1, configs, false).ok());
  const auto& partition = topics_.find("sales")->settings.partition;
  EXPECT_TRUE(partition.compact && partition.retain_by_age);
  EXPECT_EQ(partition.min_cleanable_dirty_ppm, 10'000);
  EXPECT_EQ(partition.delete_retention_ms, 5);
  EXPECT_EQ(partition.min_compaction_lag_ms, 6);
  EXPECT_EQ(partition.max_compaction_lag_ms, 7);
  EXPECT_FALSE(topic_settings({{"cleanup.policy", "compact"}})->partition.retain_by_age);
}

TEST_F(TopicsTest, settings_that_did_not_reach_all_partitions_do_at_the_next_start) {
  ASSERT_TRUE(topics_.create("sales", 3, {}, false).ok());
  log_.broken = "-1";
  EXPECT_EQ(topics_.configure("sales", retention("5"), false).error().code, "KAFKA_STORAGE_ERROR");
  const auto topic = topics_.find("sales");
  EXPECT_EQ(log_.taken[topic->partition(2)].retention_ms, 5);
  // One that still cannot be configured keeps nobody from starting.
  Topics still(*meta_, log_, random_, "cluster");
  ASSERT_TRUE(still.load().ok());
  log_.broken = "";
  Topics again(*meta_, log_, random_, "cluster");
  ASSERT_TRUE(again.load().ok());
  EXPECT_EQ(log_.taken[topic->partition(1)].retention_ms, 5);
  log_.taken.clear();
  Topics later(*meta_, log_, random_, "cluster");
  ASSERT_TRUE(later.load().ok());
  EXPECT_TRUE(log_.taken.empty());
}

TEST_F(TopicsTest, an_edit_is_of_what_is_there) {
  ASSERT_TRUE(topics_.create("sales", 1, {{"retention.bytes", "7"}}, false).ok());
  ASSERT_TRUE(topics_.configure("sales", retention("5"), false).ok());
  EXPECT_EQ(topics_.find("sales")->configs, (ConfigMap{{"retention.bytes", "7"}, {"retention.ms", "5"}}));
  EXPECT_EQ(topics_.configure("unknown", retention("5"), false).error().code, "UNKNOWN_TOPIC_OR_PARTITION");
}

TEST_F(TopicsTest, a_removed_topic_takes_its_records_along) {
  auto made = topics_.create("sales", 2, {}, false);
  ASSERT_TRUE(made.ok());
  auto id = (*made)->partition(1);
  ASSERT_TRUE(topics_.remove("sales").ok());
  EXPECT_FALSE(log_.offsets(id).ok());
  EXPECT_EQ(topics_.find((*made)->id), nullptr);
  EXPECT_EQ(topics_.remove("sales").error().code, "UNKNOWN_TOPIC_OR_PARTITION");
}

TEST_F(TopicsTest, what_a_crash_left_half_made_is_swept_at_the_start) {
  std::string id = "0f8fad5b-d9cb-469f-a165-70867728950e";
  auto batch = std::move(meta::Batch().put(kFamily, "d/cluster/" + id, "2"));
  ASSERT_TRUE(meta_->commit(std::move(batch)).get().ok());
  ASSERT_TRUE(log_.create(log::PartitionId(id + "-0"), {}).ok());
  ASSERT_TRUE(topics_.load().ok());
  EXPECT_FALSE(log_.offsets(log::PartitionId(id + "-0")).ok());
  EXPECT_FALSE(meta_->get(kFamily, "d/cluster/" + id)->has_value());
}

TEST_F(TopicsTest, partitions_only_grow) {
  ASSERT_TRUE(topics_.create("sales", 2, {}, false).ok());
  EXPECT_EQ(topics_.grow("sales", 2, false).error().code, "INVALID_PARTITIONS");
  ASSERT_TRUE(topics_.grow("sales", 4, false).ok());
  EXPECT_TRUE(log_.offsets(topics_.find("sales")->partition(3)).ok());
}

}  // namespace
}  // namespace mekong::kafka
