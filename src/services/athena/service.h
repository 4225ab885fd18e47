// Athena: SQL over the tables of the catalogue, results in S3.
// https://docs.aws.amazon.com/athena/latest/APIReference/Welcome.html; differences: docs/compat/athena.md.
#pragma once
#include <string>

#include "gen/athena/service.h"
#include "os/random.h"
#include "services/athena/records.h"
#include "services/athena/runner.h"

namespace mekong::athena {

namespace model = gen::athena;

// Meta family: "athena". Thread safe. Everything given must outlive the service.
class Service final : public model::Service {
 public:
  // concurrent: queries that run at a time; the others are QUEUED.
  Service(Engines engines, meta::Store& meta, os::Random& random, int concurrent = 4);
  // Before the first call: queries that an earlier run of the server left are FAILED by name.
  Status start();
  // Blocks until no query is queued or running.
  void settle() { runner_.settle(); }
  std::vector<Owed> owed() { return runner_.owed(); }

#define MEKONG_ATHENA_OPERATION(Name, name) \
  Result<model::Name##Output> name(api::Context& ctx, const model::Name##Input& request) override;
  MEKONG_ATHENA_OPERATION(StartQueryExecution, start_query_execution)
  MEKONG_ATHENA_OPERATION(GetQueryExecution, get_query_execution)
  MEKONG_ATHENA_OPERATION(GetQueryResults, get_query_results)
  MEKONG_ATHENA_OPERATION(StopQueryExecution, stop_query_execution)
  MEKONG_ATHENA_OPERATION(ListQueryExecutions, list_query_executions)
  MEKONG_ATHENA_OPERATION(GetWorkGroup, get_work_group)
  MEKONG_ATHENA_OPERATION(CreateWorkGroup, create_work_group)
#undef MEKONG_ATHENA_OPERATION

 private:
  Result<Execution> execution(api::Context& ctx, const std::string& id) const;
  Result<WorkGroup> group(api::Context& ctx, const std::string& name) const;

  Engines engines_;
  os::Random& random_;
  Records records_;
  Runner runner_;
};

}  // namespace mekong::athena
