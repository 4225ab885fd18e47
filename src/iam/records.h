// What iam keeps in meta (family "iam"), as codec records.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace mekong::iam {

struct Account {
  std::string id, name;
  int64_t created_ms = 0;
  template <class F>
  void each_field(F&& f) {
    f("Id", id), f("Name", name), f("Created", created_ms);
  }
};

// What users and roles have in common.
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

struct User : Identity {
  std::string arn() const { return "arn:aws:iam::" + account + ":user" + path + name; }
};

struct Role : Identity {
  std::string trust, description;
  int32_t max_session_s = 3600;
  std::string arn() const { return "arn:aws:iam::" + account + ":role" + path + name; }
  template <class F>
  void each_field(F&& f) {
    Identity::each_field(f);
    f("Trust", trust), f("Description", description), f("MaxSession", max_session_s);
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
  std::string account, name, path = "/", id, description, default_version;
  int64_t created_ms = 0, updated_ms = 0;
  std::map<std::string, std::string> tags;
  std::vector<PolicyVersion> versions;
  std::string arn() const { return "arn:aws:iam::" + account + ":policy" + path + name; }
  template <class F>
  void each_field(F&& f) {
    f("Account", account), f("Name", name), f("Path", path), f("Id", id), f("Description", description);
    f("Default", default_version), f("Created", created_ms), f("Updated", updated_ms), f("Tags", tags);
    f("Versions", versions);
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

using UserPtr = std::shared_ptr<const User>;
using RolePtr = std::shared_ptr<const Role>;
using ManagedPolicyPtr = std::shared_ptr<const ManagedPolicy>;
using AccessKeyPtr = std::shared_ptr<const AccessKey>;

}  // namespace mekong::iam
