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

#include "gen/athena/operations.inc"

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
