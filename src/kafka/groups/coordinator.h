// The group coordinator of one cluster: who is in which group, which generation, whose assignment. Time comes
// from the monotonic clock; nothing here sleeps: the owner calls tick() when next_deadline_ms() has come.
// Membership lives in memory (members join again after a restart, as the protocol has it); offsets are kept
// elsewhere. Any thread.
#pragma once
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "kafka/groups/group.h"
#include "os/clock.h"
#include "os/random.h"

namespace mekong::kafka {

struct CoordinatorConfig {
  int64_t session_timeout_min_ms = 6'000;
  int64_t session_timeout_max_ms = 1'800'000;
  int64_t initial_rebalance_delay_ms = 200;
  size_t group_size_max = 10'000;
};

// Who calls, in SyncGroup, Heartbeat, OffsetCommit.
struct MemberRef {
  std::string group_id, member_id;
  std::optional<std::string> instance_id;
  int32_t generation = -1;
};

struct SyncRequest {
  MemberRef member;
  std::optional<std::string> protocol_type, protocol;
  std::map<std::string, std::string> assignments;  // member id → assignment; from the leader
};

struct MemberView {
  std::string member_id;
  std::optional<std::string> instance_id;
  std::string client_id, client_host, metadata, assignment;
};

struct GroupView {
  std::string group_id;
  GroupState state = GroupState::empty;
  std::string protocol_type, protocol;
  std::vector<MemberView> members;
};

class Coordinator {
 public:
  Coordinator(const os::Clock& clock, os::Random& random, CoordinatorConfig config = {});

  Future<JoinReply> join(const JoinRequest& request);
  Future<SyncReply> sync(const SyncRequest& request);
  ErrorCode heartbeat(const MemberRef& member);
  ErrorCode leave(const std::string& group_id, const std::string& member_id,
                  const std::optional<std::string>& instance_id);
  // May this caller commit offsets? A group without members takes commits of generation -1 from anyone.
  // Those of a transaction are taken within a rebalance, too.
  ErrorCode check_commit(const MemberRef& member, bool transactional = false);
  std::optional<GroupView> describe(const std::string& group_id) const;
  std::vector<GroupView> list() const;  // without members
  // NON_EMPTY_GROUP, or NONE: forgotten, known or not.
  ErrorCode remove(const std::string& group_id);

  // Ends sessions and rebalances whose time has come. Returns when it wants to be called again, none: not
  // before another call changes something.
  std::optional<int64_t> tick();
  int64_t now_ms() const { return clock_.monotonic_ns() / 1'000'000; }
  // Everyone who waits is answered COORDINATOR_NOT_AVAILABLE; so are all who come later.
  void shut_down();

 private:
  class Replies;  // promises to be set once the lock is released
  JoinReply join_new(Group& group, const JoinRequest& request, const Promise<JoinReply>& promise,
                     Replies& out);
  JoinReply replace_static(Group& group, const JoinRequest& request, const Promise<JoinReply>& promise,
                           Replies& out);
  JoinReply join_known(Group& group, Member& member, const JoinRequest& request,
                       const Promise<JoinReply>& promise, Replies& out);
  void add_member(Group& group, const JoinRequest& request, const std::string& member_id,
                  const Promise<JoinReply>& promise, Replies& out);
  static void update(Member& member, const JoinRequest& request);
  void await_join(Group& group, Member& member, const Promise<JoinReply>& promise, Replies& out);
  void prepare_rebalance(Group& group, Replies& out);
  void maybe_complete_join(Group& group, Replies& out);
  void complete_join(Group& group, Replies& out);
  void deliver_assignments(Group& group, Replies& out);
  void drop_member(Group& group, const std::string& member_id, Replies& out);
  void tick_group(Group& group, int64_t now, Replies& out);
  std::optional<int64_t> deadline_of(const Group& group) const;
  void touch(Member& member) const { member.expires_ms = now_ms() + member.session_timeout_ms; }
  ErrorCode check_member(Group* group, const MemberRef& ref) const;
  Group* find(const std::string& group_id);
  std::string new_member_id(const JoinRequest& request);

  const os::Clock& clock_;
  os::Random& random_;
  const CoordinatorConfig config_;
  mutable std::mutex mutex_;
  std::map<std::string, Group> groups_;
  bool closed_ = false;
};

}  // namespace mekong::kafka
