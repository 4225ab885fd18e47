#include <charconv>

#include "services/glue/convert.h"
#include "services/glue/service.h"

namespace mekong::glue {
namespace {

Result<int64_t> version_number(const std::string& text) {
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) {
    return Error{"InvalidInputException", "VersionId is not a version's number."};
  }
  return number;
}

}  // namespace

Result<model::CreateTableResponse> Service::create_table(api::Context& ctx,
                                                         const model::CreateTableRequest& request) {
  const std::string name = request.table_input ? request.table_input->name : request.name.value_or("");
  MEKONG_TRY(authorise(ctx, request.catalog_id, {.database = request.database_name, .table = name}));
  MEKONG_TRY(
      refuse(ctx, {{request.open_table_format_input.has_value(), "OpenTableFormatInput"},
                   {request.transaction_id.has_value(), "TransactionId"},
                   {request.partition_indexes && !request.partition_indexes->empty(), "PartitionIndexes"}}));
  if (!request.table_input) return Error{"InvalidInputException", "TableInput is missing."};
  MEKONG_TRY_ASSIGN(auto table, from_model(ctx, *request.table_input));
  table.database = request.database_name;
  MEKONG_TRY(catalog_.create_table(ctx.scope(), std::move(table)));
  return model::CreateTableResponse{};
}

Result<model::GetTableResponse> Service::get_table(api::Context& ctx, const model::GetTableRequest& request) {
  MEKONG_TRY(authorise(ctx, request.catalog_id, {.database = request.database_name, .table = request.name}));
  MEKONG_TRY(refuse(ctx, {{request.transaction_id.has_value(), "TransactionId"},
                          {request.query_as_of_time.has_value(), "QueryAsOfTime"},
                          {request.attributes_to_get.has_value(), "AttributesToGet"},
                          {request.include_status_details.value_or(false), "IncludeStatusDetails"}}));
  MEKONG_TRY_ASSIGN(const auto table, catalog_.get_table(ctx.scope(), {request.database_name, request.name}));
  model::GetTableResponse response;
  response.table = to_model(ctx, table);
  return response;
}

Result<model::GetTablesResponse> Service::get_tables(api::Context& ctx,
                                                     const model::GetTablesRequest& request) {
  MEKONG_TRY(authorise(ctx, request.catalog_id, {.database = request.database_name}));
  MEKONG_TRY(refuse(ctx, {{request.transaction_id.has_value(), "TransactionId"},
                          {request.query_as_of_time.has_value(), "QueryAsOfTime"},
                          {request.resource_share_type.has_value(), "ResourceShareType"},
                          {request.attributes_to_get.has_value(), "AttributesToGet"},
                          {request.include_status_details.value_or(false), "IncludeStatusDetails"}}));
  MEKONG_TRY_ASSIGN(const auto pattern, NamePattern::parse(request.expression));
  MEKONG_TRY_ASSIGN(const auto page, page_of(request.next_token, request.max_results, 100));
  // A page may hold fewer than asked for: tables that the pattern does not match, or that the caller may not
  // see, are left out.
  MEKONG_TRY_ASSIGN(const auto found, catalog_.list_tables(ctx.scope(), request.database_name, page));
  model::GetTablesResponse response;
  response.table_list.emplace();
  for (const auto& table : found.items) {
    if (pattern.matches(table.name) && may_see(ctx, table))
      response.table_list->push_back(to_model(ctx, table));
  }
  response.next_token = token_of(found.next);
  return response;
}

Result<model::UpdateTableResponse> Service::update_table(api::Context& ctx,
                                                         const model::UpdateTableRequest& request) {
  const std::string new_name = request.table_input ? request.table_input->name : "";
  const std::string name = request.name.value_or(new_name);
  MEKONG_TRY(authorise(ctx, request.catalog_id, {.database = request.database_name, .table = name}));
  MEKONG_TRY(refuse(ctx, {{request.update_open_table_format_input.has_value(), "UpdateOpenTableFormatInput"},
                          {request.transaction_id.has_value(), "TransactionId"},
                          {request.view_update_action.has_value(), "ViewUpdateAction"},
                          {request.force.has_value(), "Force"}}));
  if (!request.table_input) return Error{"InvalidInputException", "TableInput is missing."};
  if (catalog::fold_name(new_name) != catalog::fold_name(name)) {
    return Error{"InvalidInputException", "UpdateTable does not rename: the names differ."};
  }
  MEKONG_TRY_ASSIGN(auto table, from_model(ctx, *request.table_input));
  catalog::UpdateTableOptions options;
  options.keep_old_version = !request.skip_archive.value_or(false);
  if (request.version_id) {
    MEKONG_TRY_ASSIGN(options.expected_version, version_number(*request.version_id));
  }
  MEKONG_TRY(catalog_.update_table(ctx.scope(), {request.database_name, name}, std::move(table), options));
  return model::UpdateTableResponse{};
}

Result<model::DeleteTableResponse> Service::delete_table(api::Context& ctx,
                                                         const model::DeleteTableRequest& request) {
  MEKONG_TRY(authorise(ctx, request.catalog_id, {.database = request.database_name, .table = request.name}));
  MEKONG_TRY(refuse(ctx, {{request.transaction_id.has_value(), "TransactionId"}}));
  MEKONG_TRY(catalog_.delete_table(ctx.scope(), {request.database_name, request.name}));
  return model::DeleteTableResponse{};
}

Result<model::BatchDeleteTableResponse> Service::batch_delete_table(
    api::Context& ctx, const model::BatchDeleteTableRequest& request) {
  MEKONG_TRY(refuse(ctx, {{request.transaction_id.has_value(), "TransactionId"}}));
  for (const auto& name : request.tables_to_delete) {
    MEKONG_TRY(authorise(ctx, request.catalog_id, {.database = request.database_name, .table = name}));
  }
  MEKONG_TRY(authorise(ctx, request.catalog_id, {.database = request.database_name}));
  model::BatchDeleteTableResponse response;
  response.errors.emplace();
  for (const auto& name : request.tables_to_delete) {
    const Status deleted = catalog_.delete_table(ctx.scope(), {request.database_name, name});
    if (!deleted.ok()) response.errors->push_back({name, to_model(deleted.error())});
  }
  return response;
}

Result<model::GetTableVersionResponse> Service::get_table_version(
    api::Context& ctx, const model::GetTableVersionRequest& request) {
  const catalog::TableName name{request.database_name, request.table_name};
  MEKONG_TRY(authorise(ctx, request.catalog_id, {.database = name.database, .table = name.table}));
  std::optional<int64_t> wanted;
  if (request.version_id) {
    MEKONG_TRY_ASSIGN(wanted, version_number(*request.version_id));
  }
  catalog::PageRequest page;
  do {
    MEKONG_TRY_ASSIGN(const auto versions, catalog_.table_versions(ctx.scope(), name, page));
    for (const auto& table : versions.items) {
      if (wanted && table.version != *wanted) continue;
      model::GetTableVersionResponse response;
      response.table_version = model::TableVersion{to_model(ctx, table), std::to_string(table.version)};
      return response;
    }
    page.after = versions.next;
  } while (!page.after.empty());
  return Error{"EntityNotFoundException", "Table version not found."};
}

Result<model::GetTableVersionsResponse> Service::get_table_versions(
    api::Context& ctx, const model::GetTableVersionsRequest& request) {
  const catalog::TableName name{request.database_name, request.table_name};
  MEKONG_TRY(authorise(ctx, request.catalog_id, {.database = name.database, .table = name.table}));
  MEKONG_TRY_ASSIGN(const auto page, page_of(request.next_token, request.max_results, 100));
  MEKONG_TRY_ASSIGN(const auto found, catalog_.table_versions(ctx.scope(), name, page));
  model::GetTableVersionsResponse response;
  response.table_versions.emplace();
  for (const auto& table : found.items) {
    response.table_versions->push_back({to_model(ctx, table), std::to_string(table.version)});
  }
  response.next_token = token_of(found.next);
  return response;
}

}  // namespace mekong::glue
