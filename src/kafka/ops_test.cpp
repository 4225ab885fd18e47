// What handlers answer, called as the connection calls them.
#include "kafka/ops.h"

#include <gtest/gtest.h>

#include <barrier>
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
  Decision decide(const AuthorisationRequest&) const override { return {.allowed = true}; }
};

class OpsTest : public testing::Test {
 protected:
  OpsTest() {
    BrokerDeps deps{*network_, pool_, clock_, random_, *meta_, log_, allow_, login_, null_logger(), {}};
    cluster_ = std::make_shared<Cluster>(
        deps, ClusterSpec{.name = "demo", .uuid = "1-s1", .region = Region("us-east-1")});
    EXPECT_TRUE(cluster_->topics.create("t", 2, {}, false).ok());
  }
  RequestContext context() { return {.cluster = *cluster_, .principal = principal_}; }

  std::unique_ptr<meta::Store> meta_ = meta::make_memory_store();
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

}  // namespace
}  // namespace mekong::kafka
