// sql: queries on DuckDB in worker processes (workers/sql_worker.py), never in the server. A worker serves
// one statement, may open no file and no socket, sees no folder of data, has limits of memory and time, and
// reads only the descriptors it is given. The caller authorises. Calls block: pool threads.
//
// Errors: those of the worker ("SYNTAX_ERROR", "NotImplemented", "EXCEEDED_LOCAL_MEMORY_LIMIT" …);
// "WorkerLost": the process ended (killed, or out of memory) or did not keep to the words of statement.h;
// "EXCEEDED_TIME_LIMIT": the statement ran longer than Config::statement_ms_max.
#pragma once
#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "os/child_channel.h"
#include "os/process.h"
#include "sql/statement.h"

namespace mekong::codec {
class Json;
}

namespace mekong::sql {

struct Config {
  std::string python;  // of the environment that has duckdb, sqlglot, fsspec, pytz
  std::string script;  // workers/sql_worker.py
  std::optional<uid_t> uid;
  std::optional<gid_t> gid;
  // Folders that workers do not see. Needs root and the right to mount: without it they are seen, and the
  // filter of system calls alone keeps workers from their files.
  std::vector<std::string> hidden;
  uint64_t memory_bytes_max = 2ULL << 30;
  int64_t start_ms_max = 60'000;
  int64_t statement_ms_max = 30 * 60'000;  // Athena's limit of a DML query
};

class Worker {
 public:
  Worker(std::unique_ptr<os::Process> process, int channel, int64_t statement_ms_max)
      : process_(std::move(process)), channel_(channel), statement_ms_max_(statement_ms_max) {}
  // Until the process says that it is up; it may have come to its end since it was started.
  Status ready(int64_t ms_max);
  // `parameters`: texts of constants that stand for the question marks, in order.
  Result<Statement> parse(const std::string& text, const std::string& database,
                          const std::vector<std::string>& parameters = {});
  // For each table the indexes of the groups (values only) that what was parsed so far can need.
  Result<std::vector<std::vector<int64_t>>> prune(const std::vector<Table>& tables);
  Result<Outcome> run(const Query& query, const ResultSink& sink);
  // From any thread: what waits on the worker fails with "WorkerLost".
  void kill();

 private:
  Status send(const std::string& line, const std::vector<int>& descriptors = {});
  Result<std::string> receive();
  Status send_files(const Query& query);
  Status give(const codec::Json& json, const std::string& line, const ResultSink& sink);
  Error lost(const Error& error);
  std::unique_ptr<os::Process> process_;
  os::ChildChannel channel_;
  int64_t statement_ms_max_;
};

// From the first query on, keeps one worker started ahead, so that only that query waits for a start: a
// server that is asked no query keeps no process. Any thread.
class Workers {
 public:
  Workers(Config config, os::Processes& processes);
  // One that is up. A worker that was lost while it waited costs one more start, no query.
  Result<std::shared_ptr<Worker>> take();
  // Those of Config::hidden, or none where mounts are not permitted.
  const std::vector<std::string>& hidden() const { return config_.hidden; }

 private:
  Result<std::shared_ptr<Worker>> start();
  Config config_;  // changed by the constructor only
  os::Processes& processes_;
  std::mutex mutex_;
  std::shared_ptr<Worker> ahead_;
};

}  // namespace mekong::sql
