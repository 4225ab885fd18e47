// Runs queries: each as its caller, who must be allowed to read the tables, the objects and to write the
// result. A query holds a thread of the pool and a worker process while it runs.
#pragma once
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "base/authoriser.h"
#include "base/logging.h"
#include "base/owed.h"
#include "base/thread_pool.h"
#include "catalog/catalog.h"
#include "objects/objects.h"
#include "os/clock.h"
#include "services/athena/records.h"
#include "sql/worker.h"

namespace mekong::athena {

struct Engines {
  objects::Store& objects;
  catalog::Catalog& catalog;
  sql::Workers& workers;
  const Authoriser& authoriser;
  const os::Clock& clock;
  Logger& logger;
};

class Runner {
 public:
  Runner(Engines engines, Records& records, int concurrent);
  ~Runner();  // cancels what runs, waits for it
  void start(Execution execution, PrincipalPtr principal);
  // Nothing happens where it is over already.
  void cancel(const std::string& id);
  // Blocks until no query is queued or running.
  void settle();
  std::vector<Owed> owed();

 private:
  struct Run {
    std::mutex mutex;
    std::shared_ptr<sql::Worker> worker;
    bool cancelled = false;
  };
  struct Work {
    Execution& execution;
    objects::ObjectAccess access;
    PrincipalPtr principal;
    sql::Worker& worker;
  };
  void run(Execution execution, const PrincipalPtr& principal, Run& state);
  Status execute(Execution& execution, const PrincipalPtr& principal, Run& state);
  Status query(Work& work, const sql::Statement& statement);
  Status ddl(Work& work, const sql::Statement& statement);
  Result<std::vector<std::string>> names(Work& work, const sql::Statement& statement);
  Status change(Work& work, const sql::Statement& statement);
  Status write_result(Work& work, std::string_view extension, std::string_view content);
  Status may(const Work& work, std::string_view action, const sql::TableName& name) const;

  // tables.cpp
  Result<sql::Table> load_table(Work& work, const sql::TableName& name, std::vector<sql::InputFile>& files);
  Status load_group(Work& work, const catalog::StorageDescriptor& storage, sql::FileGroup& group,
                    std::vector<sql::InputFile>& files);

  Engines engines_;
  Records& records_;
  std::mutex mutex_;
  std::condition_variable idle_;
  std::map<std::string, std::shared_ptr<Run>> runs_;
  bool stopping_ = false;
  ThreadPool pool_;  // last: joined first
};

}  // namespace mekong::athena
