#include "sql/worker.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>

namespace mekong::sql {
namespace {

constexpr uid_t nobody = 65534;

// A checkout in a private home: only the server's own account can walk to the script.
TEST(WorkersTest, TheScriptMayLieInAPrivateFolder) {
  const char* deps = std::getenv("MEKONG_DEPS");
  const std::string python = std::string(deps != nullptr ? deps : "") + "/athena-venv/bin/python";
  if (!std::filesystem::exists(python)) GTEST_SKIP() << "no " << python;
  std::string home = std::filesystem::temp_directory_path() / "mekong-home-XXXXXX";
  ASSERT_NE(::mkdtemp(home.data()), nullptr);  // mode 0700
  std::filesystem::copy(MEKONG_SOURCE_DIR "/workers", home + "/workers",
                        std::filesystem::copy_options::recursive);
  auto processes = os::make_processes();
  Config config{.python = python, .script = home + "/workers/sql_worker.py", .uid = {}, .gid = {}};
  if (::geteuid() == 0) config.uid = config.gid = nobody;
  Workers workers(config, *processes);
  auto worker = workers.take();
  ASSERT_TRUE(worker.ok()) << worker.error().message;
  auto statement = (*worker)->parse("SELECT 1", "default");
  EXPECT_TRUE(statement.ok()) << statement.error().message;
  std::filesystem::remove_all(home);
}

TEST(WorkersTest, AMissingFolderIsTheQuerysError) {
  auto processes = os::make_processes();
  Workers workers({.python = "/usr/bin/python3", .script = "/nonexistent/worker.py", .uid = {}, .gid = {}},
                  *processes);
  auto worker = workers.take();
  ASSERT_FALSE(worker.ok());
  EXPECT_EQ(worker.error().code, "ENOENT");
}

}  // namespace
}  // namespace mekong::sql
