#include "app/doctor.h"

#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <sstream>

#include "app/commands.h"
#include "app/control.h"
#include "app/spark.h"
#include "app/sql.h"
#include "codec/record.h"
#include "os/control_groups.h"
#include "os/process.h"

namespace mekong::app {
namespace {

constexpr uint64_t space_low_bytes = uint64_t{1} << 30, space_none_bytes = uint64_t{100} << 20;
constexpr rlim_t descriptors_wanted = 4096;
constexpr int expiry_near_days = 30;

Finding good(std::string name, std::string found) {
  return {std::move(name), "ok", std::move(found), ""};
}
Finding poor(std::string name, std::string found, std::string mend) {
  return {std::move(name), "warn", std::move(found), std::move(mend)};
}
Finding broken(std::string name, std::string found, std::string mend) {
  return {std::move(name), "fail", std::move(found), std::move(mend)};
}

std::string mebibytes(uint64_t bytes) {
  return std::to_string(bytes >> 20) + " MiB";
}

// The folder, or what it would be made in.
std::filesystem::path nearest_existing(const std::string& folder) {
  std::filesystem::path path = folder;
  std::error_code missing;
  while (!std::filesystem::exists(path, missing) && path.has_relative_path()) path = path.parent_path();
  return path;
}

Finding data_folder(const ServeOptions& options) {
  const auto place = nearest_existing(options.data);
  std::string probe = (place / ".mekong-doctor-XXXXXX").string();
  if (::mkdtemp(probe.data()) != nullptr && ::rmdir(probe.c_str()) == 0)
    return good("data folder", options.data + (place == options.data ? "" : " (to be made)"));
  return broken("data folder", place.string() + " cannot be written by uid " + std::to_string(::geteuid()),
                "give it to this user, or choose another with --data");
}

Finding free_space(const ServeOptions& options) {
  struct statvfs space{};
  const auto place = nearest_existing(options.data);
  if (::statvfs(place.c_str(), &space) != 0)
    return broken("free space", "not known for " + place.string(), "choose another folder with --data");
  const uint64_t bytes = uint64_t{space.f_bavail} * space.f_frsize;
  if (bytes < space_none_bytes)
    return broken("free space", mebibytes(bytes), "make room: writes will be refused");
  if (bytes < space_low_bytes) return poor("free space", mebibytes(bytes), "make room before it runs out");
  return good("free space", mebibytes(bytes));
}

Task<void> take_none(os::ConnectionPtr) {
  co_return;
}

Finding port(os::Network& network, const char* name, const std::string& host, uint16_t number) {
  const std::string place = host + ":" + std::to_string(number);
  auto listener = network.listen({.host = host, .port = number}, take_none);
  if (listener.ok()) return good(name, place + " is free");
  return broken(name, place + ": " + listener.error().message,
                "stop what holds it (ss -ltnp), or choose another port");
}

std::vector<Finding> ports(const ServeOptions& options) {
  os::PosixFiles files;
  const DataFolder folder(files, options.data);
  const auto answer = call_server(folder, files, {"GET", "/_mekong/health"});
  if (answer.ok() && answer->status == 200) {
    const auto note = folder.note();
    return {good("ports", "the server runs at " + (note.ok() ? note->endpoint : "its noted address"))};
  }
  std::vector<Finding> out;
  auto network = os::make_network(1);
  if (const auto listen = parse_listen(options.listen); listen.ok()) {
    out.push_back(port(*network, "http port", listen->host, listen->port));
    if (const auto range = parse_port_range(options.kafka_ports); range.ok())
      out.push_back(port(*network, "kafka port", listen->host, range->first));
    else
      out.push_back(broken("kafka port", range.error().message, "--kafka-ports FIRST-LAST"));
  } else {
    out.push_back(broken("http port", listen.error().message, "--listen HOST:PORT"));
  }
  out.push_back(port(*network, "metastore port", "127.0.0.1", options.metastore_port));
  return out;
}

Finding wall_clock() {
  timex state{};
  const int kept = ::ntp_adjtime(&state);
  if (kept >= 0 && kept != TIME_ERROR) return good("clock", "kept by the kernel's time service");
  return poor(
      "clock", "no time service keeps it",
      "signatures are refused from 5 minutes of difference on: run chrony or systemd-timesyncd, or let "
      "the host of this virtual machine keep it");
}

std::optional<int> days_left(const std::string& pem) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> bio(
      BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), &BIO_free);
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(
      PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr), &X509_free);
  int days = 0, seconds = 0;
  const bool known = certificate != nullptr &&
                     ASN1_TIME_diff(&days, &seconds, nullptr, X509_get0_notAfter(certificate.get())) == 1;
  return known ? std::optional(days) : std::nullopt;
}

Finding authority(const ServeOptions& options) {
  const std::string path = options.data + "/ca.pem";
  os::PosixFiles files;
  const auto pem = files.read_file(path);
  if (!pem.ok()) return good("certificate authority", "made at the first start");
  const auto left = days_left(*pem);
  if (!left)
    return broken("certificate authority", path + " is no certificate",
                  "restore it; or remove ca.pem and ca-key.pem, and let every client trust the new one");
  if (*left < expiry_near_days)
    return poor("certificate authority", path + " ends in " + std::to_string(*left) + " days",
                "remove ca.pem and ca-key.pem, start again, and let every client trust the new one");
  return good("certificate authority", path);
}

// What the kernel tells in a file without a size; empty: nothing.
std::string told_by(const std::string& path) {
  constexpr size_t bytes_max = 64 << 10;
  os::PosixFiles files;
  const auto file = files.open(path, os::OpenMode::read);
  const auto text = file.ok() ? (*file)->read(0, bytes_max) : Result<std::string>("");
  return text.ok() ? *text : "";
}

// A server's memory holds keys, as its data folder does: neither should lie open on a disk that is given
// away.
Finding swap() {
  std::istringstream swaps(told_by("/proc/swaps"));
  std::string found, line;
  for (std::getline(swaps, line); std::getline(swaps, line);) {
    const std::string place = line.substr(0, line.find_first_of(" \t"));
    if (place.starts_with("/dev/zram")) continue;  // memory
    const std::string device = std::filesystem::path(place).filename().string();
    const bool encrypted = told_by("/sys/block/" + device + "/dm/uuid").starts_with("CRYPT-");
    if (!encrypted) found += (found.empty() ? "" : ", ") + place;
  }
  if (found.empty()) return good("swap", "none that is not encrypted");
  return poor("swap", found + " may be given memory in which keys are",
              "encrypt it as you do the data folder (crypttab's option swap), or swapoff -a");
}

Finding public_roots() {
  constexpr const char* path = "/etc/ssl/certs/ca-certificates.crt";
  if (::access(path, R_OK) == 0) return good("public roots", path);
  return poor("public roots", std::string(path) + " is missing",
              "apt-get install ca-certificates: clients with AWS_CA_BUNDLE reach nothing but Mekong");
}

Finding jobs_engine() {
  const auto spark = find_spark();
  if (spark.spark_home.empty())
    return poor("Spark", "not found below $MEKONG_DEPS", "./dev setup; job runs fail by name until then");
  if (spark.java_home.empty() || ::access((spark.java_home + "/bin/java").c_str(), X_OK) != 0)
    return poor("Spark", spark.spark_home + ", no Java 17",
                "apt-get install openjdk-17-jre-headless, or set JAVA_HOME");
  return good("Spark", spark.spark_home);
}

Finding query_engine(const ServeOptions& options) {
  const auto sql = find_sql(options.data);
  for (const auto& path : {sql.python, sql.script}) {
    if (::access(path.c_str(), R_OK) != 0)
      return poor("query workers", path + " is missing", "./dev setup; queries fail by name until then");
  }
  return good("query workers", sql.python);
}

std::vector<Finding> limits() {
  std::vector<Finding> out;
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  const std::string found = std::to_string(files.rlim_cur) + " open files";
  out.push_back(files.rlim_cur >= descriptors_wanted
                    ? good("limits", found)
                    : poor("limits", found,
                           "ulimit -n " + std::to_string(descriptors_wanted) +
                               ": each connection and each partition takes some"));
  return out;
}

Finding jobs_tree() {
  const auto tree = os::make_processes()->tree();
  const std::string found = "own uid, " + std::string(os::name_of(tree));
  if (tree != os::TreeKind::process_group) return good("jobs' walls", found);
  return poor(
      "jobs' walls", found + ": a killed server may leave processes of jobs behind",
      "permit namespaces: CAP_SYS_ADMIN, and no filter of clone and unshare (docker run --privileged)");
}

Finding jobs_network() {
  const auto network = os::make_network(1);
  const auto tried = network->make_private({});
  if (tried.ok()) return good("jobs' network", "each its own, in which there is the server and nobody else");
  return poor("jobs' network",
              "the machine's: a job reaches what listens here (" + tried.error().message + ")",
              "permit network namespaces: CAP_SYS_ADMIN, CAP_NET_ADMIN (docker run --privileged)");
}

Finding jobs_limits() {
  const auto seen = os::look_for_control_groups();
  std::string found;
  for (const auto& controller : seen.controllers) found += (found.empty() ? "of " : ", ") + controller;
  if (seen.hindrance.empty()) return good("jobs' limits", found + ", each job as a whole");
  return poor("jobs' limits",
              (found.empty() ? "of each process alone (" : found + " (") + seen.hindrance + ")",
              "let the server write control groups: systemd-run --scope -p Delegate=yes mekong serve …, "
              "docker run --privileged");
}

std::vector<Finding> walls() {
  if (::geteuid() == 0) return {jobs_tree(), jobs_network(), jobs_limits()};
  return {poor("jobs' walls", "not root: job runs are refused, unless serve is told --dev",
               "start the server as root")};
}

}  // namespace

Findings examine(const ServeOptions& options) {
  std::vector<Finding> out = {data_folder(options), free_space(options)};
  const auto add = [&out](std::vector<Finding> more) { out.insert(out.end(), more.begin(), more.end()); };
  add(ports(options));
  add({wall_clock(), swap(), authority(options), public_roots(), jobs_engine(), query_engine(options)});
  add(limits());
  add(walls());
  return {std::move(out)};
}

int doctor(const ServeOptions& options, bool json) {
  auto findings = examine(options);
  bool fails = false;
  for (const auto& finding : findings.findings) {
    fails = fails || finding.state == "fail";
    if (json) continue;
    std::printf("%-5s %-22s %s\n", finding.state == "fail" ? "FAIL" : finding.state.c_str(),
                finding.name.c_str(), finding.found.c_str());
    if (!finding.mend.empty()) std::printf("      %-22s -> %s\n", "", finding.mend.c_str());
  }
  if (json) std::printf("%s\n", codec::encode_record(findings).c_str());
  return fails ? exit_failed : 0;
}

}  // namespace mekong::app
