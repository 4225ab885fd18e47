// Runs statements: each holds a thread of the pool and a worker process while it runs.
#pragma once
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/owed.h"
#include "base/thread_pool.h"
#include "services/athena/session.h"

namespace mekong::athena {

class Runner {
 public:
  Runner(Engines engines, Records& records, int concurrent);
  ~Runner();  // cancels what runs, waits for it
  void start(Execution execution, PrincipalPtr principal);
  // Stores how a query ended that does not run; on a full disk that is done once there is room.
  Status end(const Execution& execution);
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
  void run(Execution execution, const PrincipalPtr& principal, Run& state);
  // Waits where the disk is full, until it is not or the server stops: then its next start ends the query.
  void store_end(const Execution& execution);
  // On the pool; until it is done the query counts as running.
  void post(const std::string& id, std::shared_ptr<Run> state, std::function<void()> work);
  Status execute(Execution& execution, const PrincipalPtr& principal, Run& state);

  const Engines engines_;
  Records& records_;
  std::mutex mutex_;
  std::condition_variable idle_, stops_;
  std::map<std::string, std::shared_ptr<Run>> runs_;
  bool stopping_ = false;
  ThreadPool pool_;  // last: joined first
};

}  // namespace mekong::athena
