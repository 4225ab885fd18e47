#include "app/identity_routes.h"

#include "codec/record.h"
#include "codec/text.h"

namespace mekong::app {
namespace {

constexpr size_t denials_max = 50;

}  // namespace

void IdentityRoutes::add_to(front::InternalRoutes& routes) {
  using Request = const front::HttpRequest&;
  routes["/_mekong/why"] = [this](Request request) { return why(request); };
  routes["/_mekong/policy"] = [this](Request request) { return policy(request); };
}

Task<api::Response> IdentityRoutes::why(const front::HttpRequest& request) {
  co_await resume_on(pool_);
  if (!holds_token(request, control_token_)) co_return token_needed();
  constexpr std::string_view id = "id=";
  std::string_view asked = request.head.raw_query;
  if (asked.starts_with(id)) asked.remove_prefix(id.size());
  if (asked.empty())
    co_return json_reply(200, codec::encode_record(WhyNote{decisions_.denials(denials_max)}));
  WhyNote note{decisions_.of_request(asked)};
  if (note.decisions.empty()) {
    co_return failure_reply(404, Error{"NoSuchRequest", "No decision of request " + std::string(asked) +
                                                            " is known: the last 8192 are kept, in memory."});
  }
  co_return json_reply(200, codec::encode_record(note));
}

Task<api::Response> IdentityRoutes::policy(const front::HttpRequest& request) {
  co_await resume_on(pool_);
  if (!holds_token(request, control_token_)) co_return token_needed();
  if (request.head.method == "POST") {
    if (request.body != "record" && request.body != "stop") {
      co_return failure_reply(400, Error{"InvalidArgument", "a POST holds record or stop"});
    }
    decisions_.record(request.body == "record");
  }
  co_return json_reply(200, codec::encode_record(PolicyNote{decisions_.recording(), decisions_.policies()}));
}

}  // namespace mekong::app
