// The metadata of a data folder, opened and in the form that this release knows.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "app/data_folder.h"
#include "base/result.h"
#include "meta/store.h"

namespace mekong::app {

// Made where there is none, in a folder that holds nothing else. Errors: of meta::open_rocksdb and
// meta::bring_forward, and "MetadataMissing": beside the data that it named, which would be taken for
// unfinished.
Result<std::unique_ptr<meta::Store>> open_metadata(os::Files& files, const DataFolder& folder,
                                                   std::vector<std::string> families,
                                                   meta::Durability durability);

}  // namespace mekong::app
