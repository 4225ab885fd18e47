// What was decided and why: of the last requests, for `mekong why` and DecodeAuthorizationMessage; what was
// denied without a request that could be asked about, as over Kafka; and, while recording, what each
// principal was let do, for `mekong policy`. In memory and bounded; any thread.
#pragma once
#include <atomic>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/authoriser.h"
#include "base/result.h"
#include "os/random.h"

namespace mekong::iam {

// One decision. `source`: "identity", "boundary", "session", "resource" or "none"; with `policy` and `sid`
// the statement that decided, where there is one; for an implicit denial where an Allow was missing.
// `context`: of denials.
struct Explained {
  std::string request_id, principal_arn, principal_id, account, action, resource;
  std::string outcome, source, policy, sid,
      reason;  // outcome: "allowed", "implicitly denied", "explicitly denied"
  std::map<std::string, std::vector<std::string>> context;
  int64_t at_ms = 0;
  int64_t times = 1;  // that the same was denied, without a request to tell one from the other
  template <class F>
  void each_field(F&& f) {
    f("RequestId", request_id), f("Principal", principal_arn), f("PrincipalId", principal_id);
    f("Account", account), f("Action", action), f("Resource", resource), f("Outcome", outcome);
    f("Source", source), f("Policy", policy), f("Sid", sid), f("Reason", reason), f("Context", context);
    f("At", at_ms), f("Times", times);
  }
  bool allowed() const { return outcome == "allowed"; }
};

class DecisionLog {
 public:
  DecisionLog(const std::string& server_secret, os::Random& random)
      : secret_(server_secret), random_(random) {}

  // `fill` writes all of a decision over the oldest one: their strings keep their memory. Must not wait.
  template <class Fill>
  void keep(Fill&& fill) {
    std::lock_guard lock(mutex_);
    fill(oldest());
  }
  std::vector<Explained> of_request(
      std::string_view request_id) const;  // in order; empty: too old, or unknown

  // A denial that has no request id: counts it, where one of this principal, action and resource is
  // remembered already; else it is to be given to remember().
  bool denied_again(std::string_view principal_arn, std::string_view action, std::string_view resource,
                    int64_t now_ms);
  void remember(Explained denial);
  // The last denials of both kinds, the latest last.
  std::vector<Explained> denials(size_t most) const;

  // Starting forgets what was recorded before.
  void record(bool on);
  bool recording() const { return recording_.load(std::memory_order_relaxed); }
  // `identity`: the user's, role's or root's ARN.
  void recorded(std::string_view identity, std::string_view action, std::string_view resource);
  // The least policies that what was recorded needed: by identity, as documents.
  std::map<std::string, std::string> policies() const;

  // A denial as a text that only this server reads:
  // https://docs.aws.amazon.com/STS/latest/APIReference/API_DecodeAuthorizationMessage.html
  std::string encode(const Explained& decision) const;
  // The JSON that AWS documents. "InvalidAuthorizationMessageException": not ours, or of another account.
  Result<std::string> decode(const AccountId& account, std::string_view message) const;

 private:
  std::string key() const;
  Explained& oldest();

  const std::string& secret_;
  os::Random& random_;
  mutable std::mutex mutex_;
  std::deque<Explained> last_;  // a ring once it is full
  size_t next_ = 0;
  std::map<std::string, Explained, std::less<>> others_;  // by principal, action and resource
  std::atomic<bool> recording_ = false;
  std::map<std::string, std::map<std::string, std::set<std::string>>>
      recorded_;  // identity → action → resources
};

}  // namespace mekong::iam
