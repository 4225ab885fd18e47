// Reads all of a log's folder, names what is damaged, changes nothing. What the journal would put back at the
// next start counts as there. Not beside a server that runs on the folder.
#pragma once
#include <string>

#include "base/result.h"
#include "base/verification.h"
#include "os/files.h"

namespace mekong::log {

// Error: the folder cannot be read.
Status verify(os::Files& files, const std::string& folder, Verification& found);

}  // namespace mekong::log
