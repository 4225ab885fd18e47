#include "iam/callers.h"

#include <mutex>
#include <utility>

namespace mekong::iam {
namespace {

constexpr size_t kept_max = 2048;

}  // namespace

CallerPtr Callers::kept(const TextMap<Kept>& among, std::string_view name, uint64_t version) const {
  std::shared_lock lock(mutex_);
  const auto at = among.find(name);
  return at != among.end() && at->second.version == version ? at->second.caller : nullptr;
}

void Callers::keep(TextMap<Kept>& among, std::string_view name, uint64_t version, CallerPtr caller) const {
  std::unique_lock lock(mutex_);
  if (among.size() >= kept_max) among.clear();
  among.insert_or_assign(std::string(name), Kept{version, std::move(caller)});
}

// The version is read before what it is of, so that a change in between is seen by the next who asks.
CallerPtr Callers::by_key(std::string_view access_key_id) const {
  const uint64_t version = directory_.callers_version();
  if (auto found = kept(keys_, access_key_id, version)) return found;
  const auto key = directory_.find_key(std::string(access_key_id));
  if (!key || !key->active) return nullptr;
  auto principal = principal_of_key(directory_, *key);
  if (!principal) return nullptr;
  auto caller = std::make_shared<const Caller>(Caller{std::move(principal), key->secret});
  keep(keys_, access_key_id, version, caller);
  return caller;
}

Result<CallerPtr> Callers::by_token(std::string_view access_key_id, std::string_view token) const {
  const uint64_t version = directory_.callers_version();
  const auto found = kept(tokens_, token, version);
  const bool same = found && found->principal->access_key_id == access_key_id;
  if (same && found->principal->expires_ms > clock_.wall_ms()) return found;
  MEKONG_TRY_ASSIGN(auto opened, sessions_.open(std::string(access_key_id), token));
  auto caller = std::make_shared<const Caller>(Caller{std::move(opened.principal), std::move(opened.secret)});
  keep(tokens_, token, version, caller);
  return CallerPtr(std::move(caller));
}

}  // namespace mekong::iam
