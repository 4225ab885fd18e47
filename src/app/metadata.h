// The metadata of a data folder, opened and in the form that this release knows.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "meta/store.h"

namespace mekong::app {

// Errors: of meta::open_rocksdb and meta::bring_forward.
Result<std::unique_ptr<meta::Store>> open_metadata(const std::string& folder,
                                                   std::vector<std::string> families,
                                                   meta::Durability durability);

}  // namespace mekong::app
