#include "services/msk/clusters.h"

#include <gtest/gtest.h>

#include <set>

namespace mekong::msk {
namespace {

// A broker that only remembers; ports in `busy` belong to other programs.
class FakeHost final : public BrokerHost {
 public:
  Status open(const ClusterRecord& cluster) override {
    if (busy.contains(cluster.port)) return Error{"AddressInUse", "busy"};
    opened.insert(cluster.arn);
    return ok();
  }
  Status remove(const std::string& arn) override {
    if (fail_remove) return Error{"StorageFailed", "on purpose"};
    opened.erase(arn);
    return ok();
  }
  Result<std::vector<Topic>> topics(const std::string& arn) override {
    if (!opened.contains(arn)) return Error{"NotFound", arn};
    return std::vector<Topic>{{"orders", 3}};
  }
  std::set<std::string> opened;
  std::set<int64_t> busy;
  bool fail_remove = false;
};

class ClustersTest : public testing::Test {
 protected:
  Clusters make() {
    return Clusters(*store_, clock_, random_, host_, null_logger(), {9097, 9099, "localhost", 3});
  }
  Result<ClusterRecord> create(Clusters& clusters, const std::string& name) {
    return clusters.create(scope_, name, {{{"subnet-1", "subnet-2"}, {}}}, {});
  }
  std::unique_ptr<meta::Store> store_ = meta::make_memory_store();
  os::ManualClock clock_{1000};
  os::SeededRandom random_{1};
  FakeHost host_;
  Scope scope_{AccountId("123456789012"), Region("us-east-2")};
};

TEST_F(ClustersTest, a_cluster_has_its_arn_its_port_and_comes_back_after_a_restart) {
  Clusters clusters = make();
  const auto made = create(clusters, "demo");
  ASSERT_TRUE(made.ok());
  EXPECT_EQ(made->arn, "arn:aws:kafka:us-east-2:123456789012:cluster/demo/" + made->uuid);
  EXPECT_EQ(clusters.bootstrap(*made), "localhost:9098");
  host_.opened.clear();
  Clusters again = make();
  ASSERT_TRUE(again.reopen().ok());
  EXPECT_TRUE(host_.opened.contains(made->arn));
  EXPECT_EQ(again.get(made->arn)->port, made->port);
}

TEST_F(ClustersTest, a_cluster_has_topics_while_its_broker_has_it_open) {
  Clusters clusters = make();
  const auto made = create(clusters, "demo");
  EXPECT_EQ(clusters.topics(made->arn)->at(0).partitions, 3);
  host_.opened.clear();
  EXPECT_EQ(clusters.topics(made->arn).error().code, "NotFoundException");
}

TEST_F(ClustersTest, names_ports_and_quotas_are_kept_apart) {
  Clusters clusters = make();
  host_.busy = {9099};
  EXPECT_EQ(create(clusters, "a")->port, 9098);
  EXPECT_EQ(create(clusters, "a").error().code, "ConflictException");
  EXPECT_EQ(create(clusters, "b")->port, 9097);
  EXPECT_EQ(create(clusters, "c").error().code, "BadRequestException");
  EXPECT_EQ(clusters.list(scope_, "", "", 10)->size(), 2u);
  EXPECT_EQ(clusters.list(scope_, "", "a", 10)->front().name, "b");
}

TEST_F(ClustersTest, a_deletion_that_was_cut_short_goes_on_at_the_next_start) {
  Clusters clusters = make();
  const auto made = create(clusters, "demo");
  ASSERT_TRUE(made.ok());
  host_.fail_remove = true;
  EXPECT_FALSE(clusters.remove(made->arn).ok());
  EXPECT_EQ(clusters.get(made->arn)->state, "DELETING");
  host_.fail_remove = false;
  Clusters again = make();
  ASSERT_TRUE(again.reopen().ok());
  EXPECT_EQ(again.get(made->arn).error().code, "NotFoundException");
  EXPECT_TRUE(host_.opened.empty());
}

TEST_F(ClustersTest, a_change_is_kept_or_is_none) {
  Clusters clusters = make();
  const auto made = create(clusters, "demo");
  ASSERT_TRUE(made.ok());
  ASSERT_TRUE(clusters
                  .update(made->arn,
                          [](ClusterRecord& cluster) {
                            cluster.tags["a"] = "1";
                            return ok();
                          })
                  .ok());
  const auto refused = clusters.update(made->arn, [](ClusterRecord& cluster) -> Status {
    cluster.tags["b"] = "2";
    return Error{"BadRequestException", "on purpose"};
  });
  EXPECT_EQ(refused.error().code, "BadRequestException");
  EXPECT_EQ(make().get(made->arn)->tags, (std::map<std::string, std::string>{{"a", "1"}}));
}

TEST_F(ClustersTest, strangers_arns_are_not_found) {
  Clusters clusters = make();
  const auto made = create(clusters, "demo");
  ASSERT_TRUE(made.ok());
  EXPECT_EQ(clusters.get(made->arn + "x").error().code, "NotFoundException");
  EXPECT_EQ(clusters.get("nonsense").error().code, "BadRequestException");
  EXPECT_EQ(clusters.get("arn:aws:s3:us-east-2:1:cluster/demo/u").error().code, "BadRequestException");
}

}  // namespace
}  // namespace mekong::msk
