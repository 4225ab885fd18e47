// When keys and roles were last used. In memory at once; durable at flush(), which app calls every minute and
// at the end: as in AWS, the answer may lag. Any thread.
#pragma once
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "base/authoriser.h"
#include "iam/callers.h"
#include "iam/records.h"
#include "meta/store.h"
#include "os/clock.h"

namespace mekong::iam {

class Usage {
 public:
  Usage(meta::Store& store, os::Clock& clock) : store_(store), clock_(clock) {}
  Status load();
  // A request that `principal` signed was verified.
  void saw(const Principal& principal, std::string_view service, std::string_view region);
  std::optional<LastUse> find(const std::string& id) const;
  Status flush();  // waits for the commit

 private:
  meta::Store& store_;
  os::Clock& clock_;
  mutable std::mutex mutex_;
  TextMap<LastUse> last_;
  std::set<std::string> unsaved_;
};

}  // namespace mekong::iam
