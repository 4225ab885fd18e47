#include "services/glue/convert.h"

namespace mekong::glue {
namespace {

template <class T>
std::optional<T> given(const T& value) {
  return value.empty() ? std::nullopt : std::optional<T>(value);
}
std::optional<api::Timestamp> time(int64_t ms) {
  return ms == 0 ? std::nullopt : std::optional(api::Timestamp{ms});
}
int64_t millis(const std::optional<api::Timestamp>& time) {
  return time ? time->ms : 0;
}

std::vector<catalog::Column> columns_from(const std::optional<std::vector<model::Column>>& input) {
  std::vector<catalog::Column> columns;
  if (!input) return columns;
  for (const auto& column : *input) {
    columns.push_back({column.name, column.type.value_or(""), column.comment.value_or(""),
                       column.parameters.value_or(catalog::Parameters{})});
  }
  return columns;
}

std::vector<model::Column> columns_to(const std::vector<catalog::Column>& columns) {
  std::vector<model::Column> out;
  for (const auto& column : columns) {
    out.push_back({column.name, given(column.type), given(column.comment), given(column.parameters)});
  }
  return out;
}

Result<std::optional<catalog::StorageDescriptor>> storage_from(
    const api::Context& ctx, const std::optional<model::StorageDescriptor>& input) {
  if (!input) return std::optional<catalog::StorageDescriptor>();
  MEKONG_TRY(refuse(ctx, {{input->schema_reference.has_value(), "StorageDescriptor.SchemaReference"},
                          {input->additional_locations && !input->additional_locations->empty(),
                           "StorageDescriptor.AdditionalLocations"}}));
  catalog::StorageDescriptor storage;
  storage.columns = columns_from(input->columns);
  storage.location = input->location.value_or("");
  storage.input_format = input->input_format.value_or("");
  storage.output_format = input->output_format.value_or("");
  storage.compressed = input->compressed.value_or(false);
  storage.bucket_count = input->number_of_buckets.value_or(0);
  if (const auto& serde = input->serde_info) {
    storage.serde = {serde->name.value_or(""), serde->serialization_library.value_or(""),
                     serde->parameters.value_or(catalog::Parameters{})};
  }
  storage.bucket_columns = input->bucket_columns.value_or(std::vector<std::string>{});
  if (input->sort_columns) {
    for (const auto& order : *input->sort_columns) {
      storage.sort_columns.push_back({order.column, order.sort_order});
    }
  }
  storage.parameters = input->parameters.value_or(catalog::Parameters{});
  if (const auto& skewed = input->skewed_info) {
    storage.skewed = {skewed->skewed_column_names.value_or(std::vector<std::string>{}),
                      skewed->skewed_column_values.value_or(std::vector<std::string>{}),
                      skewed->skewed_column_value_location_maps.value_or(catalog::Parameters{})};
  }
  storage.stored_as_sub_directories = input->stored_as_sub_directories.value_or(false);
  return std::optional(std::move(storage));
}

std::optional<model::StorageDescriptor> storage_to(const std::optional<catalog::StorageDescriptor>& storage) {
  if (!storage) return std::nullopt;
  model::StorageDescriptor out;
  out.columns = columns_to(storage->columns);
  out.location = given(storage->location);
  out.input_format = given(storage->input_format);
  out.output_format = given(storage->output_format);
  out.compressed = storage->compressed;
  out.number_of_buckets = storage->bucket_count;
  out.serde_info = model::SerDeInfo{given(storage->serde.name), given(storage->serde.library),
                                    given(storage->serde.parameters)};
  out.bucket_columns = given(storage->bucket_columns);
  if (!storage->sort_columns.empty()) {
    out.sort_columns.emplace();
    for (const auto& sort : storage->sort_columns) out.sort_columns->push_back({sort.column, sort.order});
  }
  out.parameters = given(storage->parameters);
  if (const auto& skewed = storage->skewed) {
    out.skewed_info = model::SkewedInfo{skewed->columns, skewed->values, skewed->locations};
  }
  out.stored_as_sub_directories = storage->stored_as_sub_directories;
  return out;
}

}  // namespace

Result<catalog::Database> from_model(const api::Context& ctx, const model::DatabaseInput& input) {
  const auto& grants = input.create_table_default_permissions;
  MEKONG_TRY(refuse(ctx, {{input.target_database.has_value(), "DatabaseInput.TargetDatabase"},
                          {input.federated_database.has_value(), "DatabaseInput.FederatedDatabase"},
                          {grants && !grants->empty(), "DatabaseInput.CreateTableDefaultPermissions"}}));
  catalog::Database database;
  database.name = input.name;
  database.description = input.description.value_or("");
  database.location = input.location_uri.value_or("");
  database.parameters = input.parameters.value_or(catalog::Parameters{});
  return database;
}

model::Database to_model(const api::Context& ctx, const catalog::Database& database) {
  model::Database out;
  out.name = database.name;
  out.description = given(database.description);
  out.location_uri = given(database.location);
  out.parameters = given(database.parameters);
  out.create_time = time(database.create_ms);
  out.catalog_id = ctx.account.value;
  return out;
}

Result<catalog::Table> from_model(const api::Context& ctx, const model::TableInput& input) {
  MEKONG_TRY(refuse(ctx, {{input.target_table.has_value(), "TableInput.TargetTable"},
                          {input.federated_table.has_value(), "TableInput.FederatedTable"},
                          {input.view_definition.has_value(), "TableInput.ViewDefinition"}}));
  catalog::Table table;
  table.name = input.name;
  table.description = input.description.value_or("");
  table.owner = input.owner.value_or("");
  table.last_access_ms = millis(input.last_access_time);
  table.last_analyzed_ms = millis(input.last_analyzed_time);
  table.retention_s = input.retention.value_or(0);
  MEKONG_TRY_ASSIGN(table.storage, storage_from(ctx, input.storage_descriptor));
  table.partition_keys = columns_from(input.partition_keys);
  table.view_original_text = input.view_original_text.value_or("");
  table.view_expanded_text = input.view_expanded_text.value_or("");
  table.type = input.table_type.value_or("");
  table.parameters = input.parameters.value_or(catalog::Parameters{});
  table.created_by = ctx.principal->arn;
  return table;
}

model::Table to_model(const api::Context& ctx, const catalog::Table& table) {
  model::Table out;
  out.name = table.name;
  out.database_name = table.database;
  out.description = given(table.description);
  out.owner = given(table.owner);
  out.create_time = time(table.create_ms);
  out.update_time = time(table.update_ms);
  out.last_access_time = time(table.last_access_ms);
  out.last_analyzed_time = time(table.last_analyzed_ms);
  out.retention = table.retention_s;
  out.storage_descriptor = storage_to(table.storage);
  out.partition_keys = columns_to(table.partition_keys);
  out.view_original_text = given(table.view_original_text);
  out.view_expanded_text = given(table.view_expanded_text);
  out.table_type = given(table.type);
  out.parameters = given(table.parameters);
  out.created_by = given(table.created_by);
  out.is_registered_with_lake_formation = false;
  out.catalog_id = ctx.account.value;
  out.version_id = std::to_string(table.version);
  return out;
}

Result<catalog::Partition> from_model(const api::Context& ctx, const model::PartitionInput& input) {
  catalog::Partition partition;
  partition.values = input.values.value_or(std::vector<std::string>{});
  partition.last_access_ms = millis(input.last_access_time);
  partition.last_analyzed_ms = millis(input.last_analyzed_time);
  MEKONG_TRY_ASSIGN(partition.storage, storage_from(ctx, input.storage_descriptor));
  partition.parameters = input.parameters.value_or(catalog::Parameters{});
  return partition;
}

model::Partition to_model(const api::Context& ctx, const catalog::TableName& name,
                          const catalog::Partition& partition) {
  model::Partition out;
  out.values = partition.values;
  out.database_name = catalog::fold_name(name.database);
  out.table_name = catalog::fold_name(name.table);
  out.creation_time = time(partition.create_ms);
  out.last_access_time = time(partition.last_access_ms);
  out.last_analyzed_time = time(partition.last_analyzed_ms);
  out.storage_descriptor = storage_to(partition.storage);
  out.parameters = given(partition.parameters);
  out.catalog_id = ctx.account.value;
  return out;
}

Result<catalog::UserFunction> from_model(const api::Context& ctx,
                                         const model::UserDefinedFunctionInput& input) {
  const auto& type = input.function_type;
  MEKONG_TRY(refuse(ctx, {{input.artifact_location.has_value(), "FunctionInput.ArtifactLocation"},
                          {input.governance_mode.has_value(), "FunctionInput.GovernanceMode"},
                          {type && *type != "REGULAR_FUNCTION", "FunctionInput.FunctionType"}}));
  catalog::UserFunction function;
  function.name = input.function_name.value_or("");
  function.class_name = input.class_name.value_or("");
  function.owner = input.owner_name.value_or("");
  function.owner_kind = input.owner_type.value_or("");
  if (input.resource_uris) {
    for (const auto& uri : *input.resource_uris) {
      function.resources.push_back({uri.resource_type.value_or(""), uri.uri.value_or("")});
    }
  }
  return function;
}

model::UserDefinedFunction to_model(const api::Context& ctx, const catalog::UserFunction& function) {
  model::UserDefinedFunction out;
  out.function_name = function.name;
  out.database_name = function.database;
  out.class_name = given(function.class_name);
  out.owner_name = given(function.owner);
  out.owner_type = given(function.owner_kind);
  out.create_time = time(function.create_ms);
  out.resource_uris.emplace();
  for (const auto& resource : function.resources) {
    model::ResourceUri uri;
    uri.resource_type = given(resource.type);
    uri.uri = given(resource.uri);
    out.resource_uris->push_back(std::move(uri));
  }
  out.catalog_id = ctx.account.value;
  return out;
}

model::ErrorDetail to_model(const Error& error) {
  return {error.code, error.message};
}

}  // namespace mekong::glue
