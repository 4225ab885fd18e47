#include "kafka/transactions/transactions.h"

#include <gtest/gtest.h>

#include <set>

#include "log/batch_builder.h"
#include "log/memory_log.h"

namespace mekong::kafka {
namespace {

const log::PartitionId p0("topic-0"), p1("topic-1");

// Its broken partitions take no markers.
class BreakingLog final : public log::MemoryLog {
 public:
  std::set<log::PartitionId> broken;
  Future<Result<log::AppendResult>> end_transaction(const log::PartitionId& id,
                                                    const log::TransactionMarker& marker) override {
    if (!broken.contains(id)) return MemoryLog::end_transaction(id, marker);
    return Future<Result<log::AppendResult>>::ready(Error{"KAFKA_STORAGE_ERROR", "broken"});
  }
};

class TransactionsTest : public testing::Test {
 protected:
  TransactionsTest() {
    EXPECT_TRUE(log_.create(p0, {}).ok() && log_.create(p1, {}).ok());
    EXPECT_TRUE(topics_.create("t", 1, {}, false).ok());
    restart();
  }
  void restart() {
    transactions_ =
        std::make_unique<Transactions>(TransactionsDeps{*meta_, log_, clock_, null_logger(), offsets_,
                                                        [this] { return Result(++last_id_); }},
                                       "cluster");
    ASSERT_TRUE(transactions_->load().ok());
  }
  ProducerIdentity begin(std::optional<ProducerIdentity> known = {}) {
    auto begun = transactions_->begin_producer("tx", 60'000, known);
    EXPECT_TRUE(begun.ok()) << (begun.ok() ? "" : begun.error().code);
    return begun.ok() ? *begun : ProducerIdentity{};
  }
  CommittedOffset five() const { return {"t", 0, 5, 0, "", topics_.find("t")->id}; }
  static std::string code(const Status& done) { return done.ok() ? "" : done.error().code; }
  std::string append(const ProducerIdentity& producer, const log::PartitionId& partition) {
    auto batch = log::build_batch({{std::nullopt, "v", 1}}, {.producer_id = producer.id,
                                                             .producer_epoch = producer.epoch,
                                                             .base_sequence = sequence_++,
                                                             .attributes = 0x10});
    auto done = transactions_->append({"tx", producer}, partition, batch).get();
    return done.ok() ? "" : done.error().code;
  }

  // As a crash between a decision and its markers leaves it.
  Transactions::Caller decided() {
    const Transactions::Caller caller{"tx", begin()};
    EXPECT_TRUE(transactions_->add_partitions(caller, {p0}).ok());
    EXPECT_TRUE(transactions_->add_group(caller, "g").ok());
    EXPECT_TRUE(transactions_->add_offsets(caller, "g", {five()}).ok());
    auto stored = Transaction::decode(**meta_->get("kafka", "x/cluster/tx"));
    stored->state = TransactionState::prepare_commit;
    meta::Batch batch;
    batch.put("kafka", "x/cluster/tx", stored->encode());
    EXPECT_TRUE(meta_->commit(std::move(batch)).get().ok());
    return caller;
  }

  std::unique_ptr<meta::Store> meta_ = meta::make_memory_store();
  BreakingLog log_;
  os::ManualClock clock_{1'000'000};
  os::SeededRandom random_{1};
  Topics topics_{*meta_, log_, random_, "cluster"};
  Offsets offsets_{*meta_, topics_, "cluster"};
  int64_t last_id_ = 0;
  int32_t sequence_ = 0;
  std::unique_ptr<Transactions> transactions_;
};

TEST_F(TransactionsTest, a_commit_writes_markers_and_offsets_and_may_be_repeated) {
  const auto producer = begin();
  const Transactions::Caller caller{"tx", producer};
  EXPECT_EQ(append(producer, p0), "INVALID_TXN_STATE");
  ASSERT_TRUE(transactions_->add_partitions(caller, {p0}).ok());
  EXPECT_EQ(append(producer, p0), "");
  EXPECT_EQ(append(producer, p1), "INVALID_TXN_STATE");
  EXPECT_EQ(code(transactions_->add_offsets(caller, "g", {five()})), "INVALID_TXN_STATE");
  ASSERT_TRUE(transactions_->add_group(caller, "g").ok());
  ASSERT_TRUE(transactions_->add_offsets(caller, "g", {five()}).ok());
  EXPECT_TRUE(transactions_->pending("g", topics_.find("t")->id, 0));
  EXPECT_FALSE(offsets_.get("g", "t", 0)->has_value());
  ASSERT_TRUE(transactions_->end(caller, true).ok());
  EXPECT_FALSE(transactions_->pending("g", topics_.find("t")->id, 0));
  EXPECT_EQ((*offsets_.get("g", "t", 0))->offset, 5);
  ASSERT_EQ(log_.markers_of(p0).size(), 1u);
  EXPECT_TRUE(log_.markers_of(p0)[0].commit);
  EXPECT_TRUE(log_.markers_of(p1).empty());
  EXPECT_EQ(code(transactions_->end(caller, true)), "");
  EXPECT_EQ(code(transactions_->end(caller, false)), "INVALID_TXN_STATE");
  EXPECT_EQ(append(producer, p0), "INVALID_TXN_STATE");
}

TEST_F(TransactionsTest, an_abort_drops_the_offsets) {
  const Transactions::Caller caller{"tx", begin()};
  ASSERT_TRUE(transactions_->add_group(caller, "g").ok());
  ASSERT_TRUE(transactions_->add_offsets(caller, "g", {five()}).ok());
  ASSERT_TRUE(transactions_->end(caller, false).ok());
  EXPECT_FALSE(transactions_->pending("g", topics_.find("t")->id, 0));
  EXPECT_FALSE(offsets_.get("g", "t", 0)->has_value());
}

TEST_F(TransactionsTest, offsets_of_a_topic_that_was_removed_meanwhile_are_nobodys) {
  const Transactions::Caller caller{"tx", begin()};
  ASSERT_TRUE(transactions_->add_group(caller, "g").ok());
  ASSERT_TRUE(transactions_->add_offsets(caller, "g", {five()}).ok());
  ASSERT_TRUE(topics_.remove("t").ok());
  ASSERT_TRUE(topics_.create("t", 1, {}, false).ok());
  restart();
  EXPECT_FALSE(transactions_->pending("g", topics_.find("t")->id, 0));
  ASSERT_TRUE(transactions_->end(caller, true).ok());
  EXPECT_FALSE(offsets_.get("g", "t", 0)->has_value());
  EXPECT_TRUE(offsets_.groups()->empty());
}

TEST_F(TransactionsTest, a_new_producer_fences_the_old_one_and_aborts_what_it_left) {
  const auto old = begin();
  ASSERT_TRUE(transactions_->add_partitions({"tx", old}, {p0, p1}).ok());
  ASSERT_EQ(append(old, p0), "");
  restart();
  const auto producer = begin();
  EXPECT_EQ(producer.id, old.id);
  EXPECT_GT(producer.epoch, old.epoch);
  ASSERT_EQ(log_.markers_of(p0).size(), 1u);
  EXPECT_FALSE(log_.markers_of(p0)[0].commit);
  EXPECT_EQ(log_.markers_of(p0)[0].producer_epoch, producer.epoch);
  EXPECT_EQ(append(old, p0), "INVALID_PRODUCER_EPOCH");
  EXPECT_EQ(code(transactions_->add_partitions({"tx", old}, {p0})), "PRODUCER_FENCED");
  EXPECT_EQ(code(transactions_->end({"tx", old}, true)), "PRODUCER_FENCED");
  EXPECT_EQ(code(transactions_->end({"other", old}, true)), "INVALID_PRODUCER_ID_MAPPING");
  // The old one cannot come back by naming its epoch.
  EXPECT_EQ(transactions_->begin_producer("tx", 60'000, old).error().code, "PRODUCER_FENCED");
}

TEST_F(TransactionsTest, a_producer_may_raise_its_own_epoch_and_ask_twice) {
  const auto first = begin();
  const auto second = begin(first);
  EXPECT_EQ(second.epoch, first.epoch + 1);
  EXPECT_EQ(begin(first), second);
}

TEST_F(TransactionsTest, what_is_open_too_long_is_aborted) {
  const auto producer = begin();
  ASSERT_TRUE(transactions_->add_partitions({"tx", producer}, {p0}).ok());
  ASSERT_EQ(append(producer, p0), "");
  transactions_->tick();
  EXPECT_TRUE(log_.markers_of(p0).empty());
  clock_.advance_ms(60'001);
  transactions_->tick();
  ASSERT_EQ(log_.markers_of(p0).size(), 1u);
  EXPECT_FALSE(log_.markers_of(p0)[0].commit);
  EXPECT_EQ(code(transactions_->end({"tx", producer}, true)), "PRODUCER_FENCED");
  EXPECT_EQ(begin(producer).epoch, producer.epoch + 1);
  clock_.advance_ms(8LL * 24 * 3600 * 1000);
  transactions_->tick();
  EXPECT_NE(begin().id, producer.id);
}

TEST_F(TransactionsTest, a_decision_is_carried_out_after_a_crash) {
  const auto caller = decided();
  restart();
  ASSERT_EQ(log_.markers_of(p0).size(), 1u);
  EXPECT_TRUE(log_.markers_of(p0)[0].commit);
  EXPECT_EQ((*offsets_.get("g", "t", 0))->offset, 5);
  EXPECT_EQ(code(transactions_->end(caller, true)), "");
}

TEST_F(TransactionsTest, one_that_cannot_be_ended_keeps_nobody_from_starting) {
  const auto caller = decided();
  log_.broken = {p0};
  restart();
  EXPECT_TRUE(transactions_->pending("g", topics_.find("t")->id, 0));
  EXPECT_TRUE(transactions_->begin_producer("another", 60'000, {}).ok());
  log_.broken = {};
  transactions_->tick();
  ASSERT_EQ(log_.markers_of(p0).size(), 1u);
  EXPECT_TRUE(log_.markers_of(p0)[0].commit);
  EXPECT_EQ((*offsets_.get("g", "t", 0))->offset, 5);
  EXPECT_EQ(code(transactions_->end(caller, true)), "");
}

}  // namespace
}  // namespace mekong::kafka
