// The form of what a family keeps, by number. A folder that an older release wrote is brought forward when it
// is opened, record by record and step by step; what has been done is noted with the records themselves, so
// that a kill at any place costs nothing and no record takes a step twice. One that a newer release wrote is
// refused before anything is changed.
#pragma once
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "meta/store.h"

namespace mekong::meta {

// What a record's value becomes; none: the record goes. Looks at nothing else.
using Step = std::function<Result<std::optional<std::string>>(const KeyValue& record)>;

struct Schema {
  std::string family;
  // Version 1 is what the first release wrote; steps[i] leads from version i + 1 to the next one.
  std::vector<Step> steps = {};
};

// Before anybody else uses the store; of families that no schema names, version 1 is known. Errors:
// "NewerFormat", and nothing was changed; a step's own, with the record's key; those of the store.
Status bring_forward(Store& store, std::span<const Schema> schemas);

}  // namespace mekong::meta
