// Partition projection: partitions that a table's properties describe instead of the catalogue.
// https://docs.aws.amazon.com/athena/latest/ug/partition-projection-supported-types.html
#pragma once
#include <vector>

#include "base/result.h"
#include "catalog/types.h"

namespace mekong::athena {

// projection.enabled is true.
bool is_projected(const catalog::Table& table);
// All of them, with the locations that storage.location.template gives. Pure. Errors:
// "INVALID_TABLE_PROPERTY", "NotImplemented" (the type injected; letters of a date format that are no
// numbers; more than 200,000 partitions).
Result<std::vector<catalog::Partition>> projected_partitions(const catalog::Table& table, int64_t now_ms);

}  // namespace mekong::athena
