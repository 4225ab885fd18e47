#include "app/metadata.h"

#include <algorithm>
#include <utility>

#include "meta/schema.h"
#include "meta/verify.h"

namespace mekong::app {
namespace {

// Whoever changes the form of a family's records adds the step from the form before here, and a fixture of
// the release that wrote that (tests/fault/release.py). All records have their first form, or one that says
// by itself what it lacks (codec/record.h gives absent members their defaults).
const std::vector<meta::Schema>& schemas() {
  static const std::vector<meta::Schema> all;
  return all;
}

Status refuse_lost(os::Files& files, const DataFolder& folder) {
  MEKONG_TRY_ASSIGN(const bool there, meta::holds_store(files, folder.meta()));
  if (there) return ok();
  for (const auto& named : {folder.blobs(), folder.log()}) {
    MEKONG_TRY_ASSIGN(const bool exists, files.exists(named));
    if (!exists) continue;
    MEKONG_TRY_ASSIGN(const auto entries, files.list(named));
    if (entries.empty()) continue;
    return Error{
        "MetadataMissing",
        folder.meta() + " is missing, and " + named +
            " holds data that it named: put it back, or go back to a snapshot with  mekong snapshot restore"};
  }
  return ok();
}

}  // namespace

Result<std::unique_ptr<meta::Store>> open_metadata(os::Files& files, const DataFolder& folder,
                                                   std::vector<std::string> families,
                                                   meta::Durability durability) {
  for (const auto& schema : schemas()) {
    if (std::ranges::count(families, schema.family) == 0) families.push_back(schema.family);
  }
  MEKONG_TRY(refuse_lost(files, folder));
  MEKONG_TRY_ASSIGN(auto store, meta::open_rocksdb(folder.meta(), std::move(families), durability));
  MEKONG_TRY(meta::bring_forward(*store, schemas()));
  return store;
}

}  // namespace mekong::app
