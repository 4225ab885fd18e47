// sql: queries on DuckDB in worker processes (workers/sql_worker.py), never in the server. A worker serves
// one query, may open no file and no socket, has a memory limit, and reads only the descriptors it is given.
// The caller authorises. Calls block: pool threads. Errors: those of the worker ("SYNTAX_ERROR",
// "NotImplemented", "EXCEEDED_LOCAL_MEMORY_LIMIT" …); "WorkerLost": the process ended (killed, or out of
// memory).
#pragma once
#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "os/child_channel.h"
#include "os/process.h"

namespace mekong::sql {

struct Config {
  std::string python;  // of the environment that has duckdb, sqlglot, fsspec, pytz
  std::string script;  // workers/sql_worker.py
  std::optional<uid_t> uid;
  std::optional<gid_t> gid;
  uint64_t memory_bytes_max = 2ULL << 30;
};

struct TableName {
  std::string database, table;
};

// What a text asks for, in Athena's dialect.
struct Statement {
  bool is_query = false;
  std::string sql;                // query: for run()
  std::vector<TableName> tables;  // query: what it reads, each once
  // Otherwise: create_database, drop_database, drop_table, show_databases, show_tables.
  std::string operation;
  TableName target;
  bool if_exists = false;  // IF [NOT] EXISTS was said
  bool cascade = false;
};

struct TableColumn {
  std::string name, type;  // type in Hive's words
  template <class F>
  void each_field(F&& f) {
    f("name", name), f("type", type);
  }
};

// Files that share their partition values. Parquet only.
struct FileGroup {
  std::vector<std::string> values;  // one a key
  std::vector<std::string> files;   // names in InputFile
  template <class F>
  void each_field(F&& f) {
    f("values", values), f("files", files);
  }
};

struct Table {
  std::string database, table;
  std::vector<TableColumn> columns, keys;
  std::vector<FileGroup> groups;
  template <class F>
  void each_field(F&& f) {
    f("database", database), f("table", table), f("columns", columns), f("keys", keys), f("groups", groups);
  }
};

// An object as one or more descriptors. Owns and closes them.
struct InputFile {
  InputFile() = default;
  InputFile(InputFile&& other) noexcept = default;
  ~InputFile();
  std::string name;
  std::vector<int> descriptors;
  std::vector<uint64_t> sizes;
};

struct ResultColumn {
  std::string name, type;  // type in Athena's words
  int32_t precision = 0, scale = 0;
  template <class F>
  void each_field(F&& f) {
    f("name", name), f("type", type), f("precision", precision), f("scale", scale);
  }
};

using ResultRow = std::vector<std::optional<std::string>>;  // as Athena prints values; none: null

// What comes back, in order: columns once, then rows. A refusal ends the query with that error.
struct ResultSink {
  std::function<Status(const std::vector<ResultColumn>&)> columns;
  std::function<Status(const ResultRow&)> row;
};

struct Query {
  std::string sql;
  std::vector<Table> tables;
  const std::vector<InputFile>* files = nullptr;
};

class Worker {
 public:
  Worker(std::unique_ptr<os::Process> process, int channel)
      : process_(std::move(process)), channel_(channel) {}
  Result<Statement> parse(const std::string& text, const std::string& database);
  Status run(const Query& query, const ResultSink& sink);
  // From any thread: what waits on the worker fails with "WorkerLost".
  void kill();

 private:
  Status send(const std::string& line, const std::vector<int>& descriptors = {});
  Result<std::string> receive();
  std::unique_ptr<os::Process> process_;
  os::ChildChannel channel_;
  bool ready_ = false;
};

// Keeps one worker started ahead, so that a query does not wait for a start. Any thread.
class Workers {
 public:
  Workers(Config config, os::Processes& processes);
  Result<std::shared_ptr<Worker>> take();

 private:
  Result<std::shared_ptr<Worker>> start();
  Config config_;
  os::Processes& processes_;
  std::mutex mutex_;
  std::shared_ptr<Worker> ahead_;
};

}  // namespace mekong::sql
