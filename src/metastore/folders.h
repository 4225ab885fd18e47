// The data under the catalogue's tables, as far as the metastore must touch it: Hive's server removes what a
// dropped managed table or partition holds, and moves it at a rename. Each call is authorised as the caller's
// own. Threads: pool threads. Errors: "AccessDenied", "NotImplemented" (a location of another scheme),
// storage's own.
#pragma once
#include <string>

#include "base/authoriser.h"
#include "base/result.h"

namespace mekong::metastore {

class Folders {
 public:
  virtual ~Folders() = default;
  // Whether locations of this kind can be removed and copied: asked before the catalogue changes.
  virtual Status supports(const std::string& location) const = 0;
  // Everything under `location`; nothing there is fine.
  virtual Status remove(const PrincipalPtr& principal, const std::string& location) = 0;
  // Everything under `from` also under `to`.
  virtual Status copy(const PrincipalPtr& principal, const std::string& from, const std::string& to) = 0;
};

}  // namespace mekong::metastore
