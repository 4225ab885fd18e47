// What athena keeps in meta. Family "athena":
//   q/<account>/<region>/<id>                              Execution
//   i/<account>/<region>/<work group>/<newest first>/<id>  empty: the order of lists
//   t/<account>/<region>/<token>                           Token
//   w/<account>/<region>/<name>                            WorkGroup
//   n/<account>/<region>/<work group>/<id>                 NamedQuery
//   m/<account>/<region>/<id>                              the work group of a NamedQuery
//   p/<account>/<region>/<work group>/<name>               PreparedStatement
// Pool threads: commits are awaited.
#pragma once
#include <cstdint>
#include <functional>
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
  int64_t output_rows = 0, output_bytes = 0, updated_rows = 0;
  int64_t scanned_bytes_max = 0;  // of the work group; 0: none
  std::string substatement_type, manifest_location;
  std::vector<std::string> parameters;
  std::vector<sql::ResultColumn> columns;
  template <class F>
  void each_field(F&& f) {
    f("Account", account), f("Region", region), f("Id", id), f("Query", query);
    f("StatementType", statement_type), f("Database", database), f("WorkGroup", work_group);
    f("OutputLocation", output_location), f("State", state), f("Reason", reason);
    f("ErrorCategory", error_category), f("Submitted", submitted_ms), f("Started", started_ms);
    f("Completed", completed_ms), f("EngineMs", engine_ms), f("PlanningMs", planning_ms);
    f("ScannedBytes", scanned_bytes), f("Columns", columns), f("OutputRows", output_rows);
    f("OutputBytes", output_bytes), f("UpdatedRows", updated_rows), f("ScannedBytesMax", scanned_bytes_max);
    f("SubstatementType", substatement_type), f("ManifestLocation", manifest_location);
    f("Parameters", parameters);
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
  static constexpr char kind = 'w';
  std::string name, description, output_location;
  bool enforced = true, disabled = false;
  int64_t created_ms = 0, scanned_bytes_max = 0;
  std::map<std::string, std::string> tags;
  std::string key() const { return name; }
  template <class F>
  void each_field(F&& f) {
    f("Name", name), f("Description", description), f("OutputLocation", output_location);
    f("Enforced", enforced), f("Disabled", disabled), f("Created", created_ms);
    f("ScannedBytesMax", scanned_bytes_max), f("Tags", tags);
  }
};

struct NamedQuery {
  static constexpr char kind = 'n';
  std::string id, work_group, name, description, database, query;
  std::string key() const { return work_group + "/" + id; }
  template <class F>
  void each_field(F&& f) {
    f("Id", id), f("WorkGroup", work_group), f("Name", name), f("Description", description);
    f("Database", database), f("Query", query);
  }
};

struct PreparedStatement {
  static constexpr char kind = 'p';
  std::string work_group, name, description, query;
  int64_t modified_ms = 0;
  std::string key() const { return work_group + "/" + name; }
  template <class F>
  void each_field(F&& f) {
    f("WorkGroup", work_group), f("Name", name), f("Description", description), f("Query", query);
    f("Modified", modified_ms);
  }
};

template <class T>
struct Page {
  std::vector<T> items;
  std::string next;  // empty: the last page
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

  // WorkGroup, NamedQuery, PreparedStatement. The work group `primary` is there always.
  template <class T>
  Result<std::optional<T>> find(const Scope& scope, const std::string& key) const;
  // "ConditionFailed": the key is taken.
  template <class T>
  Status add(const Scope& scope, const T& item);
  // Reads, changes and writes; again where somebody else wrote meanwhile. `change` may refuse.
  // "NotFound": there is nothing at `key`.
  template <class T>
  Status update(const Scope& scope, const std::string& key, const std::function<Status(T&)>& change);
  template <class T>
  Status put(const Scope& scope, const T& item);
  template <class T>
  Status remove(const Scope& scope, const std::string& key);
  // Those whose key begins with `prefix`, from the key `after` on.
  template <class T>
  Result<Page<T>> list(const Scope& scope, const std::string& prefix, const std::string& after,
                       size_t limit) const;

  // The token of CreateNamedQuery stands for one query as that of StartQueryExecution does.
  Status add(const Scope& scope, const NamedQuery& query, const std::string& token,
             const std::string& request);
  Result<std::optional<NamedQuery>> named_query(const Scope& scope, const std::string& id) const;
  Status remove_named_query(const Scope& scope, const NamedQuery& query);

  Result<bool> is_empty(const Scope& scope, const std::string& work_group) const;
  // The group with its history, named queries and prepared statements.
  Status remove_work_group(const Scope& scope, const std::string& work_group);

 private:
  meta::Store& meta_;
};

}  // namespace mekong::athena
