// What athena keeps in meta. Family "athena":
//   q/<account>/<region>/<id>                              Execution
//   i/<account>/<region>/<work group>/<newest first>/<id>  empty: the order of lists
//   t/<account>/<region>/<token>                           Token
//   w/<account>/<region>/<name>                            WorkGroup
// Pool threads: commits are awaited.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "meta/store.h"
#include "sql/worker.h"

namespace mekong::athena {

inline constexpr std::string_view meta_family = "athena";

struct Execution {
  std::string account, region, id, query, statement_type, database, work_group;
  std::string output_location;  // the folder until the statement's kind is known, then the file
  std::string state, reason;
  int32_t error_category = 0;  // 1 system, 2 user
  int64_t submitted_ms = 0, started_ms = 0, completed_ms = 0;
  int64_t engine_ms = 0, planning_ms = 0, scanned_bytes = 0;
  std::vector<sql::ResultColumn> columns;
  template <class F>
  void each_field(F&& f) {
    f("Account", account), f("Region", region), f("Id", id), f("Query", query);
    f("StatementType", statement_type), f("Database", database), f("WorkGroup", work_group);
    f("OutputLocation", output_location), f("State", state), f("Reason", reason);
    f("ErrorCategory", error_category), f("Submitted", submitted_ms), f("Started", started_ms);
    f("Completed", completed_ms), f("EngineMs", engine_ms), f("PlanningMs", planning_ms);
    f("ScannedBytes", scanned_bytes), f("Columns", columns);
  }
  Scope scope() const { return {AccountId(account), Region(region)}; }
  bool ended() const { return state == "SUCCEEDED" || state == "FAILED" || state == "CANCELLED"; }
};

struct Token {
  std::string execution_id, request;
  template <class F>
  void each_field(F&& f) {
    f("Id", execution_id), f("Request", request);
  }
};

struct WorkGroup {
  std::string name, description, output_location;
  bool enforced = true;
  int64_t created_ms = 0;
  template <class F>
  void each_field(F&& f) {
    f("Name", name), f("Description", description), f("OutputLocation", output_location);
    f("Enforced", enforced), f("Created", created_ms);
  }
};

struct IdPage {
  std::vector<std::string> ids;
  std::string next;  // empty: the last page
};

class Records {
 public:
  explicit Records(meta::Store& meta) : meta_(meta) {}
  // "ConditionFailed": the token was taken meanwhile.
  Status add(const Execution& execution, const std::string& token, const std::string& request);
  Result<std::optional<Token>> token(const Scope& scope, const std::string& token) const;
  Status put(const Execution& execution);
  Result<std::optional<Execution>> execution(const Scope& scope, const std::string& id) const;
  Result<IdPage> list(const Scope& scope, const std::string& work_group, const std::string& after,
                      size_t limit) const;
  // Those that have not ended, of all accounts.
  Result<std::vector<Execution>> unfinished() const;

  // `primary` is there always. "ConditionFailed": the name is taken.
  Status add(const Scope& scope, const WorkGroup& group);
  Result<std::optional<WorkGroup>> work_group(const Scope& scope, const std::string& name) const;

 private:
  meta::Store& meta_;
};

}  // namespace mekong::athena
