// The 256 folders that contents are spread over; each is made, durably, when the first content needs it.
#pragma once
#include <mutex>
#include <set>
#include <string>

#include "base/result.h"
#include "os/files.h"

namespace mekong::blob {

class Folders {
 public:
  Folders(os::Files& files, std::string folder) : files_(files), folder_(std::move(folder)) {}
  // Any thread.
  Status ensure(const std::string& name);
  std::string path(const std::string& name) const { return folder_ + "/" + name; }

 private:
  os::Files& files_;
  const std::string folder_;
  std::mutex mutex_;
  std::set<std::string> made_;
};

}  // namespace mekong::blob
