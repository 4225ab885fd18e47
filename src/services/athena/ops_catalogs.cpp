// What Athena tells of the catalogue. Each call needs Glue's permission on what it shows, too.
#include <fmt/format.h>
#include <re2/re2.h>

#include "services/athena/service.h"
#include "services/athena/shared.h"

namespace mekong::athena {
namespace {

constexpr const char* catalog_name = "AwsDataCatalog";

Status check_catalog(const std::string& name) {
  if (catalog::fold_name(name) == "awsdatacatalog") return ok();
  return invalid(fmt::format("Catalog {} was not found", name));
}

Error metadata_error(const Error& error) {
  if (error.code != "EntityNotFoundException") return error;
  return {"MetadataException", error.code + ": " + error.message};
}

model::Database shape(const catalog::Database& database) {
  model::Database out;
  out.name = database.name;
  if (!database.description.empty()) out.description = database.description;
  if (!database.parameters.empty()) out.parameters = database.parameters;
  return out;
}

std::vector<model::Column> shape(const std::vector<catalog::Column>& columns) {
  std::vector<model::Column> out;
  for (const auto& column : columns) {
    auto& one = out.emplace_back();
    one.name = column.name;
    if (!column.type.empty()) one.type = column.type;
    if (!column.comment.empty()) one.comment = column.comment;
  }
  return out;
}

// The storage stands among the parameters, as the metastore of Athena reports it.
model::TableMetadata shape(const catalog::Table& table) {
  model::TableMetadata out;
  out.name = table.name;
  if (table.create_ms > 0) out.create_time = api::Timestamp{table.create_ms};
  if (table.last_access_ms > 0) out.last_access_time = api::Timestamp{table.last_access_ms};
  if (!table.type.empty()) out.table_type = table.type;
  out.partition_keys = shape(table.partition_keys);
  auto& parameters = out.parameters.emplace(table.parameters);
  out.columns.emplace();
  if (!table.storage) return out;
  out.columns = shape(table.storage->columns);
  const std::pair<const char*, const std::string*> settings[] = {
      {"location", &table.storage->location},
      {"inputformat", &table.storage->input_format},
      {"outputformat", &table.storage->output_format},
      {"serde.serialization.lib", &table.storage->serde.library}};
  for (const auto& [name, value] : settings) {
    if (!value->empty()) parameters[name] = *value;
  }
  for (const auto& [name, value] : table.storage->serde.parameters) parameters["serde.param." + name] = value;
  return out;
}

}  // namespace

Status Service::may_glue(api::Context& ctx, std::string_view action, const sql::TableName& name) const {
  const auto base = fmt::format("arn:aws:glue:{}:{}:", ctx.region.value, ctx.account.value);
  MEKONG_TRY(ctx.authorise_action(action, base + "catalog"));
  if (!name.database.empty()) MEKONG_TRY(ctx.authorise_action(action, base + "database/" + name.database));
  if (name.table.empty()) return ok();
  return ctx.authorise_action(action, base + "table/" + name.database + "/" + name.table);
}

Result<model::GetDataCatalogOutput> Service::get_data_catalog(api::Context& ctx,
                                                              const model::GetDataCatalogInput& request) {
  MEKONG_TRY(check_catalog(request.name));
  model::DataCatalog out;
  out.name = catalog_name;
  out.type = "GLUE";
  out.parameters.emplace()["catalog-id"] = ctx.account.value;
  return model::GetDataCatalogOutput{std::move(out)};
}

Result<model::ListDataCatalogsOutput> Service::list_data_catalogs(api::Context&,
                                                                  const model::ListDataCatalogsInput&) {
  model::ListDataCatalogsOutput out;
  auto& only = out.data_catalogs_summary.emplace().emplace_back();
  only.catalog_name = catalog_name;
  only.type = "GLUE";
  return out;
}

Result<model::GetDatabaseOutput> Service::get_database(api::Context& ctx,
                                                       const model::GetDatabaseInput& request) {
  MEKONG_TRY(check_catalog(request.catalog_name));
  const auto name = catalog::fold_name(request.database_name);
  MEKONG_TRY(may_glue(ctx, "glue:GetDatabase", {name, {}}));
  const auto found = engines_.catalog.get_database(ctx.scope(), name);
  if (!found.ok()) return metadata_error(found.error());
  return model::GetDatabaseOutput{shape(*found)};
}

Result<model::ListDatabasesOutput> Service::list_databases(api::Context& ctx,
                                                           const model::ListDatabasesInput& request) {
  MEKONG_TRY(check_catalog(request.catalog_name));
  MEKONG_TRY(may_glue(ctx, "glue:GetDatabases", {}));
  MEKONG_TRY_ASSIGN(const auto after, after_of(request.next_token));
  const catalog::PageRequest page{after, limit_of(request.max_results, 50)};
  MEKONG_TRY_ASSIGN(const auto found, engines_.catalog.list_databases(ctx.scope(), page));
  model::ListDatabasesOutput out;
  auto& listed = out.database_list.emplace();
  for (const auto& database : found.items) listed.push_back(shape(database));
  out.next_token = token_of(found.next);
  return out;
}

Result<model::GetTableMetadataOutput> Service::get_table_metadata(
    api::Context& ctx, const model::GetTableMetadataInput& request) {
  MEKONG_TRY(check_catalog(request.catalog_name));
  const sql::TableName name{catalog::fold_name(request.database_name),
                            catalog::fold_name(request.table_name)};
  MEKONG_TRY(may_glue(ctx, "glue:GetTable", name));
  const auto found = engines_.catalog.get_table(ctx.scope(), {name.database, name.table});
  if (!found.ok()) return metadata_error(found.error());
  return model::GetTableMetadataOutput{shape(*found)};
}

Result<model::ListTableMetadataOutput> Service::list_table_metadata(
    api::Context& ctx, const model::ListTableMetadataInput& request) {
  MEKONG_TRY(check_catalog(request.catalog_name));
  const auto database = catalog::fold_name(request.database_name);
  MEKONG_TRY(may_glue(ctx, "glue:GetTables", {database, {}}));
  MEKONG_TRY_ASSIGN(const auto after, after_of(request.next_token));
  const RE2 pattern(request.expression.value_or(".*"), RE2::Quiet);
  if (!pattern.ok()) return invalid("Expression is not a regular expression: " + pattern.error());
  const catalog::PageRequest page{after, limit_of(request.max_results, 50)};
  const auto found = engines_.catalog.list_tables(ctx.scope(), database, page);
  if (!found.ok()) return metadata_error(found.error());
  model::ListTableMetadataOutput out;
  auto& listed = out.table_metadata_list.emplace();
  for (const auto& table : found->items) {
    if (RE2::FullMatch(table.name, pattern) && may_glue(ctx, "glue:GetTables", {database, table.name}).ok()) {
      listed.push_back(shape(table));
    }
  }
  out.next_token = token_of(found->next);
  return out;
}

}  // namespace mekong::athena
