#include "objects/known_buckets.h"

#include <gtest/gtest.h>

namespace mekong::objects {
namespace {

KnownBucketPtr read_as(std::string record) {
  Bucket bucket{.name = "b"};
  return std::make_shared<const KnownBucket>(KnownBucket{std::move(record), std::move(bucket)});
}

TEST(KnownBuckets, FindsWhatWasKeptUntilItChanges) {
  KnownBuckets known;
  uint64_t reading = 0;
  EXPECT_EQ(known.find("b", reading), nullptr);
  known.keep(reading, read_as("first"));
  ASSERT_NE(known.find("b", reading), nullptr);
  EXPECT_EQ(known.find("b", reading)->record, "first");
  EXPECT_EQ(known.find("c", reading), nullptr);
  known.forget("b");
  EXPECT_EQ(known.find("b", reading), nullptr);
}

TEST(KnownBuckets, WhatWasReadBeforeAChangeIsNotKeptAfterIt) {
  KnownBuckets known;
  uint64_t before = 0, after = 0;
  EXPECT_EQ(known.find("b", before), nullptr);
  known.forget("b");
  known.keep(before, read_as("old"));
  EXPECT_EQ(known.find("b", after), nullptr);
  known.keep(after, read_as("new"));
  EXPECT_EQ(known.find("b", after)->record, "new");
}

}  // namespace
}  // namespace mekong::objects
