#include "kafka/groups/group.h"

#include <algorithm>

namespace mekong::kafka {

namespace {

std::set<std::string> names_of(const std::vector<GroupProtocol>& protocols) {
  std::set<std::string> names;
  for (const auto& protocol : protocols) names.insert(protocol.name);
  return names;
}

}  // namespace

std::string_view name_of(GroupState state) {
  switch (state) {
    case GroupState::empty:
      return "Empty";
    case GroupState::preparing_rebalance:
      return "PreparingRebalance";
    case GroupState::completing_rebalance:
      return "CompletingRebalance";
    case GroupState::stable:
      return "Stable";
  }
  return "Dead";
}

std::string Member::metadata_of(const std::string& protocol) const {
  for (const auto& offered : protocols) {
    if (offered.name == protocol) return offered.metadata;
  }
  return {};
}

Member* Group::find(const std::string& member_id) {
  auto found = members.find(member_id);
  return found == members.end() ? nullptr : &found->second;
}

bool Group::all_joined() const {
  return pending.empty() && std::all_of(members.begin(), members.end(),
                                        [](const auto& entry) { return entry.second.joining.has_value(); });
}

bool Group::accepts(const std::string& type, const std::vector<GroupProtocol>& offered) const {
  if (type.empty() || offered.empty()) return false;
  if (members.empty()) return true;
  if (type != protocol_type) return false;
  auto common = names_of(offered);
  for (const auto& [id, member] : members) {
    auto names = names_of(member.protocols);
    std::erase_if(common, [&](const std::string& name) { return !names.contains(name); });
  }
  return !common.empty();
}

std::string Group::vote() const {
  std::set<std::string> common = names_of(members.begin()->second.protocols);
  for (const auto& [id, member] : members) {
    auto names = names_of(member.protocols);
    std::erase_if(common, [&](const std::string& name) { return !names.contains(name); });
  }
  std::map<std::string, int> votes;
  for (const auto& [id, member] : members) {
    auto best = std::find_if(member.protocols.begin(), member.protocols.end(),
                             [&](const GroupProtocol& p) { return common.contains(p.name); });
    if (best != member.protocols.end()) ++votes[best->name];
  }
  auto most = std::max_element(votes.begin(), votes.end(),
                               [](const auto& a, const auto& b) { return a.second < b.second; });
  return most == votes.end() ? std::string() : most->first;
}

int64_t Group::rebalance_timeout_ms() const {
  int64_t longest = 0;
  for (const auto& [id, member] : members) longest = std::max(longest, member.rebalance_timeout_ms);
  return longest;
}

JoinReply Group::reply_for(const Member& member) const {
  JoinReply reply{.generation = generation,
                  .protocol_type = protocol_type,
                  .protocol = protocol,
                  .leader = leader,
                  .member_id = member.id};
  if (member.id != leader) return reply;
  for (const auto& [id, other] : members) {
    reply.members.push_back({id, other.instance_id, other.metadata_of(protocol)});
  }
  return reply;
}

void Group::erase(const std::string& member_id) {
  auto* member = find(member_id);
  if (member == nullptr) return;
  if (member->instance_id) static_members.erase(*member->instance_id);
  if (leader == member_id) leader.clear();
  members.erase(member_id);
}

}  // namespace mekong::kafka
