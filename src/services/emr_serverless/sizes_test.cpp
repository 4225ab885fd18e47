#include "services/emr_serverless/sizes.h"

#include <gtest/gtest.h>

namespace mekong::emr_serverless {
namespace {

constexpr uint64_t gib = 1ULL << 30;

TEST(Sizes, ReadsSparksMemoryStrings) {
  EXPECT_EQ(parse_memory("5g"), 5 * gib);
  EXPECT_EQ(parse_memory("5GB"), 5 * gib);
  EXPECT_EQ(parse_memory("512m"), gib / 2);
  EXPECT_EQ(parse_memory("1024"), gib);
  EXPECT_FALSE(parse_memory("g").has_value());
  EXPECT_FALSE(parse_memory("5x").has_value());
  EXPECT_FALSE(parse_memory("99999999999g").has_value());
  EXPECT_EQ(parse_vcpus("16 vCPU"), 16);
  EXPECT_EQ(parse_gigabytes("64 GB"), 64 * gib);
  EXPECT_FALSE(parse_gigabytes("64").has_value());
}

TEST(Sizes, TheSeedsJobFitsTwoCores) {
  const auto parsed = parse_submit_parameters(
      "--conf spark.executor.cores=2 --conf spark.executor.memory=5g --conf spark.driver.cores=2 "
      "--conf spark.driver.memory=5g --conf spark.executor.instances=5");
  const auto sizes = requested_sizes(*parsed);
  ASSERT_TRUE(sizes.ok());
  const auto fit = fit_sizes(*sizes, {.cores = 2, .heap_bytes = 4 * gib});
  EXPECT_EQ(fit.cores, 2);
  EXPECT_EQ(fit.heap_bytes, 4 * gib);
  EXPECT_NE(fit.note.find("5 executors x 2 cores x 5120m"), std::string::npos) << fit.note;
  EXPECT_NE(fit.note.find("2 cores and a heap of 4096m"), std::string::npos) << fit.note;
}

TEST(Sizes, WhatFitsIsGivenInFull) {
  const Sizes small{
      .executors = 1, .executor_cores = 1, .executor_memory_bytes = gib, .driver_memory_bytes = gib};
  const auto fit = fit_sizes(small, {.cores = 8, .heap_bytes = 32 * gib});
  EXPECT_EQ(fit.cores, 1);
  EXPECT_EQ(fit.heap_bytes, 2 * gib);
  EXPECT_EQ(fit.note, "");
}

TEST(Sizes, NeverBelowWhatSparkNeeds) {
  EXPECT_EQ(fit_sizes({}, {.cores = 0, .heap_bytes = 1}).heap_bytes, heap_bytes_min);
  EXPECT_EQ(fit_sizes({}, {.cores = 0, .heap_bytes = 1}).cores, 1);
}

TEST(Sizes, RefusesNonsenseByName) {
  for (const auto* bad : {"--conf spark.executor.cores=0", "--conf spark.executor.instances=many",
                          "--conf spark.driver.memory=lots", "--driver-memory 100m"}) {
    const auto parsed = parse_submit_parameters(bad);
    ASSERT_TRUE(parsed.ok());
    EXPECT_EQ(requested_sizes(*parsed).error().code, "ValidationException") << bad;
  }
}

}  // namespace
}  // namespace mekong::emr_serverless
