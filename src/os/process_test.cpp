#include "os/process.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/files.h"

namespace mekong::os {
namespace {

class ProcessTest : public testing::Test {
 protected:
  ProcessTest() {
    char name[] = "/tmp/mekong_process_XXXXXX";
    folder_ = ::mkdtemp(name);
  }
  ~ProcessTest() override { EXPECT_TRUE(files_.remove_tree(folder_).ok()); }

  ProcessSpec shell(const std::string& script) {
    ProcessSpec spec;
    spec.argv = {"/bin/sh", "-c", script};
    spec.environment = {{"PATH", "/usr/bin:/bin"}};
    spec.stdout_path = folder_ + "/out";
    return spec;
  }
  std::string output_of(const ProcessSpec& spec) {
    auto process = processes_->spawn(spec);
    if (!process.ok()) return process.error().code;
    status_ = (*process)->exited().get();
    return *files_.read_file(folder_ + "/out");
  }

  std::unique_ptr<Processes> processes_ = make_processes();
  PosixFiles files_;
  std::string folder_;
  ExitStatus status_;
};

TEST_F(ProcessTest, runs_with_just_the_given_environment) {
  auto spec = shell("echo $SECRET-$HOME; exit 3");
  spec.environment["SECRET"] = "x";
  EXPECT_EQ(output_of(spec), "x-\n");
  EXPECT_EQ(status_.code, 3);
}

TEST_F(ProcessTest, a_missing_program_is_named) {
  ProcessSpec spec;
  spec.argv = {"/no/such/program"};
  EXPECT_EQ(processes_->spawn(spec).error().code, "ENOENT");
}

TEST_F(ProcessTest, a_signal_ends_the_whole_group) {
  auto process = processes_->spawn(shell("sleep 1000 & sleep 1000"));
  ASSERT_TRUE(process.ok());
  (*process)->signal(SIGTERM);
  EXPECT_EQ((*process)->exited().get().signal, SIGTERM);
}

TEST_F(ProcessTest, nothing_but_the_given_descriptors_is_inherited) {
  EXPECT_EQ(output_of(shell("ls /proc/self/fd | wc -l")), "4\n");  // 0, 1, 2 and ls's own
}

TEST_F(ProcessTest, memory_is_limited) {
  auto spec = shell("head -c 400000000 /dev/zero | tail -c 400000000 | wc -c; echo done");
  spec.memory_bytes_max = 100 << 20;
  EXPECT_EQ(output_of(spec).find("400000000"), std::string::npos);
}

TEST_F(ProcessTest, root_drops_to_the_childs_uid_and_hides_folders) {
  if (::getuid() != 0) GTEST_SKIP() << "needs root";
  ASSERT_TRUE(files_.make_directories(folder_ + "/data/secret").ok());
  ASSERT_TRUE(files_.make_directories(folder_ + "/own", 0755).ok());
  ASSERT_TRUE(files_.write_file_durably(folder_ + "/passwd", "job:x:212345:212345::/tmp:/bin/sh\n").ok());
  ASSERT_EQ(::chmod(folder_.c_str(), 0755), 0);
  ASSERT_EQ(::chmod((folder_ + "/passwd").c_str(), 0644), 0);
  auto spec = shell("id -un; ls " + folder_ + "/data; cat /proc/$PPID/environ 2>/dev/null | wc -c");
  spec.uid = 212345;
  spec.gid = 212345;
  spec.hidden = {folder_ + "/data"};
  spec.binds = {{folder_ + "/passwd", "/etc/passwd", true}, {folder_ + "/own", folder_ + "/data/own", false}};
  EXPECT_EQ(output_of(spec), "job\nown\n0\n");
}

}  // namespace
}  // namespace mekong::os
