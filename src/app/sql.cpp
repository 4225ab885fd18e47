#include "app/sql.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>

namespace mekong::app {

sql::Config find_sql() {
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
  if (::geteuid() == 0) config.uid = config.gid = nobody;
  return config;
}

}  // namespace mekong::app
