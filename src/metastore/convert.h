// Hive's structs ↔ the catalogue's. Nothing of a table is lost on the way but privileges (IAM says who may)
// and skew (refused by name).
#pragma once
#include <string>
#include <vector>

#include "base/result.h"
#include "catalog/types.h"
#include "gen/metastore/hive_metastore_types.h"

namespace mekong::metastore {

catalog::Database from_thrift(const thrift::Database& database);
Result<catalog::Table> from_thrift(const thrift::Table& table);
Result<catalog::Partition> from_thrift(const thrift::Partition& partition);
catalog::UserFunction from_thrift(const thrift::Function& function);

thrift::Database to_thrift(const catalog::Database& database, std::string location);
thrift::Table to_thrift(const catalog::Table& table);
thrift::Partition to_thrift(const catalog::Partition& partition, const catalog::Table& table);
thrift::Function to_thrift(const catalog::UserFunction& function);
std::vector<thrift::FieldSchema> to_thrift(const std::vector<catalog::Column>& columns);

// A managed table's data belongs to the table: dropped and moved with it.
bool is_managed(const catalog::Table& table);

// "year=2026/city=a%2Fb", as Hive names a partition's folder.
std::string partition_name(const std::vector<catalog::Column>& keys, const std::vector<std::string>& values);
// The other way; fails with "InvalidInputException" when the names are not the table's keys.
Result<std::vector<std::string>> partition_values(const std::vector<catalog::Column>& keys,
                                                  std::string_view name);

// Hive's name patterns: '*' is anything, '|' separates alternatives, case does not count.
bool matches_pattern(std::string_view pattern, std::string_view name);

}  // namespace mekong::metastore
