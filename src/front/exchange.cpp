#include "front/exchange.h"

namespace mekong::front {
namespace {

const InternalHandler* find_route(const InternalRoutes& routes, const std::string& path) {
  const InternalHandler* best = nullptr;
  size_t best_size = 0;
  for (const auto& [prefix, handler] : routes) {
    const bool fits =
        path.starts_with(prefix) && (path.size() == prefix.size() || path[prefix.size()] == '/');
    if (!fits || prefix.size() < best_size) continue;
    best = &handler;
    best_size = prefix.size();
  }
  return best;
}

Task<Result<std::string>> read_whole(api::RawBody& body, size_t max_bytes) {
  std::string out;
  while (true) {
    auto piece = co_await body.read();
    if (!piece.ok() || piece->empty())
      co_return piece.ok() ? Result<std::string>(std::move(out)) : std::move(piece);
    if (out.size() + piece->size() > max_bytes)
      co_return Error{"ContentTooLarge", "the body is too large", 413};
    out += *piece;
  }
}

Task<api::Response> call_route(const Service& service, const os::Connection& connection,
                               const InternalHandler& handler, const api::RequestHead& head,
                               api::RawBody& body) {
  auto whole = co_await read_whole(body, service.options.internal_body_max_bytes);
  if (!whole.ok()) co_return plain(whole.error());
  HttpRequest request{head, std::move(*whole), [&connection] { return connection.peer_uid(); }};
  std::string broken;
  try {
    auto task = handler(request);
    auto response = co_await task;
    co_return response;
  } catch (const std::exception& e) {
    broken = e.what();
  }
  service.logger.error("front", "exception in an internal route",
                       {{"path", head.raw_path}, {"what", broken}});
  co_return plain(500, "an internal error occurred");
}

}  // namespace

api::Response plain(int status, const std::string& text) {
  return {status, {{"Content-Type", "text/plain"}}, text + "\n", nullptr};
}

api::Response plain(const Error& error) {
  return plain(error.http_status == 0 ? 400 : error.http_status, error.message);
}

Task<api::Response> answer(const Service& service, const os::Connection& connection,
                           const api::RequestHead& head, api::RawBody& body) {
  const auto* handler = find_route(service.routes, head.raw_path);
  auto task = handler == nullptr ? service.pipeline.handle(head, body)
                                 : call_route(service, connection, *handler, head, body);
  auto response = co_await task;
  co_return response;
}

}  // namespace mekong::front
