// What tests of handlers and connections put around a cluster.
#pragma once
#include <gtest/gtest.h>

#include <functional>
#include <memory>

#include "base/thread_pool.h"
#include "kafka/ops.h"

namespace mekong::kafka {

class NoLogin final : public iam::KafkaLogin {
 public:
  Result<Session> aws_msk_iam(std::string_view, const std::vector<std::string>&) const override {
    return Error{"SignatureDoesNotMatch", "nobody logs in here"};
  }
  Result<Session> oauthbearer(std::string_view) const override { return aws_msk_iam("", {}); }
};

class AllowAll final : public Authoriser {
 public:
  std::function<void()> seen = [] {};
  Decision decide(const AuthorisationRequest&) const override {
    seen();
    return {.allowed = true};
  }
};

// A cluster that listens nowhere and lets everybody do everything, with one topic "t" of two partitions.
class OpenCluster {
 public:
  OpenCluster(meta::Store& meta, log::Log& log)
      : cluster(std::make_shared<Cluster>(
            BrokerDeps{*network_, pool_, clock_, random_, meta, log, allow, login_, null_logger(), {}},
            ClusterSpec{.name = "demo", .uuid = "1-s1", .region = Region("us-east-1")})) {
    EXPECT_TRUE(cluster->topics.create("t", 2, {}, false).ok());
  }
  RequestContext context() { return {.cluster = *cluster, .principal = principal_}; }

 private:
  os::ManualClock clock_{1'700'000'000'000};
  os::SeededRandom random_{1};
  std::unique_ptr<os::Network> network_ = os::make_network(1);
  ThreadPool pool_{"handlers", 2};
  NoLogin login_;
  Principal principal_;

 public:
  AllowAll allow;
  const std::shared_ptr<Cluster> cluster;  // last: it uses the others
};

}  // namespace mekong::kafka
