// A copy of a log's folder that shares the files which do not change any more.
#pragma once
#include <functional>
#include <string>

#include "base/result.h"
#include "os/files.h"

namespace mekong::log {

// To the folder `to`, which is new. Partitions that change meanwhile are to be copied again by
// refresh_copy(). `stopped`: no server runs on the folder, and its journal goes along. Sealed segments,
// indexes and small files, which are replaced as a whole, are linked; the segment that is written is copied.
// Not synced.
Status copy_log(os::Files& files, const std::string& from, const std::string& to, bool stopped);

// Copies again the partitions that are new or of which `changed` says so, and drops those that are gone.
// While it runs nothing is written.
Status refresh_copy(os::Files& files, const std::string& from, const std::string& to,
                    const std::function<bool(const std::string& partition)>& changed);

}  // namespace mekong::log
