#include "iam/standing.h"

#include <mutex>

namespace mekong::iam {
namespace {

constexpr size_t documents_max = 4096, identities_max = 4096;

Error gone() {
  return {"AccessDenied", "the caller's role or user no longer exists"};
}

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
  MEKONG_TRY_ASSIGN(documents.boundary, managed(identity.boundary));
  return ok();
}

Result<policy::NamedDocument> StandingPolicies::managed(const std::string& arn) const {
  auto found = directory_.policy_in_force(arn);
  if (!found) return Error{"AccessDenied", "the policy " + arn + " is gone"};
  MEKONG_TRY_ASSIGN(auto document, cache_.get(found->document));
  return policy::NamedDocument{found->name, document};
}

DocumentsPtr StandingPolicies::kept(const std::string& arn, std::string_view id, uint64_t version) const {
  std::shared_lock lock(mutex_);
  const auto at = kept_.find(arn);
  const bool fits = at != kept_.end() && at->second.version == version && at->second.id == id;
  return fits ? at->second.documents : nullptr;
}

// `version`: before the identity was read, so that what changed since is seen by the next who asks.
template <class T>
Result<DocumentsPtr> StandingPolicies::keep(const std::string& arn, const T& identity,
                                            uint64_t version) const {
  auto documents = std::make_shared<policy::Documents>();
  MEKONG_TRY(add(identity, *documents));
  std::unique_lock lock(mutex_);
  if (kept_.size() >= identities_max) kept_.clear();
  kept_[arn] = {version, identity.id, documents};
  return DocumentsPtr(std::move(documents));
}

Result<DocumentsPtr> StandingPolicies::of_role(const std::string& arn, std::string_view id) const {
  const uint64_t version = directory_.version();
  if (auto found = kept(arn, id, version)) return found;
  const auto role = directory_.find_role_by_arn(arn);
  if (!role || role->id != id) return gone();
  return keep(arn, static_cast<const Identity&>(*role), version);
}

Result<DocumentsPtr> StandingPolicies::of_user(const std::string& arn, std::string_view id) const {
  const uint64_t version = directory_.version();
  if (auto found = id.empty() ? nullptr : kept(arn, id, version)) return found;
  const auto parsed = parse_iam_arn(arn, User::type);
  const auto user = parsed ? directory_.find_user(parsed->account, parsed->name) : nullptr;
  if (!user || (!id.empty() && user->id != id)) return gone();
  return keep(arn, *user, version);
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
