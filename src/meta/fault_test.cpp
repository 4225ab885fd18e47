// Power cuts and failing files at every step, RocksDB on the in-memory twin.
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <random>

#include "meta/rocksdb_store.h"
#include "os/memory_files.h"

namespace mekong::meta {
namespace {

class World {
 public:
  Status open() {
    store_.reset();
    MEKONG_TRY(files.make_directories("/data"));
    auto opened = open_rocksdb_on(files, "/data/meta", {"a", "b"}, Durability::sync);
    if (!opened.ok()) return std::move(opened).error();
    store_ = std::move(*opened);
    return ok();
  }
  void close() { store_.reset(); }
  Store& store() { return *store_; }
  os::MemoryFiles files;

 private:
  std::unique_ptr<Store> store_;
};

using Content = std::map<std::string, std::string>;

// Both families get the same pair in one batch: seeing only one is a torn batch.
Content content_of(Store& store) {
  Content content;
  auto in_a = store.scan("a", {});
  auto in_b = store.scan("b", {});
  EXPECT_TRUE(in_a.ok() && in_b.ok());
  if (!in_a.ok() || !in_b.ok()) return content;
  EXPECT_EQ(in_a->size(), in_b->size());
  for (size_t i = 0; i < std::min(in_a->size(), in_b->size()); ++i) {
    EXPECT_EQ((*in_a)[i].key, (*in_b)[i].key);
    EXPECT_EQ((*in_a)[i].value, (*in_b)[i].value);
    content[(*in_a)[i].key] = (*in_a)[i].value;
  }
  return content;
}

Status put(Store& store, const std::string& key, const std::string& value) {
  Batch batch;
  batch.put("a", key, value).put("b", key, value);
  return store.commit(std::move(batch)).get();
}

// One life: opens, writes until something fails, loses the power. Returns what was acknowledged; `maybe` is
// the one pair whose commit was answered with an error.
void live(World& world, Content& acknowledged, Content& maybe, uint64_t salt) {
  if (!world.open().ok()) return;
  for (int i = 0; i < 8; ++i) {
    const std::string key = "k" + std::to_string((salt + static_cast<uint64_t>(i)) % 5);
    const std::string value = std::to_string(salt) + "/" + std::to_string(i) + std::string(700, 'v');
    if (!put(world.store(), key, value).ok()) {
      maybe[key] = value;
      EXPECT_FALSE(put(world.store(), key, "after a failure").ok());
      return;
    }
    acknowledged[key] = value;
  }
}

void check(World& world, const Content& acknowledged, const Content& maybe, Content& after) {
  auto opened = world.open();
  ASSERT_TRUE(opened.ok()) << opened.error().message;
  after = content_of(world.store());
  for (const auto& [key, value] : acknowledged) {
    const bool new_one = maybe.contains(key) && after[key] == maybe.at(key);
    EXPECT_TRUE(after[key] == value || new_one) << key << " holds " << after[key].substr(0, 20);
  }
  for (const auto& [key, value] : after) {
    const bool known = (acknowledged.contains(key) && acknowledged.at(key) == value) ||
                       (maybe.contains(key) && maybe.at(key) == value);
    EXPECT_TRUE(known) << key << " holds " << value.substr(0, 20);
  }
}

// Each change of the files of a life fails, once or for good, and then the power goes.
void walk_over_failure_points(const std::string& code) {
  uint64_t changes_of_a_life = 0;
  {
    World world;
    Content acknowledged, maybe;
    live(world, acknowledged, maybe, 0);
    const uint64_t before = world.files.changes();
    live(world, acknowledged, maybe, 3);
    changes_of_a_life = world.files.changes() - before;
  }
  EXPECT_GT(changes_of_a_life, 40u);
  for (uint64_t step = 1; step <= changes_of_a_life; ++step) {
    for (const bool for_good : {true, false}) {
      SCOPED_TRACE("step " + std::to_string(step) + (for_good ? " for good" : " once"));
      World world;
      Content acknowledged, maybe, after;
      live(world, acknowledged, maybe, 0);
      const uint64_t before = world.files.changes();
      world.files.fail_at(before + step, code, for_good);
      live(world, acknowledged, maybe, 3);
      world.files.power_cut(step);
      world.close();
      world.files.no_more_failures();
      check(world, acknowledged, maybe, after);
    }
    if (testing::Test::HasFatalFailure()) return;
  }
}

TEST(MetaFaultTest, group_commit_partial_batch) {
  walk_over_failure_points("EIO");
}

TEST(MetaFaultTest, enospc_in_commit) {
  walk_over_failure_points("ENOSPC");
}

TEST(MetaFaultTest, emfile_in_commit) {
  walk_over_failure_points("EMFILE");
}

// The making of the folder, and the first commits in it: cut off at each step, it is made anew or holds all.
TEST(MetaFaultTest, a_folder_half_made_is_made_anew) {
  uint64_t changes_of_a_life = 0;
  {
    World world;
    Content acknowledged, maybe;
    live(world, acknowledged, maybe, 0);
    EXPECT_EQ(acknowledged.size(), 5u);
    changes_of_a_life = world.files.changes();
  }
  for (uint64_t step = 1; step <= changes_of_a_life; ++step) {
    for (uint64_t cut = 0; cut < 3; ++cut) {
      SCOPED_TRACE("step " + std::to_string(step) + " cut " + std::to_string(cut));
      World world;
      Content acknowledged, maybe, after;
      world.files.fail_at(step, "EIO", true);
      live(world, acknowledged, maybe, 0);
      world.files.power_cut(step * 3 + cut);
      world.close();
      world.files.no_more_failures();
      check(world, acknowledged, maybe, after);
    }
    if (testing::Test::HasFatalFailure()) return;
  }
}

// Replay: MEKONG_SEED=<seed> mekong_meta_test --gtest_filter='*random_lives*'
TEST(MetaFaultTest, random_lives_agree_with_a_simple_model) {
  const char* given = std::getenv("MEKONG_SEED");
  const uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  SCOPED_TRACE("MEKONG_SEED=" + std::to_string(seed));
  std::mt19937_64 random(seed);
  World world;
  Content acknowledged;
  for (int life = 0; life < 40 && !HasFatalFailure(); ++life) {
    Content maybe, after;
    world.files.fail_at(world.files.changes() + 1 + random() % 60, "EIO", random() % 2 == 0);
    live(world, acknowledged, maybe, random());
    if (random() % 4 != 0) world.files.power_cut(random());
    world.close();
    world.files.no_more_failures();
    check(world, acknowledged, maybe, after);
    acknowledged = std::move(after);
  }
}

}  // namespace
}  // namespace mekong::meta
