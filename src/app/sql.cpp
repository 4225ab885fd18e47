#include "app/sql.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

namespace mekong::app {

namespace {

// Those of `folders` that are there and do not hold what the worker is started from.
std::vector<std::string> coverable(const std::vector<std::string>& folders,
                                   const std::vector<std::string>& needed) {
  std::vector<std::string> found;
  for (const auto& folder : folders) {
    std::error_code failed;
    const auto real = std::filesystem::canonical(folder, failed);
    const auto holds = [&real](const std::string& path) { return path.starts_with(real.string() + "/"); };
    if (!failed && std::none_of(needed.begin(), needed.end(), holds)) found.push_back(real);
  }
  return found;
}

}  // namespace

sql::Config find_sql(const std::string& data) {
  constexpr uid_t nobody = 65534;
  const char* deps = std::getenv("MEKONG_DEPS");
  const std::string root = deps != nullptr ? deps : "/var/cache/mekong/deps";
  std::error_code missing;
  // build/<preset>/mekong
  const auto program = std::filesystem::read_symlink("/proc/self/exe", missing);
  const auto tree = program.parent_path().parent_path().parent_path();
  sql::Config config;
  config.python = root + "/athena-venv/bin/python";
  config.script = tree / "workers" / "sql_worker.py";
  if (::geteuid() != 0) return config;
  config.uid = config.gid = nobody;
  config.hidden = coverable({data, "/root", "/home", "/tmp", "/var/tmp", "/srv", "/mnt"},
                            {config.python, std::filesystem::canonical(config.python, missing).string()});
  return config;
}

}  // namespace mekong::app
