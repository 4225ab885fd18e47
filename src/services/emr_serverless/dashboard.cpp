#include "services/emr_serverless/dashboard.h"

#include <charconv>

#include "codec/text.h"
#include "services/emr_serverless/spark_command.h"

namespace mekong::emr_serverless {

namespace {

constexpr size_t reply_bytes_max = 32 << 20;
constexpr int64_t step_timeout_ms = 10'000;

Error bad_gateway(std::string message) {
  return Error{"BadGateway", std::move(message), 502};
}

// "http://host:port/jobs/" or "/jobs/" → below the prefix, unless Spark has put it there itself.
std::string led_back(std::string_view location, std::string_view prefix) {
  if (const auto scheme = location.find("://"); scheme != std::string_view::npos) {
    const auto slash = location.find('/', scheme + 3);
    location = slash == std::string_view::npos ? "/" : location.substr(slash);
  }
  if (location.starts_with(prefix) || !location.starts_with('/')) return std::string(location);
  return std::string(prefix) + std::string(location);
}

}  // namespace

Result<DashboardPath> parse_dashboard_path(std::string_view raw_path) {
  const std::string prefix(dashboard_prefix);
  const auto not_found = Error{"NotFound", "No such dashboard.", 404};
  if (!raw_path.starts_with(prefix)) return not_found;
  raw_path.remove_prefix(prefix.size());
  const auto slash = raw_path.find('/');
  DashboardPath out{std::string(raw_path.substr(0, slash)), "/"};
  if (slash != std::string_view::npos) out.rest = raw_path.substr(slash);
  if (out.token.empty()) return not_found;
  return out;
}

Result<DashboardReply> parse_dashboard_reply(std::string_view bytes, std::string_view prefix) {
  const auto head_end = bytes.find("\r\n\r\n");
  constexpr size_t status_at = 9;  // "HTTP/1.1 200 OK"
  if (head_end == std::string_view::npos || !bytes.starts_with("HTTP/1.") || head_end < status_at + 3) {
    return bad_gateway("The driver's UI gave no HTTP reply.");
  }
  DashboardReply out;
  const auto digits = bytes.substr(status_at, 3);
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), out.status);
  if (error != std::errc() || end != digits.data() + digits.size())
    return bad_gateway("A reply without a status.");
  auto lines = bytes.substr(0, head_end);
  while (!lines.empty()) {
    const auto line_end = lines.find("\r\n");
    const auto line = lines.substr(0, line_end);
    lines = line_end == std::string_view::npos ? std::string_view() : lines.substr(line_end + 2);
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    const auto name = codec::lower_case(line.substr(0, colon));
    const auto value = codec::trim(line.substr(colon + 1));
    if (name == "content-type") out.headers.emplace_back("Content-Type", value);
    if (name == "location") out.headers.emplace_back("Location", led_back(value, prefix));
  }
  out.body = bytes.substr(head_end + 4);
  return out;
}

Task<Result<DashboardReply>> fetch_dashboard(os::Network& network, const EmrServerless& service,
                                             std::string raw_path, std::string raw_query) {
  MEKONG_CO_TRY_ASSIGN(const auto path, parse_dashboard_path(raw_path));
  const auto found = service.dashboard(path.token);
  if (!found) co_return Error{"NotFound", "No such dashboard, or its job run has ended.", 404};
  const os::Endpoint ui{.host = "127.0.0.1", .port = found->port};
  auto connected = found->network ? co_await network.connect_inside(found->network, ui, step_timeout_ms)
                                  : co_await network.connect(ui, step_timeout_ms);
  if (!connected.ok()) co_return bad_gateway("The driver's UI does not answer: " + connected.error().message);
  const auto connection = *connected;
  co_await resume_on(connection->executor());
  const std::string request = "GET " + path.rest + (raw_query.empty() ? "" : "?" + raw_query) +
                              " HTTP/1.0\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n";
  auto written = co_await connection->write(request, step_timeout_ms);
  if (!written.ok()) co_return bad_gateway("The driver's UI closed the connection.");
  std::string bytes;
  while (bytes.size() <= reply_bytes_max) {
    auto more = co_await connection->read_some(64 << 10, step_timeout_ms);
    if (!more.ok() && more.error().code == "EndOfStream") {
      co_return parse_dashboard_reply(bytes, std::string(dashboard_prefix) + path.token);
    }
    if (!more.ok()) break;
    bytes += *more;
  }
  connection->close();
  co_return bad_gateway("The driver's UI gave no complete reply.");
}

}  // namespace mekong::emr_serverless
