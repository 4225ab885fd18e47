// Who is behind an access key or a session token, and the secret that it signs with. What was found is kept
// until the directory changes: the next request of the same caller costs a look-up. Any thread.
#pragma once
#include <functional>
#include <memory>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "iam/directory.h"
#include "iam/sessions.h"

namespace mekong::iam {

struct Caller {
  PrincipalPtr principal;
  std::string secret;  // never logged
};
using CallerPtr = std::shared_ptr<const Caller>;

// Found by views of their key, without a copy.
struct TextHash {
  using is_transparent = void;
  size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
};
template <class T>
using TextMap = std::unordered_map<std::string, T, TextHash, std::equal_to<>>;

class Callers {
 public:
  Callers(const Directory& directory, const Sessions& sessions, os::Clock& clock)
      : directory_(directory), sessions_(sessions), clock_(clock) {}
  // Null: no such key, or it is inactive.
  CallerPtr by_key(std::string_view access_key_id) const;
  // Errors: those of Sessions::open.
  Result<CallerPtr> by_token(std::string_view access_key_id, std::string_view token) const;

 private:
  struct Kept {
    uint64_t version = 0;
    CallerPtr caller;
  };
  CallerPtr kept(const TextMap<Kept>& among, std::string_view name, uint64_t version) const;
  void keep(TextMap<Kept>& among, std::string_view name, uint64_t version, CallerPtr caller) const;

  const Directory& directory_;
  const Sessions& sessions_;
  os::Clock& clock_;
  mutable std::shared_mutex mutex_;
  mutable TextMap<Kept> keys_, tokens_;  // bounded: emptied when full
};

}  // namespace mekong::iam
