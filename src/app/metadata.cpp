#include "app/metadata.h"

#include <algorithm>
#include <utility>

#include "meta/schema.h"

namespace mekong::app {
namespace {

// Whoever changes the form of a family's records adds the step from the form before here, and a fixture of
// the release that wrote that (tests/fault/release.py). All records have their first form, or one that says
// by itself what it lacks (codec/record.h gives absent members their defaults).
const std::vector<meta::Schema>& schemas() {
  static const std::vector<meta::Schema> all;
  return all;
}

}  // namespace

Result<std::unique_ptr<meta::Store>> open_metadata(const std::string& folder,
                                                   std::vector<std::string> families,
                                                   meta::Durability durability) {
  for (const auto& schema : schemas()) {
    if (std::ranges::count(families, schema.family) == 0) families.push_back(schema.family);
  }
  MEKONG_TRY_ASSIGN(auto store, meta::open_rocksdb(folder, std::move(families), durability));
  MEKONG_TRY(meta::bring_forward(*store, schemas()));
  return store;
}

}  // namespace mekong::app
