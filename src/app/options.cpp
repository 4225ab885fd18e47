#include "app/options.h"

#include <arpa/inet.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdlib>

namespace mekong::app {
namespace {

Error usage(const std::string& message) {
  return Error{"Usage", message};
}

Result<uint16_t> parse_port(std::string_view text) {
  unsigned value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc() || end != text.data() + text.size() || value > 65535) {
    return usage("'" + std::string(text) + "' is not a port");
  }
  return static_cast<uint16_t>(value);
}

bool is_loopback(const std::string& host) {
  return host.starts_with("127.") || host == "::1";
}

bool is_any(const std::string& host) {
  return host == "0.0.0.0" || host == "::";
}

// RFC 1123 names; what else may be handed out is an address.
bool is_host_name(const std::string& text) {
  if (text.empty() || text.size() > 253 || text.front() == '.' || text.back() == '.') return false;
  return std::all_of(text.begin(), text.end(),
                     [](unsigned char c) { return std::isalnum(c) != 0 || c == '-' || c == '.'; });
}

// Of absolute paths, whatever slashes they end with.
bool is_within(std::string path, std::string folder) {
  for (auto* each : {&path, &folder}) *each = each->substr(0, each->find_last_not_of('/') + 1) + "/";
  return path.starts_with(folder);
}

}  // namespace

bool is_address(const std::string& host) {
  unsigned char bytes[16];
  return inet_pton(AF_INET, host.c_str(), bytes) == 1 || inet_pton(AF_INET6, host.c_str(), bytes) == 1;
}

Result<HostPort> parse_listen(const std::string& text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string::npos) return usage("--listen takes HOST:PORT, not '" + text + "'");
  std::string host = text.substr(0, colon);
  if (host == "localhost") host = "127.0.0.1";
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  if (!is_address(host)) {
    return usage("--listen takes a numeric address, not '" + host + "'");
  }
  MEKONG_TRY_ASSIGN(const uint16_t port, parse_port(std::string_view(text).substr(colon + 1)));
  return HostPort{host, port};
}

std::string advertised_host(const ServeOptions& options, const std::string& listen_host) {
  const bool localhost = listen_host == "127.0.0.1" || listen_host == "::1" || is_any(listen_host);
  return options.advertise == "localhost" && !localhost ? listen_host : options.advertise;
}

std::string http_url(const std::string& host, uint16_t port) {
  const bool v6 = host.find(':') != std::string::npos;
  return "http://" + (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

bool takes_loopback(const std::string& listen_host) {
  return listen_host == "127.0.0.1" || is_any(listen_host);
}

Result<PortRange> parse_port_range(const std::string& text) {
  const size_t dash = text.find('-');
  if (dash == std::string::npos) return usage("--kafka-ports takes FIRST-LAST, not '" + text + "'");
  MEKONG_TRY_ASSIGN(const uint16_t first, parse_port(std::string_view(text).substr(0, dash)));
  MEKONG_TRY_ASSIGN(const uint16_t last, parse_port(std::string_view(text).substr(dash + 1)));
  if (first == 0 || last < first) return usage("--kafka-ports '" + text + "' is an empty range");
  return PortRange{first, last};
}

Status check(const ServeOptions& options) {
  MEKONG_TRY_ASSIGN(const HostPort listen, parse_listen(options.listen));
  if (listen.port == 0) return usage("--listen takes a port that stays: addresses with it are handed out");
  MEKONG_TRY(parse_port_range(options.kafka_ports));
  if (!is_address(options.advertise) && !is_host_name(options.advertise)) {
    return usage("--advertise takes a host name or address, not '" + options.advertise + "'");
  }
  if (options.log_format != "text" && options.log_format != "json") {
    return usage("--log-format is 'text' or 'json', not '" + options.log_format + "'");
  }
  if (options.slow_request_ms < 0) return usage("--slow-request-ms is a number of milliseconds, 0 for never");
  if (options.job_credentials_s < 15 || options.job_credentials_s > 43'200)
    return usage("--job-credentials-s is a number of seconds, 15 to 43200");
  if (options.durability != "sync" && options.durability != "os") {
    return usage("--durability is 'sync' or 'os', not '" + options.durability + "'");
  }
  if (options.dev && !is_loopback(listen.host)) {
    return usage(
        "--dev takes the well-known pair test/test as root and so listens on loopback only, not on " +
        listen.host);
  }
  if (options.data.empty() || options.data.front() != '/') return usage("--data must be an absolute path");
  const auto& jobs = options.job_folder;
  if (jobs.empty() || jobs.front() != '/') return usage("--job-folder must be an absolute path");
  if (is_within(jobs, options.data)) {
    return usage("--job-folder must be outside of the data folder, which jobs may not see");
  }
  if (options.region.empty()) return usage("--region is empty");
  return ok();
}

std::string default_job_folder() {
  return "/var/tmp/mekong-jobs-" + std::to_string(::getuid());
}

std::string default_data_folder() {
  if (::getuid() == 0) return "/var/lib/mekong";
  if (const char* data_home = std::getenv("XDG_DATA_HOME"); data_home != nullptr && *data_home == '/') {
    return std::string(data_home) + "/mekong";
  }
  const char* home = std::getenv("HOME");
  return std::string(home != nullptr ? home : "/tmp") + "/.local/share/mekong";
}

}  // namespace mekong::app
