// Athena: SQL over the tables of the catalogue, results in S3.
// https://docs.aws.amazon.com/athena/latest/APIReference/Welcome.html; differences: docs/compat/athena.md.
#pragma once
#include <string>

#include "gen/athena/service.h"
#include "services/athena/records.h"
#include "services/athena/runner.h"

namespace mekong::athena {

namespace model = gen::athena;

// Meta family: "athena". Thread safe. Everything given must outlive the service.
class Service final : public model::Service {
 public:
  // concurrent: queries that run at a time; the others are QUEUED.
  Service(Engines engines, meta::Store& meta, int concurrent = 4);
  // Before the first call: queries that an earlier run of the server left are FAILED by name.
  Status start();
  // Blocks until no query is queued or running.
  void settle() { runner_.settle(); }
  std::vector<Owed> owed() { return runner_.owed(); }

#define MEKONG_ATHENA_OPERATION(Name, name) \
  Result<model::Name##Output> name(api::Context& ctx, const model::Name##Input& request) override;
  MEKONG_ATHENA_OPERATION(StartQueryExecution, start_query_execution)
  MEKONG_ATHENA_OPERATION(GetQueryExecution, get_query_execution)
  MEKONG_ATHENA_OPERATION(BatchGetQueryExecution, batch_get_query_execution)
  MEKONG_ATHENA_OPERATION(GetQueryResults, get_query_results)
  MEKONG_ATHENA_OPERATION(GetQueryRuntimeStatistics, get_query_runtime_statistics)
  MEKONG_ATHENA_OPERATION(StopQueryExecution, stop_query_execution)
  MEKONG_ATHENA_OPERATION(ListQueryExecutions, list_query_executions)
  MEKONG_ATHENA_OPERATION(GetWorkGroup, get_work_group)
  MEKONG_ATHENA_OPERATION(CreateWorkGroup, create_work_group)
  MEKONG_ATHENA_OPERATION(UpdateWorkGroup, update_work_group)
  MEKONG_ATHENA_OPERATION(DeleteWorkGroup, delete_work_group)
  MEKONG_ATHENA_OPERATION(ListWorkGroups, list_work_groups)
  MEKONG_ATHENA_OPERATION(ListEngineVersions, list_engine_versions)
  MEKONG_ATHENA_OPERATION(CreateNamedQuery, create_named_query)
  MEKONG_ATHENA_OPERATION(GetNamedQuery, get_named_query)
  MEKONG_ATHENA_OPERATION(BatchGetNamedQuery, batch_get_named_query)
  MEKONG_ATHENA_OPERATION(ListNamedQueries, list_named_queries)
  MEKONG_ATHENA_OPERATION(UpdateNamedQuery, update_named_query)
  MEKONG_ATHENA_OPERATION(DeleteNamedQuery, delete_named_query)
  MEKONG_ATHENA_OPERATION(CreatePreparedStatement, create_prepared_statement)
  MEKONG_ATHENA_OPERATION(GetPreparedStatement, get_prepared_statement)
  MEKONG_ATHENA_OPERATION(BatchGetPreparedStatement, batch_get_prepared_statement)
  MEKONG_ATHENA_OPERATION(ListPreparedStatements, list_prepared_statements)
  MEKONG_ATHENA_OPERATION(UpdatePreparedStatement, update_prepared_statement)
  MEKONG_ATHENA_OPERATION(DeletePreparedStatement, delete_prepared_statement)
  MEKONG_ATHENA_OPERATION(GetDataCatalog, get_data_catalog)
  MEKONG_ATHENA_OPERATION(ListDataCatalogs, list_data_catalogs)
  MEKONG_ATHENA_OPERATION(GetDatabase, get_database)
  MEKONG_ATHENA_OPERATION(ListDatabases, list_databases)
  MEKONG_ATHENA_OPERATION(GetTableMetadata, get_table_metadata)
  MEKONG_ATHENA_OPERATION(ListTableMetadata, list_table_metadata)
  MEKONG_ATHENA_OPERATION(TagResource, tag_resource)
  MEKONG_ATHENA_OPERATION(UntagResource, untag_resource)
  MEKONG_ATHENA_OPERATION(ListTagsForResource, list_tags_for_resource)
#undef MEKONG_ATHENA_OPERATION

 private:
  Result<Execution> execution(api::Context& ctx, const std::string& id) const;
  Result<WorkGroup> group(api::Context& ctx, const std::string& name) const;
  Result<Execution> make_execution(api::Context& ctx, const model::StartQueryExecutionInput& request,
                                   const WorkGroup& group);
  Result<NamedQuery> named_query(api::Context& ctx, const std::string& id) const;
  Status may_glue(api::Context& ctx, std::string_view action, const sql::TableName& name) const;
  Status with_tags(api::Context& ctx, const std::string& arn,
                   const std::function<Status(std::map<std::string, std::string>&)>& change);

  Engines engines_;
  Records records_;
  Runner runner_;
};

}  // namespace mekong::athena
