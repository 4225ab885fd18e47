#include "iam/usage.h"

#include "codec/record.h"
#include "iam/table.h"

namespace mekong::iam {
namespace {

constexpr std::string_view prefix = "used/";
constexpr int64_t resolution_ms = 1000;  // as the API shows it

// The role, not each of its many short-lived keys.
std::string_view used_id(const Principal& principal) {
  const std::string_view id = principal.user_id;
  return principal.kind == PrincipalKind::role_session ? id.substr(0, id.find(':')) : principal.access_key_id;
}

}  // namespace

Status Usage::load() {
  auto range = meta::prefix_range(prefix);
  for (;;) {
    MEKONG_TRY_ASSIGN(auto page, store_.scan(family, range));
    for (auto& [key, value] : page) {
      MEKONG_TRY_ASSIGN(auto use, codec::decode_record<LastUse>(value));
      last_[use.id] = std::move(use);
    }
    if (page.size() < range.limit) return ok();
    range.after = page.back().key;
  }
}

void Usage::saw(const Principal& principal, std::string_view service, std::string_view region) {
  const std::string_view id = used_id(principal);
  if (id.empty()) return;
  const int64_t now_ms = clock_.wall_ms();
  std::lock_guard lock(mutex_);
  auto at = last_.find(id);
  if (at == last_.end()) at = last_.emplace(std::string(id), LastUse{}).first;
  LastUse& use = at->second;
  if (use.at_ms + resolution_ms > now_ms && use.service == service && use.region == region) return;
  use = {std::string(id), std::string(service), std::string(region), now_ms};
  unsaved_.insert(use.id);
}

std::optional<LastUse> Usage::find(const std::string& id) const {
  std::lock_guard lock(mutex_);
  auto at = last_.find(id);
  return at == last_.end() ? std::nullopt : std::optional(at->second);
}

Status Usage::flush() {
  meta::Batch batch;
  {
    std::lock_guard lock(mutex_);
    for (const std::string& id : unsaved_) {
      batch.put(family, std::string(prefix) + id, codec::encode_record(last_[id]));
    }
    unsaved_.clear();
  }
  return batch.writes().empty() ? ok() : store_.commit(std::move(batch)).get();
}

}  // namespace mekong::iam
