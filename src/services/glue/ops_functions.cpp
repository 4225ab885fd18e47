#include "services/glue/convert.h"
#include "services/glue/service.h"

namespace mekong::glue {

Result<model::CreateUserDefinedFunctionResponse> Service::create_user_defined_function(
    api::Context& ctx, const model::CreateUserDefinedFunctionRequest& request) {
  MEKONG_TRY(authorise(ctx, request.catalog_id, {.database = request.database_name}));
  MEKONG_TRY_ASSIGN(auto function, from_model(ctx, request.function_input));
  function.database = request.database_name;
  MEKONG_TRY(catalog_.create_function(ctx.scope(), std::move(function)));
  return model::CreateUserDefinedFunctionResponse{};
}

Result<model::GetUserDefinedFunctionResponse> Service::get_user_defined_function(
    api::Context& ctx, const model::GetUserDefinedFunctionRequest& request) {
  MEKONG_TRY(authorise(ctx, request.catalog_id,
                       {.database = request.database_name, .function = request.function_name}));
  MEKONG_TRY_ASSIGN(const auto function,
                    catalog_.get_function(ctx.scope(), request.database_name, request.function_name));
  model::GetUserDefinedFunctionResponse response;
  response.user_defined_function = to_model(ctx, function);
  return response;
}

Result<model::GetUserDefinedFunctionsResponse> Service::get_user_defined_functions(
    api::Context& ctx, const model::GetUserDefinedFunctionsRequest& request) {
  MEKONG_TRY(authorise(ctx, request.catalog_id, {.database = request.database_name.value_or("")}));
  MEKONG_TRY(refuse(ctx, {{!request.database_name.has_value(), "DatabaseName (absent: all databases)"},
                          {request.function_type.has_value(), "FunctionType"}}));
  MEKONG_TRY_ASSIGN(const auto pattern, NamePattern::parse(request.pattern));
  MEKONG_TRY_ASSIGN(const auto page, page_of(request.next_token, request.max_results, 100));
  MEKONG_TRY_ASSIGN(const auto found, catalog_.list_functions(ctx.scope(), *request.database_name, page));
  model::GetUserDefinedFunctionsResponse response;
  response.user_defined_functions.emplace();
  for (const auto& function : found.items) {
    if (pattern.matches(function.name)) response.user_defined_functions->push_back(to_model(ctx, function));
  }
  response.next_token = token_of(found.next);
  return response;
}

Result<model::UpdateUserDefinedFunctionResponse> Service::update_user_defined_function(
    api::Context& ctx, const model::UpdateUserDefinedFunctionRequest& request) {
  MEKONG_TRY(authorise(ctx, request.catalog_id,
                       {.database = request.database_name, .function = request.function_name}));
  MEKONG_TRY_ASSIGN(auto function, from_model(ctx, request.function_input));
  if (function.name.empty()) function.name = request.function_name;
  MEKONG_TRY(catalog_.update_function(ctx.scope(), request.database_name, request.function_name,
                                      std::move(function)));
  return model::UpdateUserDefinedFunctionResponse{};
}

Result<model::DeleteUserDefinedFunctionResponse> Service::delete_user_defined_function(
    api::Context& ctx, const model::DeleteUserDefinedFunctionRequest& request) {
  MEKONG_TRY(authorise(ctx, request.catalog_id,
                       {.database = request.database_name, .function = request.function_name}));
  MEKONG_TRY(catalog_.delete_function(ctx.scope(), request.database_name, request.function_name));
  return model::DeleteUserDefinedFunctionResponse{};
}

}  // namespace mekong::glue
