// What handlers answer, called as the connection calls them.
#include "kafka/ops.h"

#include <gtest/gtest.h>

#include <latch>
#include <thread>

#include "base/thread_pool.h"
#include "log/memory_log.h"

namespace mekong::kafka {
namespace {

class NoLogin final : public iam::KafkaLogin {
 public:
  Result<Session> aws_msk_iam(std::string_view, const std::vector<std::string>&) const override {
    return Error{"NotImplemented", ""};
  }
  Result<Session> oauthbearer(std::string_view) const override { return Error{"NotImplemented", ""}; }
};

class AllowAll final : public Authoriser {
 public:
  std::function<void()> seen = [] {};
  Decision decide(const AuthorisationRequest&) const override {
    seen();
    return {.allowed = true};
  }
};

class WatchedStore final : public meta::Store {
 public:
  std::function<void()> before_commit = [] {};
  Future<Status> commit(meta::Batch batch) override {
    before_commit();
    return store_->commit(std::move(batch));
  }
  std::unique_ptr<const meta::Reader> snapshot() const override { return store_->snapshot(); }
  std::unique_ptr<meta::Watch> watch(std::string family, std::string prefix,
                                     std::function<void(std::span<const meta::Change>)> seen) override {
    return store_->watch(std::move(family), std::move(prefix), std::move(seen));
  }
  Result<std::optional<std::string>> get(std::string_view family, std::string_view key) const override {
    return store_->get(family, key);
  }
  Result<std::vector<meta::KeyValue>> scan(std::string_view family,
                                           const meta::ScanRange& range) const override {
    return store_->scan(family, range);
  }

 private:
  std::unique_ptr<meta::Store> store_ = meta::make_memory_store();
};

class OpsTest : public testing::Test {
 protected:
  OpsTest() {
    BrokerDeps deps{*network_, pool_, clock_, random_, meta_, log_, allow_, login_, null_logger(), {}};
    cluster_ = std::make_shared<Cluster>(
        deps, ClusterSpec{.name = "demo", .uuid = "1-s1", .region = Region("us-east-1")});
    EXPECT_TRUE(cluster_->topics.create("t", 2, {}, false).ok());
  }
  RequestContext context() { return {.cluster = *cluster_, .principal = principal_}; }

  WatchedStore meta_;
  log::MemoryLog log_;
  os::ManualClock clock_{1'700'000'000'000};
  os::SeededRandom random_{1};
  std::unique_ptr<os::Network> network_ = os::make_network(1);
  ThreadPool pool_{"handlers", 2};
  NoLogin login_;
  AllowAll allow_;
  Principal principal_;
  std::shared_ptr<Cluster> cluster_;
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
