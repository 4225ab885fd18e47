// What iam keeps in meta (family "iam"), as codec records.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace mekong::iam {

// What a user's password must be, once there are passwords. Age and reuse: 0, no limit.
struct PasswordPolicy {
  int32_t length_min = 0, age_max_days = 0, reuse_prevention = 0;
  bool symbols = false, numbers = false, uppercase = false, lowercase = false, users_change = false;
  std::optional<bool> hard_expiry;
  template <class F>
  void each_field(F&& f) {
    f("LengthMin", length_min), f("AgeMaxDays", age_max_days), f("ReusePrevention", reuse_prevention);
    f("Symbols", symbols), f("Numbers", numbers), f("Uppercase", uppercase), f("Lowercase", lowercase);
    f("UsersChange", users_change), f("HardExpiry", hard_expiry);
  }
};

struct Account {
  std::string id, name, alias;
  int64_t created_ms = 0;
  std::optional<PasswordPolicy> password_policy;
  template <class F>
  void each_field(F&& f) {
    f("Id", id), f("Name", name), f("Created", created_ms), f("Alias", alias);
    f("PasswordPolicy", password_policy);
  }
};

// What users, roles and groups have in common. Groups have neither tags nor a boundary.
struct Identity {
  std::string account, name, path = "/", id;
  int64_t created_ms = 0;
  std::map<std::string, std::string> tags;
  std::map<std::string, std::string> inline_policies;  // name → document
  std::vector<std::string> attached;                   // policy ARNs
  std::string boundary;                                // policy ARN, or empty
  template <class F>
  void each_field(F&& f) {
    f("Account", account), f("Name", name), f("Path", path), f("Id", id), f("Created", created_ms),
        f("Tags", tags);
    f("Inline", inline_policies), f("Attached", attached), f("Boundary", boundary);
  }
};

// `kind`: in "The user with name … cannot be found". `type`: in ARNs. `id_prefix`: of unique ids.
struct User : Identity {
  static constexpr const char *kind = "user", *type = "user", *id_prefix = "AIDA";
  std::vector<std::string> groups;  // names
  std::string arn() const { return "arn:aws:iam::" + account + ":user" + path + name; }
  template <class F>
  void each_field(F&& f) {
    Identity::each_field(f);
    f("Groups", groups);
  }
};

struct Group : Identity {
  static constexpr const char *kind = "group", *type = "group", *id_prefix = "AGPA";
  std::string arn() const { return "arn:aws:iam::" + account + ":group" + path + name; }
};

struct Role : Identity {
  static constexpr const char *kind = "role", *type = "role", *id_prefix = "AROA";
  std::string trust, description;
  int32_t max_session_s = 3600;
  std::string linked_service;  // service-linked roles: who may change them, nobody else
  std::string arn() const { return "arn:aws:iam::" + account + ":role" + path + name; }
  template <class F>
  void each_field(F&& f) {
    Identity::each_field(f);
    f("Trust", trust), f("Description", description), f("MaxSession", max_session_s);
    f("Linked", linked_service);
  }
};

struct InstanceProfile {
  static constexpr const char *kind = "instance profile", *type = "instance-profile", *id_prefix = "AIPA";
  std::string account, name, path = "/", id, role;
  int64_t created_ms = 0;
  std::map<std::string, std::string> tags;
  std::string arn() const { return "arn:aws:iam::" + account + ":instance-profile" + path + name; }
  template <class F>
  void each_field(F&& f) {
    f("Account", account), f("Name", name), f("Path", path), f("Id", id), f("Role", role);
    f("Created", created_ms), f("Tags", tags);
  }
};

struct PolicyVersion {
  std::string id, document;
  int64_t created_ms = 0;
  template <class F>
  void each_field(F&& f) {
    f("Id", id), f("Document", document), f("Created", created_ms);
  }
};

struct ManagedPolicy {
  static constexpr const char *kind = "policy", *type = "policy", *id_prefix = "ANPA";
  std::string account, name, path = "/", id, description, default_version;
  int64_t created_ms = 0, updated_ms = 0;
  int32_t versions_made = 1;  // numbers are never used again
  std::map<std::string, std::string> tags;
  std::vector<PolicyVersion> versions;
  std::string arn() const { return "arn:aws:iam::" + account + ":policy" + path + name; }
  template <class F>
  void each_field(F&& f) {
    f("Account", account), f("Name", name), f("Path", path), f("Id", id), f("Description", description);
    f("Default", default_version), f("Created", created_ms), f("Updated", updated_ms), f("Tags", tags);
    f("Versions", versions), f("Made", versions_made);
  }
};

struct AccessKey {
  std::string id, secret, account, user;  // user empty: the account's root
  bool active = true;
  int64_t created_ms = 0;
  template <class F>
  void each_field(F&& f) {
    f("Id", id), f("Secret", secret), f("Account", account), f("User", user), f("Active", active);
    f("Created", created_ms);
  }
};

// Who else may say who somebody is. OpenID Connect: the issuer without "https://", its audiences, the
// certificates' thumbprints. SAML: a metadata document, kept as a record.
struct IdentityProvider {
  std::string account, arn, url, id;
  bool saml = false;
  std::vector<std::string> client_ids, thumbprints;
  std::string metadata;
  int64_t created_ms = 0;
  std::map<std::string, std::string> tags;
  template <class F>
  void each_field(F&& f) {
    f("Account", account), f("Arn", arn), f("Url", url), f("Saml", saml), f("ClientIds", client_ids);
    f("Thumbprints", thumbprints), f("Metadata", metadata), f("Created", created_ms), f("Tags", tags);
    f("Id", id);
  }
};

// When a key or a role was last used.
struct LastUse {
  std::string id, service, region;  // id: of the access key, or "AROA…" of the role
  int64_t at_ms = 0;
  template <class F>
  void each_field(F&& f) {
    f("Id", id), f("Service", service), f("Region", region), f("At", at_ms);
  }
};

template <class T>
using Ptr = std::shared_ptr<const T>;
using UserPtr = Ptr<User>;
using RolePtr = Ptr<Role>;
using GroupPtr = Ptr<Group>;
using InstanceProfilePtr = Ptr<InstanceProfile>;
using ManagedPolicyPtr = Ptr<ManagedPolicy>;
using AccessKeyPtr = Ptr<AccessKey>;
using IdentityProviderPtr = Ptr<IdentityProvider>;

}  // namespace mekong::iam
