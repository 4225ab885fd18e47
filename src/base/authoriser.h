// Who asks, and may they: the one question that HTTP, Kafka, the metastore and data reads all ask.
// Implemented by iam; everything below it sees only this.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <memory_resource>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/result.h"

namespace mekong {

// federated_user: a session of GetFederationToken. web_identity: who a trusted OpenID Connect provider says
// it is, while it assumes a role; only trust policies let it do anything.
enum class PrincipalKind { root, user, role_session, federated_user, service, web_identity, anonymous };

// An authenticated caller. Immutable and shared; a session outlives the request that made it.
struct Principal {
  PrincipalKind kind = PrincipalKind::anonymous;
  AccountId account;
  std::string arn;            // arn:aws:iam::…:user/x, arn:aws:sts::…:assumed-role/r/session, …:root
  std::string user_id;        // AIDA…, AROA…:session, account id for root
  std::string access_key_id;  // the key that signed; empty inside the process
  std::string role_arn;       // role sessions: the role (policies are looked up by it)
  std::string issuer_arn;     // federated users: the user or root that vouches for them
  std::vector<std::string> session_policies;  // documents, or ARNs of managed policies
  std::map<std::string, std::string> tags;    // principal tags
  std::vector<std::string> transitive_tags;   // keys of `tags` that go along when another role is assumed
  std::string source_identity;                // set once in a chain of sessions; empty: none
  std::string federated_provider;             // sessions by web identity: the provider's ARN
  int64_t issued_ms = 0;                      // sessions: when the credentials were made; 0: long-lived
  int64_t expires_ms = 0;                     // wall clock; 0: never
};
using PrincipalPtr = std::shared_ptr<const Principal>;

// Condition keys with their values; keys are compared without case.
using ConditionContext = std::map<std::string, std::vector<std::string>>;

// A key's values, in memory of the decision that asked for them.
using ConditionValues = std::pmr::vector<std::pmr::string>;

// Condition keys whose values are made when a statement asks for them: a decision that asks for none costs
// none. Keys in lower case.
class ConditionSource {
 public:
  virtual ~ConditionSource() = default;
  // Does it speak for this key? Then nobody else does, whether it has values or not.
  virtual bool supply(std::string_view key, ConditionValues& values) const = 0;
  virtual void each_key(const std::function<void(std::string_view key)>& visit) const = 0;
};

struct AuthorisationRequest {
  const Principal& principal;
  std::string_view action;    // "s3:GetObject"
  std::string_view resource;  // ARN, or "*"
  ConditionContext context = {};
  // Besides `context`, what the face knows of the request: where it came from, how it was signed.
  const ConditionSource* known = nullptr;
  // Resource policy document (bucket policy …) that stands on the resource, empty where none.
  std::string_view resource_policy = {};
  // The resource policy alone can let anyone in, as a role's trust policy does: the owner's identity policies
  // (root's too) do not help where it does not allow.
  bool resource_policy_required = false;
  // Account that owns the resource; empty: the principal's own.
  AccountId resource_account = {};
  // Of the request that asks, so that its caller may learn why later; empty: nobody will ask.
  std::string_view request_id = {};
};

struct Decision {
  bool allowed = false;
  // Completes AWS's sentence "User: A is not authorized to perform: B on resource: C ": "because no
  // identity-based policy allows the B action", "with an explicit deny in a resource-based policy".
  std::string reason;
  // Of a denial with a request_id: what sts:DecodeAuthorizationMessage reads.
  std::string encoded_message = {};
};

class Authoriser {
 public:
  virtual ~Authoriser() = default;
  // Reads cached policies; does not block for long; any thread. Deny by default.
  virtual Decision decide(const AuthorisationRequest& request) const = 0;
};

}  // namespace mekong
