#include "kafka/groups/coordinator.h"

#include <algorithm>

namespace mekong::kafka {

// Setting a promise may run its waiter inline, so it happens only without the lock: declare before the guard.
class Coordinator::Replies {
 public:
  ~Replies() {
    for (auto& reply : replies_) reply();
  }
  void join(Member& member, JoinReply reply) {
    if (!member.joining) return;
    auto promise = std::exchange(member.joining, std::nullopt);
    replies_.push_back([promise, reply = std::move(reply)] { promise->set(reply); });
  }
  void sync(Member& member, SyncReply reply) {
    if (!member.syncing) return;
    auto promise = std::exchange(member.syncing, std::nullopt);
    replies_.push_back([promise, reply = std::move(reply)] { promise->set(reply); });
  }

 private:
  std::vector<std::function<void()>> replies_;
};

Coordinator::Coordinator(const os::Clock& clock, os::Random& random, CoordinatorConfig config)
    : clock_(clock), random_(random), config_(config) {}

Group* Coordinator::find(const std::string& group_id) {
  auto found = groups_.find(group_id);
  return found == groups_.end() ? nullptr : &found->second;
}

std::string Coordinator::new_member_id(const JoinRequest& request) {
  return request.instance_id.value_or(request.client_id) + "-" + random_.uuid();
}

Future<JoinReply> Coordinator::join(const JoinRequest& request) {
  Promise<JoinReply> promise;
  auto refuse = [&](ErrorCode error) {
    return Future<JoinReply>::ready({.error = error, .member_id = request.member_id});
  };
  if (request.group_id.empty()) return refuse(INVALID_GROUP_ID);
  if (request.session_timeout_ms < config_.session_timeout_min_ms ||
      request.session_timeout_ms > config_.session_timeout_max_ms) {
    return refuse(INVALID_SESSION_TIMEOUT);
  }
  Replies out;
  std::lock_guard lock(mutex_);
  if (closed_) return refuse(COORDINATOR_NOT_AVAILABLE);
  bool is_new = request.member_id.empty();
  if (!is_new && !groups_.contains(request.group_id)) return refuse(UNKNOWN_MEMBER_ID);
  Group& group = groups_[request.group_id];
  group.id = request.group_id;
  if (!group.accepts(request.protocol_type, request.protocols)) return refuse(INCONSISTENT_GROUP_PROTOCOL);
  JoinReply reply;
  if (is_new) {
    reply = join_new(group, request, promise, out);
  } else if (group.pending.contains(request.member_id)) {
    add_member(group, request, request.member_id, promise, out);
  } else if (Member* member = group.find(request.member_id); member == nullptr) {
    bool replaced = request.instance_id && group.static_members.contains(*request.instance_id);
    return refuse(replaced ? FENCED_INSTANCE_ID : UNKNOWN_MEMBER_ID);
  } else if (member->instance_id != request.instance_id) {
    return refuse(FENCED_INSTANCE_ID);
  } else {
    reply = join_known(group, *member, request, promise, out);
  }
  if (reply.error != NONE || !reply.member_id.empty()) return Future<JoinReply>::ready(reply);
  return promise.future();
}

// The join functions return a reply with a member id or an error to answer at once; else the promise is kept.
JoinReply Coordinator::join_new(Group& group, const JoinRequest& request, const Promise<JoinReply>& promise,
                                Replies& out) {
  if (group.members.size() + group.pending.size() >= config_.group_size_max)
    return {.error = GROUP_MAX_SIZE_REACHED};
  if (request.instance_id && group.static_members.contains(*request.instance_id)) {
    return replace_static(group, request, promise, out);
  }
  auto member_id = new_member_id(request);
  if (request.needs_member_id && !request.instance_id) {
    group.pending[member_id] = now_ms() + request.session_timeout_ms;
    return {.error = MEMBER_ID_REQUIRED, .member_id = member_id};
  }
  add_member(group, request, member_id, promise, out);
  return {};
}

// A static member came back under a new id: the old id is fenced, its assignment stays.
JoinReply Coordinator::replace_static(Group& group, const JoinRequest& request,
                                      const Promise<JoinReply>& promise, Replies& out) {
  auto old_id = group.static_members[*request.instance_id];
  auto node = group.members.extract(old_id);
  Member& moved = node.mapped();
  out.join(moved, {.error = FENCED_INSTANCE_ID, .member_id = old_id});
  out.sync(moved, {.error = FENCED_INSTANCE_ID});
  auto metadata = moved.metadata_of(group.protocol);
  bool was_leader = group.leader == old_id;
  moved.id = new_member_id(request);
  update(moved, request);
  node.key() = moved.id;
  group.static_members[*request.instance_id] = moved.id;
  if (was_leader) group.leader = moved.id;
  Member& member = group.members.insert(std::move(node)).position->second;
  touch(member);
  bool unchanged = member.metadata_of(group.protocol) == metadata && group.vote() == group.protocol;
  if (group.state != GroupState::stable || !unchanged) {
    await_join(group, member, promise, out);
    return {};
  }
  auto reply = group.reply_for(member);
  if (was_leader && request.can_skip_assignment) {
    reply.skip_assignment = true;
  } else if (was_leader) {
    reply.leader = old_id;  // an older client must not assign again: it only fetches what it had
    reply.members.clear();
  }
  return reply;
}

JoinReply Coordinator::join_known(Group& group, Member& member, const JoinRequest& request,
                                  const Promise<JoinReply>& promise, Replies& out) {
  bool same = member.protocols == request.protocols;
  touch(member);
  bool lost_its_reply = group.state == GroupState::completing_rebalance && same;
  bool nothing_new = group.state == GroupState::stable && same && member.id != group.leader;
  if (lost_its_reply || nothing_new) return group.reply_for(member);
  update(member, request);
  await_join(group, member, promise, out);
  return {};
}

void Coordinator::update(Member& member, const JoinRequest& request) {
  member.client_id = request.client_id;
  member.client_host = request.client_host;
  member.protocols = request.protocols;
  member.session_timeout_ms = request.session_timeout_ms;
  member.rebalance_timeout_ms = std::max<int64_t>(request.rebalance_timeout_ms, 1);
}

void Coordinator::add_member(Group& group, const JoinRequest& request, const std::string& member_id,
                             const Promise<JoinReply>& promise, Replies& out) {
  group.pending.erase(member_id);
  if (group.members.empty()) group.protocol_type = request.protocol_type;
  Member& member = group.members[member_id];
  member.id = member_id;
  member.instance_id = request.instance_id;
  update(member, request);
  touch(member);
  if (request.instance_id) group.static_members[*request.instance_id] = member_id;
  if (group.state == GroupState::preparing_rebalance && group.first_rebalance) {
    group.deadline_ms = now_ms() + config_.initial_rebalance_delay_ms;
  }
  await_join(group, member, promise, out);
}

void Coordinator::await_join(Group& group, Member& member, const Promise<JoinReply>& promise, Replies& out) {
  out.join(member,
           {.error = UNKNOWN_MEMBER_ID, .member_id = member.id});  // an earlier request of the same member
  member.joining = promise;
  if (group.state != GroupState::preparing_rebalance) prepare_rebalance(group, out);
  maybe_complete_join(group, out);
}

void Coordinator::prepare_rebalance(Group& group, Replies& out) {
  for (auto& [id, member] : group.members) {
    if (member.syncing) touch(member);
    out.sync(member, {.error = REBALANCE_IN_PROGRESS});
  }
  group.first_rebalance = group.state == GroupState::empty;
  int64_t wait = group.first_rebalance ? config_.initial_rebalance_delay_ms : group.rebalance_timeout_ms();
  group.deadline_ms = now_ms() + wait;
  group.state = GroupState::preparing_rebalance;
}

void Coordinator::maybe_complete_join(Group& group, Replies& out) {
  if (group.state != GroupState::preparing_rebalance || group.first_rebalance) return;
  if (group.all_joined()) complete_join(group, out);
}

void Coordinator::complete_join(Group& group, Replies& out) {
  std::vector<std::string> absent;
  for (auto& [id, member] : group.members) {
    if (!member.joining && !member.instance_id) absent.push_back(id);
  }
  for (const auto& id : absent) group.erase(id);
  group.first_rebalance = false;
  ++group.generation;
  if (group.members.empty()) {
    group.state = GroupState::empty;
    group.protocol.clear();
    group.leader.clear();
    return;
  }
  group.protocol = group.vote();
  auto* leader = group.find(group.leader);
  if (leader == nullptr || !leader->joining) {
    auto joined = std::find_if(group.members.begin(), group.members.end(),
                               [](const auto& entry) { return entry.second.joining.has_value(); });
    group.leader = joined == group.members.end() ? group.members.begin()->first : joined->first;
  }
  group.state = GroupState::completing_rebalance;
  group.deadline_ms = now_ms() + group.rebalance_timeout_ms();
  for (auto& [id, member] : group.members) {
    member.assignment.clear();
    touch(member);
    out.join(member, group.reply_for(member));
  }
}

ErrorCode Coordinator::check_member(Group* group, const MemberRef& ref) const {
  if (closed_) return COORDINATOR_NOT_AVAILABLE;
  if (ref.group_id.empty()) return INVALID_GROUP_ID;
  if (group == nullptr) return UNKNOWN_MEMBER_ID;
  if (ref.instance_id) {
    auto current = group->static_members.find(*ref.instance_id);
    if (current == group->static_members.end()) return UNKNOWN_MEMBER_ID;
    if (current->second != ref.member_id) return FENCED_INSTANCE_ID;
  }
  if (!group->members.contains(ref.member_id)) return UNKNOWN_MEMBER_ID;
  return ref.generation == group->generation ? NONE : ILLEGAL_GENERATION;
}

Future<SyncReply> Coordinator::sync(const SyncRequest& request) {
  auto refuse = [](ErrorCode error) { return Future<SyncReply>::ready({.error = error}); };
  Replies out;
  std::lock_guard lock(mutex_);
  Group* group = find(request.member.group_id);
  if (auto error = check_member(group, request.member); error != NONE) return refuse(error);
  bool other = (request.protocol_type && *request.protocol_type != group->protocol_type) ||
               (request.protocol && *request.protocol != group->protocol);
  if (other) return refuse(INCONSISTENT_GROUP_PROTOCOL);
  Member& member = *group->find(request.member.member_id);
  touch(member);
  if (group->state == GroupState::preparing_rebalance) return refuse(REBALANCE_IN_PROGRESS);
  if (group->state == GroupState::stable) {
    return Future<SyncReply>::ready({NONE, group->protocol_type, group->protocol, member.assignment});
  }
  Promise<SyncReply> promise;
  out.sync(member, {.error = UNKNOWN_MEMBER_ID});
  member.syncing = promise;
  if (member.id == group->leader) {
    for (auto& [id, other_member] : group->members) {
      auto assigned = request.assignments.find(id);
      other_member.assignment = assigned == request.assignments.end() ? std::string() : assigned->second;
    }
    deliver_assignments(*group, out);
  }
  return promise.future();
}

void Coordinator::deliver_assignments(Group& group, Replies& out) {
  group.state = GroupState::stable;
  for (auto& [id, member] : group.members) {
    if (member.syncing) touch(member);
    out.sync(member, {NONE, group.protocol_type, group.protocol, member.assignment});
  }
}

ErrorCode Coordinator::heartbeat(const MemberRef& ref) {
  std::lock_guard lock(mutex_);
  Group* group = find(ref.group_id);
  if (auto error = check_member(group, ref); error != NONE) return error;
  touch(*group->find(ref.member_id));
  return group->state == GroupState::preparing_rebalance ? REBALANCE_IN_PROGRESS : NONE;
}

ErrorCode Coordinator::leave(const std::string& group_id, const std::string& member_id,
                             const std::optional<std::string>& instance_id) {
  Replies out;
  std::lock_guard lock(mutex_);
  if (closed_) return COORDINATOR_NOT_AVAILABLE;
  if (group_id.empty()) return INVALID_GROUP_ID;
  Group* group = find(group_id);
  if (group == nullptr) return UNKNOWN_MEMBER_ID;
  std::string leaving = member_id;
  if (instance_id) {
    auto current = group->static_members.find(*instance_id);
    if (current == group->static_members.end()) return UNKNOWN_MEMBER_ID;
    if (!member_id.empty() && current->second != member_id) return FENCED_INSTANCE_ID;
    leaving = current->second;
  }
  if (group->pending.erase(leaving) > 0) {
    maybe_complete_join(*group, out);
    return NONE;
  }
  if (!group->members.contains(leaving)) return UNKNOWN_MEMBER_ID;
  drop_member(*group, leaving, out);
  return NONE;
}

void Coordinator::drop_member(Group& group, const std::string& member_id, Replies& out) {
  Member& member = *group.find(member_id);
  out.join(member, {.error = UNKNOWN_MEMBER_ID, .member_id = member_id});
  out.sync(member, {.error = UNKNOWN_MEMBER_ID});
  group.erase(member_id);
  if (group.state == GroupState::preparing_rebalance) {
    maybe_complete_join(group, out);
    return;
  }
  prepare_rebalance(group, out);
  maybe_complete_join(group, out);
}

ErrorCode Coordinator::check_commit(const MemberRef& ref, bool transactional) {
  std::lock_guard lock(mutex_);
  if (closed_) return COORDINATOR_NOT_AVAILABLE;
  Group* group = find(ref.group_id);
  bool unmanaged = group == nullptr || group->members.empty();
  if (unmanaged && ref.generation < 0) return NONE;
  if (unmanaged) return ref.member_id.empty() ? ILLEGAL_GENERATION : UNKNOWN_MEMBER_ID;
  if (auto error = check_member(group, ref); error != NONE) return error;
  touch(*group->find(ref.member_id));
  const bool too_early = group->state == GroupState::completing_rebalance && !transactional;
  return too_early ? REBALANCE_IN_PROGRESS : NONE;
}

std::optional<GroupView> Coordinator::describe(const std::string& group_id) const {
  std::lock_guard lock(mutex_);
  auto found = groups_.find(group_id);
  if (found == groups_.end()) return std::nullopt;
  const Group& group = found->second;
  GroupView view{group_id, group.state, group.protocol_type, group.protocol, {}};
  for (const auto& [id, member] : group.members) {
    view.members.push_back({id, member.instance_id, member.client_id, member.client_host,
                            member.metadata_of(group.protocol), member.assignment});
  }
  return view;
}

std::vector<GroupView> Coordinator::list() const {
  std::lock_guard lock(mutex_);
  std::vector<GroupView> views;
  for (const auto& [id, group] : groups_) {
    views.push_back({id, group.state, group.protocol_type, group.protocol, {}});
  }
  return views;
}

ErrorCode Coordinator::remove(const std::string& group_id) {
  std::lock_guard lock(mutex_);
  Group* group = find(group_id);
  if (group != nullptr && (!group->members.empty() || !group->pending.empty())) return NON_EMPTY_GROUP;
  groups_.erase(group_id);
  return NONE;
}

void Coordinator::tick_group(Group& group, int64_t now, Replies& out) {
  auto lapsed = std::erase_if(group.pending, [now](const auto& entry) { return entry.second <= now; });
  std::vector<std::string> expired;
  for (auto& [id, member] : group.members) {
    if (!member.joining && !member.syncing && member.expires_ms <= now) expired.push_back(id);
  }
  for (const auto& id : expired) drop_member(group, id, out);
  if (lapsed > 0) maybe_complete_join(group, out);
  if (group.deadline_ms > now) return;
  if (group.state == GroupState::preparing_rebalance) {
    // Those who never came for the known id they asked for do not hold the first rebalance up.
    complete_join(group, out);
  } else if (group.state == GroupState::completing_rebalance) {
    std::vector<std::string> silent;
    for (auto& [id, member] : group.members) {
      if (!member.syncing) silent.push_back(id);
    }
    for (const auto& id : silent) drop_member(group, id, out);
  }
}

std::optional<int64_t> Coordinator::deadline_of(const Group& group) const {
  std::optional<int64_t> next;
  auto consider = [&next](int64_t at) { next = next ? std::min(*next, at) : at; };
  for (const auto& [id, at] : group.pending) consider(at);
  for (const auto& [id, member] : group.members) {
    if (!member.joining && !member.syncing) consider(member.expires_ms);
  }
  if (group.state == GroupState::preparing_rebalance || group.state == GroupState::completing_rebalance) {
    consider(group.deadline_ms);
  }
  return next;
}

std::optional<int64_t> Coordinator::tick() {
  Replies out;
  std::lock_guard lock(mutex_);
  std::optional<int64_t> next;
  for (auto& [id, group] : groups_) {
    tick_group(group, now_ms(), out);
    auto at = deadline_of(group);
    if (at) next = next ? std::min(*next, *at) : *at;
  }
  std::erase_if(groups_, [](const auto& entry) {
    const Group& group = entry.second;
    return group.state == GroupState::empty && group.members.empty() && group.pending.empty();
  });
  return next;
}

void Coordinator::shut_down() {
  Replies out;
  std::lock_guard lock(mutex_);
  closed_ = true;
  for (auto& [group_id, group] : groups_) {
    for (auto& [id, member] : group.members) {
      out.join(member, {.error = COORDINATOR_NOT_AVAILABLE, .member_id = id});
      out.sync(member, {.error = COORDINATOR_NOT_AVAILABLE});
    }
  }
}

}  // namespace mekong::kafka
