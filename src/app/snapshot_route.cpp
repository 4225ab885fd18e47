#include "app/snapshot_route.h"

#include "codec/record.h"

namespace mekong::app {

void SnapshotRoute::add_to(front::InternalRoutes& routes) {
  routes["/_mekong/snapshots"] = [this](const front::HttpRequest& request) { return answer(request); };
}

Result<SnapshotNote> SnapshotRoute::make(std::string_view asked) {
  constexpr std::string_view create = "create ", fork = "fork ";
  std::lock_guard lock(mutex_);
  if (asked.starts_with(create)) {
    return snapshots_.create(std::string(asked.substr(create.size())), &engines_);
  }
  if (asked.starts_with(fork)) return snapshots_.fork(std::string(asked.substr(fork.size())), &engines_);
  return Error{"InvalidArgument", "a POST holds create NAME or fork FOLDER"};
}

Task<api::Response> SnapshotRoute::answer(const front::HttpRequest& request) {
  co_await resume_on(pool_);
  if (!holds_token(request, control_token_)) co_return token_needed();
  const auto made = make(request.head.method == "POST" ? std::string_view(request.body) : "");
  if (made.ok()) co_return json_reply(200, codec::encode_record(*made));
  const auto& code = made.error().code;
  const bool asked_wrongly = code == "InvalidArgument" || code == "AlreadyExists" || code == "EXDEV";
  co_return failure_reply(asked_wrongly ? 400 : 500, made.error());
}

}  // namespace mekong::app
