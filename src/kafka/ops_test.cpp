// What handlers answer, called as the connection calls them.
#include "kafka/ops.h"

#include <gtest/gtest.h>

#include <latch>
#include <thread>

#include "kafka/test_support.h"
#include "log/memory_log.h"
#include "meta/forwarding_store.h"

namespace mekong::kafka {
namespace {

class WatchedStore final : public meta::ForwardingStore {
 public:
  using ForwardingStore::ForwardingStore;
  std::function<void()> before_commit = [] {};
  Future<Status> commit(meta::Batch batch) override {
    before_commit();
    return ForwardingStore::commit(std::move(batch));
  }
};

class OpsTest : public testing::Test {
 protected:
  RequestContext context() { return open_.context(); }

  const std::unique_ptr<meta::Store> store_ = meta::make_memory_store();
  WatchedStore meta_{*store_};
  log::MemoryLog log_;
  OpenCluster open_{meta_, log_};
  AllowAll& allow_ = open_.allow;
  const std::shared_ptr<Cluster> cluster_ = open_.cluster;
};

TEST_F(OpsTest, offsets_of_what_is_not_there_are_not_deleted) {
  auto asked = context();
  proto::OffsetDeleteRequest request{.group_id = "g"};
  request.topics = {{"t", {{0}, {2}, {-1}}}, {"unknown", {{0}}}};
  EXPECT_EQ(offset_delete(asked, request).error_code, GROUP_ID_NOT_FOUND);
  ASSERT_TRUE(cluster_->offsets.commit("g", {{"t", 0, 5, 0, ""}, {"t", 1, 6, 0, ""}}).ok());
  const auto response = offset_delete(asked, request);
  EXPECT_EQ(response.error_code, NONE);
  const auto& known = response.topics.at(0).partitions;
  EXPECT_EQ(known.at(0).error_code, NONE);
  EXPECT_EQ(known.at(1).error_code, UNKNOWN_TOPIC_OR_PARTITION);
  EXPECT_EQ(known.at(2).error_code, UNKNOWN_TOPIC_OR_PARTITION);
  EXPECT_EQ(response.topics.at(1).partitions.at(0).error_code, UNKNOWN_TOPIC_OR_PARTITION);
  EXPECT_FALSE(cluster_->offsets.get("g", "t", 0)->has_value());
  EXPECT_TRUE(cluster_->offsets.get("g", "t", 1)->has_value());
}

TEST_F(OpsTest, two_who_alter_different_settings_at_once_both_do) {
  for (int round = 1; round <= 20; ++round) {
    const std::string value = std::to_string(round);
    auto alter = [&](const std::string& setting) {
      auto asked = context();
      proto::IncrementalAlterConfigsRequest request;
      request.resources = {{.resource_type = 2, .resource_name = "t"}};
      request.resources[0].configs = {{setting, 0, value}};
      EXPECT_EQ(incremental_alter_configs(asked, request).responses.at(0).error_code, NONE);
    };
    // Nothing is stored before both are there.
    std::latch both(2);
    allow_.seen = [&both] { both.count_down(); };
    meta_.before_commit = [&both] { both.wait(); };
    std::thread other(alter, "retention.bytes");
    alter("retention.ms");
    other.join();
    EXPECT_EQ(cluster_->topics.find("t")->configs,
              (ConfigMap{{"retention.bytes", value}, {"retention.ms", value}}));
  }
}

}  // namespace
}  // namespace mekong::kafka
