#include "meta/schema.h"

#include <gtest/gtest.h>

#include "meta/forwarding_store.h"
#include "meta/rocksdb_store.h"
#include "os/memory_files.h"

namespace mekong::meta {
namespace {

// Each step adds its letter, so a step left out or taken twice shows; "gone…" goes with the second one.
Step adds(char letter) {
  return [letter](const KeyValue& record) -> Result<std::optional<std::string>> {
    if (letter == 'B' && record.key.starts_with("gone")) return std::optional<std::string>();
    return std::make_optional(record.value + letter);
  };
}

const std::vector<Schema> second = {{"a", {adds('A')}}};
const std::vector<Schema> third = {{"a", {adds('A'), adds('B')}}, {"b", {adds('A')}}};

std::string key_of(int i) {
  return (i % 7 == 0 ? "gone" : "k") + std::to_string(10'000 + i);
}

void fill(Store& store, int records) {
  Batch batch;
  for (int i = 0; i < records; ++i) batch.put("a", key_of(i), "v").put("b", key_of(i), "v");
  ASSERT_TRUE(store.commit(std::move(batch)).get().ok());
}

void expect_third(Store& store, int records) {
  for (int i = 0; i < records; ++i) {
    const auto in_a = store.get("a", key_of(i)).value();
    if (i % 7 == 0) {
      EXPECT_EQ(in_a, std::nullopt);
    } else {
      EXPECT_EQ(in_a, "vAB") << i;
    }
    EXPECT_EQ(store.get("b", key_of(i)).value(), "vA") << i;
  }
}

std::string code(const Status& status) {
  return status.ok() ? "" : status.error().code;
}

TEST(SchemaTest, older_records_are_brought_forward_through_all_steps) {
  const auto store = make_memory_store();
  fill(*store, 2500);
  ASSERT_TRUE(bring_forward(*store, second).ok());
  EXPECT_EQ(store->get("a", key_of(0)).value(), "vA");
  ASSERT_TRUE(bring_forward(*store, third).ok());
  expect_third(*store, 2500);
  ASSERT_TRUE(bring_forward(*store, third).ok());
  expect_third(*store, 2500);
}

TEST(SchemaTest, a_newer_form_is_refused_and_nothing_is_changed) {
  const auto store = make_memory_store();
  fill(*store, 10);
  ASSERT_TRUE(bring_forward(*store, second).ok());
  EXPECT_EQ(code(bring_forward(*store, {})), "NewerFormat");
  const std::vector<Schema> another = {{"b", {adds('A')}}};
  EXPECT_EQ(code(bring_forward(*store, another)), "NewerFormat");
  EXPECT_EQ(store->get("b", key_of(1)).value(), "v");
}

TEST(SchemaTest, a_step_that_fails_names_its_record) {
  const auto store = make_memory_store();
  fill(*store, 10);
  const std::vector<Schema> failing = {{"a", {[](const KeyValue&) -> Result<std::optional<std::string>> {
                                          return Error{"Damaged", "no number"};
                                        }}}};
  const auto status = bring_forward(*store, failing);
  EXPECT_EQ(code(status), "Damaged");
  EXPECT_EQ(status.error().message, key_of(0) + ": no number");
}

class FailsAt final : public ForwardingStore {
 public:
  FailsAt(Store& inner, int commits) : ForwardingStore(inner), left_(commits) {}
  Future<Status> commit(Batch batch) override {
    if (left_-- == 0) return Future<Status>::ready(Error{"StorageFailed", "planned"});
    return ForwardingStore::commit(std::move(batch));
  }

 private:
  int left_;
};

TEST(SchemaTest, cut_off_after_any_commit_no_record_takes_a_step_twice) {
  for (int commits = 0;; ++commits) {
    const auto store = make_memory_store();
    fill(*store, 2100);
    FailsAt failing(*store, commits);
    if (bring_forward(failing, third).ok()) {
      EXPECT_EQ(commits, 9);  // three steps over three pages each
      break;
    }
    // What is half way through the step to a version is of a newer release than one that knows the one
    // before.
    if (commits > 0) EXPECT_EQ(code(bring_forward(*store, {})), "NewerFormat");
    ASSERT_TRUE(bring_forward(*store, third).ok());
    expect_third(*store, 2100);
  }
}

TEST(SchemaTest, a_power_cut_at_any_step_of_the_disk_is_survived) {
  constexpr int records = 40;
  for (uint64_t step = 1;; ++step) {
    os::MemoryFiles files;
    ASSERT_TRUE(files.make_directories("/data").ok());
    const auto open = [&] { return open_rocksdb_on(files, "/data/meta", {"a", "b"}, Durability::sync); };
    fill(**open(), records);
    files.fail_at(files.changes() + step, "EIO", true);
    bool whole = false;
    if (auto store = open(); store.ok()) whole = bring_forward(**store, third).ok();
    files.power_cut(step);
    files.no_more_failures();
    auto store = open();
    ASSERT_TRUE(store.ok()) << step << store.error().message;
    ASSERT_TRUE(bring_forward(**store, third).ok()) << step;
    expect_third(**store, records);
    if (whole || HasFailure()) break;
  }
}

}  // namespace
}  // namespace mekong::meta
