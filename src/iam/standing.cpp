#include "iam/standing.h"

#include <mutex>

namespace mekong::iam {
namespace {

constexpr size_t documents_max = 4096;

}  // namespace

Result<policy::DocumentPtr> DocumentCache::get(std::string_view text) const {
  {
    std::shared_lock lock(mutex_);
    if (auto at = documents_.find(text); at != documents_.end()) return at->second;
  }
  MEKONG_TRY_ASSIGN(auto document, policy::parse_document(text, policy::DocumentKind::stored));
  std::unique_lock lock(mutex_);
  if (documents_.size() >= documents_max) documents_.clear();
  documents_.emplace(text, document);
  return document;
}

Status StandingPolicies::add(const Identity& identity, policy::Documents& documents) const {
  for (const auto& [name, text] : identity.inline_policies) {
    MEKONG_TRY_ASSIGN(auto document, cache_.get(text));
    documents.identity.push_back({name, document});
  }
  for (const std::string& arn : identity.attached) {
    auto found = directory_.policy_in_force(arn);
    if (!found) continue;  // being deleted; an attachment to nothing grants nothing
    MEKONG_TRY_ASSIGN(auto document, cache_.get(found->document));
    documents.identity.push_back({found->name, document});
  }
  if (identity.boundary.empty()) return ok();
  auto boundary = directory_.policy_in_force(identity.boundary);
  if (!boundary) return Error{"AccessDenied", "the permissions boundary is gone"};
  MEKONG_TRY_ASSIGN(auto document, cache_.get(boundary->document));
  documents.boundary = policy::NamedDocument{boundary->name, document};
  return ok();
}

Status StandingPolicies::add(const User& user, policy::Documents& documents) const {
  MEKONG_TRY(add(static_cast<const Identity&>(user), documents));
  for (const std::string& name : user.groups) {
    auto group = directory_.find<Group>(AccountId(user.account), name);
    if (group) MEKONG_TRY(add(static_cast<const Identity&>(*group), documents));
  }
  return ok();
}

}  // namespace mekong::iam
