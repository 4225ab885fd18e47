// Named queries and prepared statements.
#include <fmt/format.h>

#include "services/athena/service.h"
#include "services/athena/shared.h"

namespace mekong::athena {
namespace {

model::NamedQuery shape(const NamedQuery& query) {
  model::NamedQuery out;
  out.name = query.name;
  if (!query.description.empty()) out.description = query.description;
  out.database = query.database;
  out.query_string = query.query;
  out.named_query_id = query.id;
  out.work_group = query.work_group;
  return out;
}

model::PreparedStatement shape(const PreparedStatement& statement) {
  model::PreparedStatement out;
  out.statement_name = statement.name;
  out.query_statement = statement.query;
  out.work_group_name = statement.work_group;
  if (!statement.description.empty()) out.description = statement.description;
  out.last_modified_time = api::Timestamp{statement.modified_ms};
  return out;
}

Error absent_statement(const std::string& name, const std::string& work_group) {
  return {"ResourceNotFoundException",
          fmt::format("PreparedStatement {} was not found in workGroup {}", name, work_group),
          0,
          {{"ResourceName", name}}};
}

}  // namespace

Result<NamedQuery> Service::named_query(api::Context& ctx, const std::string& id) const {
  MEKONG_TRY_ASSIGN(auto found, records_.named_query(ctx.scope(), id));
  MEKONG_TRY(ctx.authorise(group_arn(ctx, found ? found->work_group : "primary")));
  if (!found) return invalid(fmt::format("NamedQuery {} was not found", id));
  return std::move(*found);
}

Result<model::CreateNamedQueryOutput> Service::create_named_query(
    api::Context& ctx, const model::CreateNamedQueryInput& request) {
  MEKONG_TRY_ASSIGN(const auto group, this->group(ctx, request.work_group.value_or("primary")));
  const NamedQuery made{engines_.random.uuid(),           group.name,       request.name,
                        request.description.value_or(""), request.database, request.query_string};
  const auto token = request.client_request_token.value_or("");
  const auto print = fmt::format("{}\n{}\n{}\n{}", made.work_group, made.name, made.database, made.query);
  const auto added = records_.add(ctx.scope(), made, token, print);
  if (!added.ok() && added.error().code == "ConditionFailed") {
    MEKONG_TRY_ASSIGN(const auto known, records_.token(ctx.scope(), token));
    if (!known || known->request != print) return invalid("Idempotent parameters do not match");
    return model::CreateNamedQueryOutput{known->execution_id};
  }
  if (!added.ok()) return added.error();
  return model::CreateNamedQueryOutput{made.id};
}

Result<model::GetNamedQueryOutput> Service::get_named_query(api::Context& ctx,
                                                            const model::GetNamedQueryInput& request) {
  MEKONG_TRY_ASSIGN(const auto found, named_query(ctx, request.named_query_id));
  return model::GetNamedQueryOutput{shape(found)};
}

Result<model::BatchGetNamedQueryOutput> Service::batch_get_named_query(
    api::Context& ctx, const model::BatchGetNamedQueryInput& request) {
  model::BatchGetNamedQueryOutput out;
  auto& queries = out.named_queries.emplace();
  auto& missing = out.unprocessed_named_query_ids.emplace();
  for (const auto& id : request.named_query_ids) {
    const auto found = named_query(ctx, id);
    if (found.ok()) {
      queries.push_back(shape(*found));
    } else if (found.error().code == "InvalidRequestException") {
      missing.push_back({id, "INVALID_INPUT", found.error().message});
    } else {
      return found.error();
    }
  }
  return out;
}

Result<model::ListNamedQueriesOutput> Service::list_named_queries(
    api::Context& ctx, const model::ListNamedQueriesInput& request) {
  MEKONG_TRY_ASSIGN(const auto group, this->group(ctx, request.work_group.value_or("primary")));
  MEKONG_TRY_ASSIGN(const auto after, after_of(request.next_token));
  const auto limit = limit_of(request.max_results, 50);
  MEKONG_TRY_ASSIGN(const auto page, records_.list<NamedQuery>(ctx.scope(), group.name + "/", after, limit));
  model::ListNamedQueriesOutput out;
  auto& ids = out.named_query_ids.emplace();
  for (const auto& query : page.items) ids.push_back(query.id);
  out.next_token = token_of(page.next);
  return out;
}

Result<model::UpdateNamedQueryOutput> Service::update_named_query(
    api::Context& ctx, const model::UpdateNamedQueryInput& request) {
  MEKONG_TRY_ASSIGN(const auto found, named_query(ctx, request.named_query_id));
  MEKONG_TRY(records_.update<NamedQuery>(ctx.scope(), found.key(), [&](NamedQuery& query) {
    query.name = request.name;
    if (request.description) query.description = *request.description;
    query.query = request.query_string;
    return ok();
  }));
  return model::UpdateNamedQueryOutput{};
}

Result<model::DeleteNamedQueryOutput> Service::delete_named_query(
    api::Context& ctx, const model::DeleteNamedQueryInput& request) {
  MEKONG_TRY_ASSIGN(const auto found, named_query(ctx, request.named_query_id));
  MEKONG_TRY(records_.remove_named_query(ctx.scope(), found));
  return model::DeleteNamedQueryOutput{};
}

Result<model::CreatePreparedStatementOutput> Service::create_prepared_statement(
    api::Context& ctx, const model::CreatePreparedStatementInput& request) {
  MEKONG_TRY_ASSIGN(const auto group, this->group(ctx, request.work_group));
  const auto added = records_.add(
      ctx.scope(), PreparedStatement{group.name, request.statement_name, request.description.value_or(""),
                                     request.query_statement, engines_.clock.wall_ms()});
  if (!added.ok() && added.error().code == "ConditionFailed") {
    return invalid(fmt::format("Prepared statement {} already exists in WorkGroup {}", request.statement_name,
                               group.name));
  }
  if (!added.ok()) return added.error();
  return model::CreatePreparedStatementOutput{};
}

Result<model::GetPreparedStatementOutput> Service::get_prepared_statement(
    api::Context& ctx, const model::GetPreparedStatementInput& request) {
  MEKONG_TRY_ASSIGN(const auto found, records_.find<PreparedStatement>(
                                          ctx.scope(), request.work_group + "/" + request.statement_name));
  if (!found) return absent_statement(request.statement_name, request.work_group);
  return model::GetPreparedStatementOutput{shape(*found)};
}

Result<model::BatchGetPreparedStatementOutput> Service::batch_get_prepared_statement(
    api::Context& ctx, const model::BatchGetPreparedStatementInput& request) {
  model::BatchGetPreparedStatementOutput out;
  auto& statements = out.prepared_statements.emplace();
  auto& missing = out.unprocessed_prepared_statement_names.emplace();
  for (const auto& name : request.prepared_statement_names) {
    MEKONG_TRY_ASSIGN(const auto found,
                      records_.find<PreparedStatement>(ctx.scope(), request.work_group + "/" + name));
    if (found) statements.push_back(shape(*found));
    if (!found) {
      missing.push_back({name, "STATEMENT_NOT_FOUND", absent_statement(name, request.work_group).message});
    }
  }
  return out;
}

Result<model::ListPreparedStatementsOutput> Service::list_prepared_statements(
    api::Context& ctx, const model::ListPreparedStatementsInput& request) {
  MEKONG_TRY_ASSIGN(const auto group, this->group(ctx, request.work_group));
  MEKONG_TRY_ASSIGN(const auto after, after_of(request.next_token));
  const auto limit = limit_of(request.max_results, 50);
  MEKONG_TRY_ASSIGN(const auto page,
                    records_.list<PreparedStatement>(ctx.scope(), group.name + "/", after, limit));
  model::ListPreparedStatementsOutput out;
  auto& listed = out.prepared_statements.emplace();
  for (const auto& found : page.items) listed.push_back({found.name, api::Timestamp{found.modified_ms}});
  out.next_token = token_of(page.next);
  return out;
}

Result<model::UpdatePreparedStatementOutput> Service::update_prepared_statement(
    api::Context& ctx, const model::UpdatePreparedStatementInput& request) {
  const auto changed = records_.update<PreparedStatement>(
      ctx.scope(), request.work_group + "/" + request.statement_name, [&](PreparedStatement& statement) {
        statement.query = request.query_statement;
        if (request.description) statement.description = *request.description;
        statement.modified_ms = engines_.clock.wall_ms();
        return ok();
      });
  if (!changed.ok() && changed.error().code == "NotFound") {
    return absent_statement(request.statement_name, request.work_group);
  }
  if (!changed.ok()) return changed.error();
  return model::UpdatePreparedStatementOutput{};
}

Result<model::DeletePreparedStatementOutput> Service::delete_prepared_statement(
    api::Context& ctx, const model::DeletePreparedStatementInput& request) {
  const auto key = request.work_group + "/" + request.statement_name;
  MEKONG_TRY_ASSIGN(const auto found, records_.find<PreparedStatement>(ctx.scope(), key));
  if (!found) return absent_statement(request.statement_name, request.work_group);
  MEKONG_TRY(records_.remove<PreparedStatement>(ctx.scope(), key));
  return model::DeletePreparedStatementOutput{};
}

}  // namespace mekong::athena
