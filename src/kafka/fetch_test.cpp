#include <gtest/gtest.h>

#include "kafka/test_support.h"
#include "log/batch_builder.h"
#include "log/memory_log.h"

namespace mekong::kafka {
namespace {

// A topic of two partitions, in each three batches.
struct Fetching : testing::Test {
  Fetching() {
    for (int partition = 0; partition < 2; ++partition) {
      for (int i = 0; i < 3; ++i)
        EXPECT_TRUE(log.append(open.cluster->topics.find("t")->partition(partition), batch).get().ok());
    }
  }
  // The bytes of each partition.
  std::vector<size_t> fetched(int32_t min_bytes, int32_t partition_max_bytes, int32_t max_bytes) {
    proto::FetchRequest request{.max_wait_ms = 30'000, .min_bytes = min_bytes, .max_bytes = max_bytes};
    request.topics = {{.topic = "t", .topic_id = open.cluster->topics.find("t")->id}};
    for (int partition = 0; partition < 2; ++partition)
      request.topics[0].partitions.push_back(
          {.partition = partition, .partition_max_bytes = partition_max_bytes});
    auto context = open.context();
    context.version = 12;
    auto response = sync_wait(fetch(context, request));
    std::vector<size_t> sizes;
    for (auto& reply : response.responses.at(0).partitions)
      sizes.push_back(reply.records ? reply.records->take().size() : 0);
    return sizes;
  }

  const std::string batch = log::build_batch({{"k", std::string(1000, 'v'), 1}});
  const std::unique_ptr<meta::Store> meta = meta::make_memory_store();
  log::MemoryLog log;
  OpenCluster open{*meta, log};
};

// The clock stands still: who waited would wait for ever.
TEST_F(Fetching, ABacklogDoesNotWaitForMoreThanItsLimitTakes) {
  const size_t one = batch.size();
  EXPECT_EQ(fetched(1 << 20, static_cast<int32_t>(2 * one), 1 << 20), (std::vector{2 * one, 2 * one}));
}

TEST_F(Fetching, OnlyTheFirstBatchMayBeLargerThanTheLimit) {
  const size_t one = batch.size();
  EXPECT_EQ(fetched(1, 1, 1), (std::vector<size_t>{one, 0}));
  EXPECT_EQ(fetched(1, 1 << 20, static_cast<int32_t>(3 * one + one / 2)), (std::vector<size_t>{3 * one, 0}));
  EXPECT_EQ(fetched(1, 1 << 20, static_cast<int32_t>(5 * one)), (std::vector{3 * one, 2 * one}));
}

}  // namespace
}  // namespace mekong::kafka
