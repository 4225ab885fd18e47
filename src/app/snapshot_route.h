// POST /_mekong/snapshots, with the folder's token: "create NAME" or "fork FOLDER" as the body; answers a
// SnapshotNote.
#pragma once
#include <mutex>
#include <string>

#include "app/routes.h"
#include "app/snapshots.h"
#include "base/executor.h"

namespace mekong::app {

class SnapshotRoute {
 public:
  // All references must outlive it.
  SnapshotRoute(Snapshots snapshots, RunningEngines engines, Executor& pool, std::string control_token)
      : snapshots_(snapshots), engines_(engines), pool_(pool), control_token_(std::move(control_token)) {}
  void add_to(front::InternalRoutes& routes);

 private:
  Task<api::Response> answer(const front::HttpRequest& request);
  Result<SnapshotNote> make(std::string_view asked);

  Snapshots snapshots_;
  RunningEngines engines_;
  Executor& pool_;
  const std::string control_token_;
  std::mutex mutex_;  // one at a time
};

}  // namespace mekong::app
