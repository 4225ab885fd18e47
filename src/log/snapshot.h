// A copy of a log's folder that shares the files which do not change any more.
#pragma once
#include <string>

#include "base/result.h"
#include "os/files.h"

namespace mekong::log {

// To the folder `to`, which is new. While it runs nothing is written: the committer waits, or no server runs
// (`stopped`; then the journal goes along). Sealed segments, indexes and small files, which are replaced as a
// whole, are linked; the segment that is written is copied. Not synced.
Status copy_log(os::Files& files, const std::string& from, const std::string& to, bool stopped);

}  // namespace mekong::log
