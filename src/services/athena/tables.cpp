// From a table of the catalogue to the descriptors of its files, as far as the caller may read them.
#include <fmt/format.h>

#include "services/athena/runner.h"

namespace mekong::athena {
namespace {

constexpr size_t files_max = 3000;  // descriptors of one query

bool is_hidden(std::string_view key, std::string_view folder) {
  auto rest = key.substr(folder.size());
  while (!rest.empty()) {
    if (rest.front() == '_' || rest.front() == '.') return true;
    const auto slash = rest.find('/');
    if (slash == std::string_view::npos) return false;
    rest.remove_prefix(slash + 1);
  }
  return true;  // the name of a folder
}

Status readable(const catalog::Table& table) {
  if (table.type == "VIRTUAL_VIEW") return Error{"NotImplemented", "reading a view is not implemented"};
  if (!table.storage) return Error{"HIVE_INVALID_METADATA", "Table " + table.name + " has no location"};
  if (const auto found = table.parameters.find("projection.enabled");
      found != table.parameters.end() && found->second == "true") {
    return Error{"NotImplemented", "partition projection is not implemented"};
  }
  return ok();
}

// Spark keeps the real provider beside a serde of its own.
bool is_parquet(const catalog::StorageDescriptor& storage) {
  return storage.serde.library.find("parquet") != std::string::npos ||
         storage.serde.library.find("Parquet") != std::string::npos;
}

std::vector<sql::TableColumn> columns_of(const std::vector<catalog::Column>& columns) {
  std::vector<sql::TableColumn> found;
  for (const auto& column : columns) found.push_back({column.name, column.type});
  return found;
}

}  // namespace

Status Runner::load_group(Work& work, const catalog::StorageDescriptor& storage, sql::FileGroup& group,
                          std::vector<sql::InputFile>& files) {
  if (!is_parquet(storage)) {
    return Error{"NotImplemented",
                 fmt::format("reading files of {} is not implemented; Parquet is", storage.serde.library)};
  }
  MEKONG_TRY_ASSIGN(auto place, objects::parse_location(storage.location));
  if (!place.key.empty() && !place.key.ends_with('/')) place.key += '/';
  objects::ListRequest request{.bucket = place.bucket, .prefix = place.key, .delimiter = "", .after = ""};
  for (;;) {
    MEKONG_TRY_ASSIGN(const auto page, work.access.list(request));
    for (const auto& entry : page.objects) {
      if (entry.size_bytes == 0 || is_hidden(entry.key, place.key)) continue;
      if (files.size() >= files_max) {
        return Error{"NotImplemented", "a query over more than 3000 files is not implemented"};
      }
      MEKONG_TRY_ASSIGN(const auto object, work.access.head(entry.bucket, entry.key));
      sql::InputFile file;
      file.name = fmt::format("{}/{}", files.size(), entry.key.substr(entry.key.rfind('/') + 1));
      MEKONG_TRY_ASSIGN(file.descriptors, work.access.open_descriptors(object));
      for (const auto& piece : object.pieces) file.sizes.push_back(piece.size_bytes);
      work.execution.scanned_bytes += static_cast<int64_t>(object.size_bytes);
      group.files.push_back(file.name);
      files.push_back(std::move(file));
    }
    if (!page.truncated) return ok();
    request.after = page.next_after;
  }
}

Result<sql::Table> Runner::load_table(Work& work, const sql::TableName& name,
                                      std::vector<sql::InputFile>& files) {
  MEKONG_TRY(may(work, "glue:GetTable", name));
  const auto scope = work.execution.scope();
  auto found = engines_.catalog.get_table(scope, {name.database, name.table});
  if (!found.ok() && found.error().code == "EntityNotFoundException") {
    return Error{"TABLE_NOT_FOUND", fmt::format("line 1:1: Table 'awsdatacatalog.{}.{}' does not exist",
                                                name.database, name.table)};
  }
  if (!found.ok()) return found.error();
  const catalog::Table& table = *found;
  MEKONG_TRY(readable(table));
  sql::Table out{
      name.database, name.table, columns_of(table.storage->columns), columns_of(table.partition_keys), {}};
  if (table.partition_keys.empty()) {
    sql::FileGroup group;
    MEKONG_TRY(load_group(work, *table.storage, group, files));
    if (!group.files.empty()) out.groups.push_back(std::move(group));
    return out;
  }
  MEKONG_TRY(may(work, "glue:GetPartitions", name));
  catalog::PartitionQuery query;
  do {
    MEKONG_TRY_ASSIGN(const auto page,
                      engines_.catalog.list_partitions(scope, {name.database, name.table}, query));
    for (const auto& partition : page.items) {
      sql::FileGroup group{partition.values, {}};
      MEKONG_TRY(load_group(work, partition.storage ? *partition.storage : *table.storage, group, files));
      if (!group.files.empty()) out.groups.push_back(std::move(group));
    }
    query.page.after = page.next;
  } while (!query.page.after.empty());
  return out;
}

}  // namespace mekong::athena
