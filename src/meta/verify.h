// Examines an embedded store's folder, and reads it as it lies. Nothing is changed: no record replayed to
// disk, no file made or removed.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/verification.h"
#include "meta/store.h"
#include "os/files.h"

namespace mekong::meta {

// Keeps servers and commands off the folder while the result lives. Error: "InUse", another process has it.
Result<std::shared_ptr<const void>> hold_folder(const std::string& folder);

// Whether a store lies there, or what is left of one; else opening makes one.
Result<bool> holds_store(os::Files& files, const std::string& folder);

// Reads every file that the store would read: tables block by block, the journal and the list of tables
// record by record. Error: the folder cannot be read.
Status verify(os::Files& files, const std::string& folder, Verification& found);

// The store as it would be found at the next start; a commit fails with "ReadOnly". Error: "StorageFailed".
Result<std::unique_ptr<Store>> open_read_only(os::Files& files, const std::string& folder);

}  // namespace mekong::meta
