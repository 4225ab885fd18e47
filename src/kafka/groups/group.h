// What a consumer group knows, without time or threads: members, generation, the protocol they agree on.
// The classic group protocol (KIP-62, static membership KIP-345, known member ids KIP-394).
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/task.h"
#include "kafka/errors.h"

namespace mekong::kafka {

struct GroupProtocol {
  std::string name;
  std::string metadata;
  bool operator==(const GroupProtocol&) const = default;
};

struct JoinRequest {
  std::string group_id, member_id;
  std::optional<std::string> instance_id;
  std::string client_id, client_host;
  std::string protocol_type;
  std::vector<GroupProtocol> protocols;  // in order of preference
  int64_t session_timeout_ms = 0, rebalance_timeout_ms = 0;
  bool needs_member_id = false;      // JoinGroup v4+: a new member is told its id first
  bool can_skip_assignment = false;  // JoinGroup v9+
};

struct JoinedMember {
  std::string member_id;
  std::optional<std::string> instance_id;
  std::string metadata;
};

struct JoinReply {
  ErrorCode error = NONE;
  int32_t generation = -1;
  std::string protocol_type, protocol, leader, member_id;
  bool skip_assignment = false;
  std::vector<JoinedMember> members;  // for the leader
};

struct SyncReply {
  ErrorCode error = NONE;
  std::string protocol_type, protocol, assignment;
};

struct Member {
  std::string id;
  std::optional<std::string> instance_id;
  std::string client_id, client_host;
  std::vector<GroupProtocol> protocols;
  int64_t session_timeout_ms = 0, rebalance_timeout_ms = 0;
  std::string assignment;
  int64_t expires_ms = 0;  // session end, unless it awaits a reply
  std::optional<Promise<JoinReply>> joining;
  std::optional<Promise<SyncReply>> syncing;

  std::string metadata_of(const std::string& protocol) const;
};

enum class GroupState { empty, preparing_rebalance, completing_rebalance, stable };
std::string_view name_of(GroupState state);  // "Empty", "PreparingRebalance" …

struct Group {
  std::string id;
  GroupState state = GroupState::empty;
  int32_t generation = 0;
  std::string protocol_type, protocol, leader;
  std::map<std::string, Member> members;
  std::map<std::string, std::string> static_members;  // instance id → member id
  std::map<std::string, int64_t> pending;             // member ids handed out, not joined yet → deadline
  int64_t deadline_ms = 0;                            // of the rebalance in progress, or of its syncs
  bool first_rebalance = false;                       // waits its delay out, so that members gather

  Member* find(const std::string& member_id);
  bool all_joined() const;
  // Would a member with these protocols find one in common with every other member?
  bool accepts(const std::string& type, const std::vector<GroupProtocol>& offered) const;
  std::string vote() const;  // the protocol that most members like best among those all have
  int64_t rebalance_timeout_ms() const;
  JoinReply reply_for(const Member& member) const;
  void erase(const std::string& member_id);
};

}  // namespace mekong::kafka
