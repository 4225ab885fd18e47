// What `mekong serve` was told: command line first, then the YAML file of --config, then these defaults.
#pragma once
#include <cstdint>
#include <string>

#include "base/result.h"

namespace mekong::app {

// /var/tmp/mekong-jobs-<uid of this process>.
std::string default_job_folder();

struct ServeOptions {
  std::string data;                               // absolute
  std::string job_folder = default_job_folder();  // absolute, outside of data
  std::string listen = "127.0.0.1:4566";
  std::string kafka_ports = "9092-9199";
  uint16_t metastore_port = 9083;
  std::string region = "us-east-1";
  std::string durability = "sync";  // sync | os
  std::string advertise = "localhost";
  bool dev = false;
  std::string log_format = "text";  // text | json
  int64_t slow_request_ms = 5'000;  // 0: none is told
  int64_t job_credentials_s = 3'600;
  bool access_log = false;
};

struct HostPort {
  std::string host;  // numeric
  uint16_t port = 0;
};
Result<HostPort> parse_listen(const std::string& text);  // "HOST:PORT"; localhost is 127.0.0.1

bool is_address(const std::string& host);  // an IP address, not a name
// The host in every address that is handed out: --advertise; without it the address that is listened on, and
// "localhost" where that stands for it.
std::string advertised_host(const ServeOptions& options, const std::string& listen_host);
// "http://HOST:PORT", an IPv6 address in brackets.
std::string http_url(const std::string& host, uint16_t port);
// Jobs and commands of this machine call 127.0.0.1, whatever is listened on: whether a listener at
// `listen_host` takes that.
bool takes_loopback(const std::string& listen_host);

struct PortRange {
  uint16_t first = 0, last = 0;
};
Result<PortRange> parse_port_range(const std::string& text);  // "FIRST-LAST"

// Fails with "Usage" and says what is wrong.
Status check(const ServeOptions& options);

// $XDG_DATA_HOME/mekong or ~/.local/share/mekong; /var/lib/mekong for root.
std::string default_data_folder();

}  // namespace mekong::app
