#include "services/glue/convert.h"
#include "services/glue/service.h"

namespace mekong::glue {

Result<model::CreateDatabaseResponse> Service::create_database(api::Context& ctx,
                                                               const model::CreateDatabaseRequest& request) {
  const auto tags = request.tags.value_or(api::Tags());
  MEKONG_TRY(
      authorise(ctx, request.catalog_id, {.database = request.database_input.name}, api::request_tags(tags)));
  MEKONG_TRY(check_tags(tags));
  MEKONG_TRY_ASSIGN(auto database, from_model(ctx, request.database_input));
  database.tags = tags;
  MEKONG_TRY(catalog_.create_database(ctx.scope(), std::move(database)));
  return model::CreateDatabaseResponse{};
}

Result<model::GetDatabaseResponse> Service::get_database(api::Context& ctx,
                                                         const model::GetDatabaseRequest& request) {
  MEKONG_TRY(authorise(ctx, request.catalog_id, {.database = request.name}));
  MEKONG_TRY_ASSIGN(const auto database, catalog_.get_database(ctx.scope(), request.name));
  model::GetDatabaseResponse response;
  response.database = to_model(ctx, database);
  return response;
}

Result<model::GetDatabasesResponse> Service::get_databases(api::Context& ctx,
                                                           const model::GetDatabasesRequest& request) {
  MEKONG_TRY(authorise(ctx, request.catalog_id, {}));
  MEKONG_TRY(refuse(ctx, {{request.resource_share_type.has_value(), "ResourceShareType"},
                          {request.attributes_to_get.has_value(), "AttributesToGet"}}));
  MEKONG_TRY_ASSIGN(const auto page, page_of(request.next_token, request.max_results, 100));
  MEKONG_TRY_ASSIGN(const auto found, catalog_.list_databases(ctx.scope(), page));
  model::GetDatabasesResponse response;
  for (const auto& database : found.items) response.database_list.push_back(to_model(ctx, database));
  response.next_token = token_of(found.next);
  return response;
}

Result<model::UpdateDatabaseResponse> Service::update_database(api::Context& ctx,
                                                               const model::UpdateDatabaseRequest& request) {
  MEKONG_TRY(authorise(ctx, request.catalog_id, {.database = request.name}));
  MEKONG_TRY_ASSIGN(auto database, from_model(ctx, request.database_input));
  MEKONG_TRY_ASSIGN(const auto old, catalog_.get_database(ctx.scope(), request.name));
  database.owner = old.owner;
  database.owner_kind = old.owner_kind;
  MEKONG_TRY(catalog_.update_database(ctx.scope(), request.name, std::move(database)));
  return model::UpdateDatabaseResponse{};
}

Result<model::DeleteDatabaseResponse> Service::delete_database(api::Context& ctx,
                                                               const model::DeleteDatabaseRequest& request) {
  MEKONG_TRY(authorise(ctx, request.catalog_id, {.database = request.name}));
  // What goes with the database is asked for by name, too.
  catalog::PageRequest page;
  do {
    MEKONG_TRY_ASSIGN(const auto tables, catalog_.list_tables(ctx.scope(), request.name, page));
    for (const auto& table : tables.items) {
      MEKONG_TRY(authorise(ctx, request.catalog_id, {.database = request.name, .table = table.name}));
    }
    page.after = tables.next;
  } while (!page.after.empty());
  page = {};
  do {
    MEKONG_TRY_ASSIGN(const auto functions, catalog_.list_functions(ctx.scope(), request.name, page));
    for (const auto& function : functions.items) {
      MEKONG_TRY(authorise(ctx, request.catalog_id, {.database = request.name, .function = function.name}));
    }
    page.after = functions.next;
  } while (!page.after.empty());
  MEKONG_TRY(catalog_.delete_database(ctx.scope(), request.name));
  return model::DeleteDatabaseResponse{};
}

}  // namespace mekong::glue
