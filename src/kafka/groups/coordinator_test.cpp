#include "kafka/groups/coordinator.h"

#include <gtest/gtest.h>

namespace mekong::kafka {
namespace {

class CoordinatorTest : public testing::Test {
 protected:
  static JoinRequest request(const std::string& member = "", const std::string& metadata = "m") {
    return {.group_id = "g",
            .member_id = member,
            .client_id = "client",
            .client_host = "127.0.0.1",
            .protocol_type = "consumer",
            .protocols = {{"range", metadata}},
            .session_timeout_ms = 10'000,
            .rebalance_timeout_ms = 30'000};
  }
  // Time goes on far enough for the first rebalance's delay.
  void gather() {
    clock_.advance_ms(300);
    groups_.tick();
  }
  SyncRequest sync_of(const JoinReply& joined, std::map<std::string, std::string> assignments = {}) {
    return {.member = {"g", joined.member_id, std::nullopt, joined.generation}, .assignments = assignments};
  }
  // A stable group of one.
  JoinReply one_member(JoinRequest asked) {
    auto joined = groups_.join(asked);
    gather();
    auto reply = joined.get();
    EXPECT_EQ(reply.error, NONE);
    EXPECT_EQ(groups_.sync(sync_of(reply, {{reply.member_id, "all"}})).get().assignment, "all");
    return reply;
  }
  ErrorCode heartbeat(const JoinReply& member) {
    return groups_.heartbeat({"g", member.member_id, std::nullopt, member.generation});
  }

  os::ManualClock clock_{1'000'000};
  os::SeededRandom random_{1};
  Coordinator groups_{clock_, random_};
};

TEST_F(CoordinatorTest, two_members_share_one_generation_and_the_leader_assigns) {
  auto first = groups_.join(request());
  auto second = groups_.join(request());
  EXPECT_FALSE(first.is_ready());
  gather();
  auto a = first.get(), b = second.get();
  EXPECT_EQ(a.generation, 1);
  EXPECT_EQ(b.generation, 1);
  EXPECT_EQ(a.leader, b.leader);
  const auto& leader = a.leader == a.member_id ? a : b;
  const auto& follower = a.leader == a.member_id ? b : a;
  EXPECT_EQ(leader.members.size(), 2u);
  EXPECT_TRUE(follower.members.empty());
  auto waiting = groups_.sync(sync_of(follower));
  EXPECT_FALSE(waiting.is_ready());
  auto led = groups_.sync(sync_of(leader, {{leader.member_id, "x"}, {follower.member_id, "y"}}));
  EXPECT_EQ(led.get().assignment, "x");
  EXPECT_EQ(waiting.get().assignment, "y");
  EXPECT_EQ(groups_.describe("g")->state, GroupState::stable);
}

TEST_F(CoordinatorTest, newer_clients_are_told_their_member_id_first) {
  auto asked = request();
  asked.needs_member_id = true;
  auto told = groups_.join(asked).get();
  EXPECT_EQ(told.error, MEMBER_ID_REQUIRED);
  ASSERT_FALSE(told.member_id.empty());
  asked.member_id = told.member_id;
  EXPECT_EQ(one_member(asked).member_id, told.member_id);
}

TEST_F(CoordinatorTest, a_new_member_makes_the_others_join_again) {
  auto a = one_member(request());
  auto joining = groups_.join(request());
  EXPECT_FALSE(joining.is_ready());
  EXPECT_EQ(heartbeat(a), REBALANCE_IN_PROGRESS);
  auto again = groups_.join(request(a.member_id)).get();
  EXPECT_EQ(again.generation, a.generation + 1);
  EXPECT_EQ(joining.get().generation, again.generation);
  EXPECT_EQ(heartbeat(a), ILLEGAL_GENERATION);
}

TEST_F(CoordinatorTest, who_does_not_join_again_in_time_is_out) {
  auto a = one_member(request());
  auto joining = groups_.join(request());
  for (int i = 0; i < 4; ++i) {
    clock_.advance_ms(8'000);
    groups_.tick();
    if (i < 3) EXPECT_EQ(heartbeat(a), REBALANCE_IN_PROGRESS);
  }
  auto b = joining.get();
  EXPECT_EQ(b.leader, b.member_id);
  EXPECT_EQ(b.members.size(), 1u);
  EXPECT_EQ(heartbeat(a), UNKNOWN_MEMBER_ID);
}

TEST_F(CoordinatorTest, a_silent_member_loses_its_session) {
  auto a = one_member(request());
  clock_.advance_ms(9'999);
  groups_.tick();
  EXPECT_EQ(heartbeat(a), NONE);
  clock_.advance_ms(10'000);
  groups_.tick();
  EXPECT_EQ(heartbeat(a), UNKNOWN_MEMBER_ID);
}

TEST_F(CoordinatorTest, the_next_deadline_is_the_end_of_the_session) {
  auto a = one_member(request());
  EXPECT_EQ(groups_.tick(), clock_.wall_ms() + 10'000);
}

TEST_F(CoordinatorTest, commits_are_fenced_by_member_and_generation) {
  EXPECT_EQ(groups_.check_commit({"g", "", std::nullopt, -1}), NONE);
  auto a = one_member(request());
  EXPECT_EQ(groups_.check_commit({"g", a.member_id, std::nullopt, a.generation}), NONE);
  EXPECT_EQ(groups_.check_commit({"g", a.member_id, std::nullopt, a.generation - 1}), ILLEGAL_GENERATION);
  EXPECT_EQ(groups_.check_commit({"g", "", std::nullopt, -1}), UNKNOWN_MEMBER_ID);
}

TEST_F(CoordinatorTest, a_transaction_commits_within_a_rebalance_too) {
  auto joined = groups_.join(request());
  gather();
  const auto member = sync_of(joined.get()).member;
  EXPECT_EQ(groups_.check_commit(member), REBALANCE_IN_PROGRESS);
  EXPECT_EQ(groups_.check_commit(member, true), NONE);
  EXPECT_EQ(groups_.check_commit({"g", member.member_id, std::nullopt, 0}, true), ILLEGAL_GENERATION);
}

TEST_F(CoordinatorTest, leaving_empties_the_group_at_once) {
  auto a = one_member(request());
  EXPECT_EQ(groups_.remove("g"), NON_EMPTY_GROUP);
  EXPECT_EQ(groups_.leave("g", a.member_id, std::nullopt), NONE);
  EXPECT_EQ(groups_.describe("g")->state, GroupState::empty);
  EXPECT_EQ(groups_.leave("g", a.member_id, std::nullopt), UNKNOWN_MEMBER_ID);
  EXPECT_EQ(groups_.remove("g"), NONE);
  EXPECT_FALSE(groups_.describe("g").has_value());
}

TEST_F(CoordinatorTest, a_static_member_returns_without_a_rebalance_and_its_old_id_is_fenced) {
  auto asked = request();
  asked.instance_id = "i";
  auto a = one_member(asked);
  auto back = groups_.join(asked).get();
  EXPECT_EQ(back.error, NONE);
  EXPECT_EQ(back.generation, a.generation);
  EXPECT_NE(back.member_id, a.member_id);
  EXPECT_TRUE(back.members.empty());
  auto sync = sync_of(back);
  sync.member.instance_id = "i";
  EXPECT_EQ(groups_.sync(sync).get().assignment, "all");
  EXPECT_EQ(groups_.heartbeat({"g", a.member_id, "i", a.generation}), FENCED_INSTANCE_ID);
}

TEST_F(CoordinatorTest, no_common_protocol_is_refused) {
  one_member(request());
  auto other = request();
  other.protocols = {{"sticky", ""}};
  EXPECT_EQ(groups_.join(other).get().error, INCONSISTENT_GROUP_PROTOCOL);
}

TEST_F(CoordinatorTest, session_timeouts_have_bounds) {
  auto asked = request();
  asked.session_timeout_ms = 5'999;
  EXPECT_EQ(groups_.join(asked).get().error, INVALID_SESSION_TIMEOUT);
}

TEST_F(CoordinatorTest, who_waits_is_answered_at_the_end) {
  auto waiting = groups_.join(request());
  groups_.shut_down();
  EXPECT_EQ(waiting.get().error, COORDINATOR_NOT_AVAILABLE);
}

}  // namespace
}  // namespace mekong::kafka
