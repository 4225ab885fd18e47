#include "os/process.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "os/files.h"
#include "os/own_process.h"

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

TEST_F(ProcessTest, a_hardened_child_cannot_reach_into_the_kernel) {
#ifndef __x86_64__
  GTEST_SKIP() << "numbers of x86-64";
#endif
  const std::string attempts = R"(
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
def attempt(name, *arguments):
    ctypes.set_errno(0)
    done = libc.syscall(*arguments)
    print(name, "done" if done >= 0 else ctypes.get_errno())
attempt("getpid", 39)
attempt("ptrace", 101, 16, os.getppid(), 0, 0)
attempt("process_vm_readv", 310, os.getppid(), 0, 0, 0, 0, 0)
attempt("add_key", 248, b"user", b"k", b"v", 1, -3)
attempt("io_uring_setup", 425, 1, ctypes.create_string_buffer(120))
attempt("unshare", 272, 0x10000000)
attempt("clone", 56, 0x10000000 | 17, 0, 0, 0, 0)
attempt("clone3", 435, 0, 0)
attempt("mount", 165, b"tmpfs", b"/mnt", b"tmpfs", 0, 0)
attempt("bpf", 321, 0, 0, 0)
)";
  auto spec = shell("");
  spec.argv = {"/usr/bin/python3", "-c", attempts};
  spec.own_tree = true;
  spec.hardened = true;
  EXPECT_EQ(output_of(spec),
            "getpid done\nptrace 1\nprocess_vm_readv 1\nadd_key 1\nio_uring_setup 1\nunshare 1\nclone 1\n"
            "clone3 38\nmount 1\nbpf 1\n");
}

TEST_F(ProcessTest, a_hardened_tree_has_shared_memory_of_its_own) {
  if (processes_->tree() != TreeKind::pid_namespace) GTEST_SKIP() << "needs a PID namespace";
  const std::string name = "/dev/shm/mekong_process_test_" + std::to_string(::getpid());
  ASSERT_TRUE(files_.write_file_durably(name, "ours").ok());
  auto spec = shell("ls /dev/shm | wc -l; echo x > /dev/shm/own && cat /dev/shm/own; ipcs -q | grep -c 0x");
  spec.own_tree = true;
  spec.hardened = true;
  EXPECT_EQ(output_of(spec), "0\nx\n0\n");
  EXPECT_TRUE(files_.remove_tree(name).ok());
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

// Whether any process has this word in its command line; waits for the answer that is wanted.
bool running(const std::string& word, bool wanted) {
  bool found = !wanted;
  for (int i = 0; i < 500 && found != wanted; ++i) {
    ::usleep(10'000);
    found = false;
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
      std::ifstream file(entry.path() / "cmdline");
      const std::string line((std::istreambuf_iterator<char>(file)), {});
      found = found || line.find(word) != std::string::npos;
    }
  }
  return found;
}

// Programs that leave their parent's group and session, as a PySpark worker or a daemon does.
std::string runaways(const std::string& word) {
  return "setsid sleep " + word + " & (setsid setsid sleep " + word + " &); ";
}

class ProcessTreeTest : public ProcessTest {
 protected:
  void SetUp() override {
    if (processes_->tree() == TreeKind::process_group) GTEST_SKIP() << "no PID namespaces here";
    word_ = "86400." + std::to_string(::getpid());
  }
  ProcessSpec tree(const std::string& script) {
    auto spec = shell(script);
    spec.own_tree = true;
    return spec;
  }
  std::string word_;
};

TEST_F(ProcessTreeTest, a_program_ends_as_without_a_tree) {
  EXPECT_EQ(output_of(tree("echo $$; exit 3")), "2\n");
  EXPECT_EQ(status_.code, 3);
  EXPECT_EQ(output_of(tree("kill -9 $$")), "2\n");
  EXPECT_EQ(status_.code, 128 + SIGKILL);
  auto missing = tree("");
  missing.argv = {"/no/such/program"};
  EXPECT_EQ(processes_->spawn(missing).error().code, "ENOENT");
}

TEST_F(ProcessTreeTest, nothing_outlives_the_program) {
  EXPECT_EQ(output_of(tree(runaways(word_) + "sleep 0.2; exit 5")), "");
  EXPECT_EQ(status_.code, 5);
  EXPECT_FALSE(running(word_, false));
}

TEST_F(ProcessTreeTest, a_kill_takes_the_whole_tree_and_a_request_reaches_the_program) {
  auto killed = processes_->spawn(tree(runaways(word_) + "trap '' TERM; sleep 1000"));
  ASSERT_TRUE(killed.ok());
  EXPECT_TRUE(running(word_, true));
  (*killed)->signal(SIGKILL);
  EXPECT_EQ((*killed)->exited().get().code, 128 + SIGKILL);
  EXPECT_FALSE(running(word_, false));
  auto asked = processes_->spawn(tree("trap 'exit 7' TERM; echo ready; while :; do sleep 0.01; done"));
  ASSERT_TRUE(asked.ok());
  while (files_.read_file(folder_ + "/out")->find("ready") == std::string::npos) ::usleep(1'000);
  (*asked)->signal(SIGTERM);
  EXPECT_EQ((*asked)->exited().get().code, 7);
}

TEST_F(ProcessTreeTest, it_sees_itself_only_and_leaves_no_zombies) {
  const auto seen =
      output_of(tree("(sleep 0.01 &); (sleep 0.01 &); sleep 0.1; cat /proc/[0-9]*/comm; exit 0"));
  EXPECT_EQ(seen, "mekong-init\nsh\n");
}

constexpr const char* uid_variable = "MEKONG_TEST_SERVER_UID";
constexpr const char* word_variable = "MEKONG_TEST_SERVER_WORD";

// Starts this program anew for the test below alone. A mere fork would not do: it has one thread of many, and
// ThreadSanitizer lets it start no others.
pid_t start_server(uid_t uid, const std::string& word) {
  ::setenv(uid_variable, std::to_string(uid).c_str(), 1);
  ::setenv(word_variable, word.c_str(), 1);
  const pid_t server = ::fork();
  if (server == 0) {
    ::execl("/proc/self/exe", "server", "--gtest_filter=ProcessTreeServer.*",
            "--gtest_also_run_disabled_tests", nullptr);
    ::_exit(127);
  }
  ::unsetenv(uid_variable);
  return server;
}

// A server of its own process: starts a tree, then dies without a word.
TEST(ProcessTreeServer, DISABLED_is_killed) {
  const char* given = ::getenv(uid_variable);
  if (given == nullptr) GTEST_SKIP() << "started by the tests that follow";
  const auto uid = static_cast<uid_t>(std::stoul(given));
  const std::string word = ::getenv(word_variable);
  if (uid != 0 && (::setresgid(uid, uid, uid) != 0 || ::setresuid(uid, uid, uid) != 0)) ::_exit(1);
  if (!keep_memory_private().ok()) ::_exit(5);  // as a server does
  const auto processes = make_processes();
  if (uid != 0 && processes->tree() != TreeKind::user_namespace) ::_exit(2);
  ProcessSpec spec;
  spec.argv = {"/bin/sh", "-c", runaways(word) + "sleep 1000"};
  spec.environment = {{"PATH", "/usr/bin:/bin"}};
  spec.own_tree = true;
  const auto process = processes->spawn(spec);
  if (!process.ok()) ::_exit(3);
  if (!running(word, true)) ::_exit(4);
  ::kill(::getpid(), SIGKILL);
}

TEST_F(ProcessTreeTest, nothing_outlives_a_killed_server) {
  const pid_t server = start_server(0, word_);
  int status = 0;
  ASSERT_EQ(::waitpid(server, &status, 0), server);
  EXPECT_TRUE(WIFSIGNALED(status)) << WEXITSTATUS(status);
  EXPECT_FALSE(running(word_, false));
}

TEST_F(ProcessTreeTest, an_unprivileged_server_has_trees_too) {
  if (::getuid() != 0) GTEST_SKIP() << "the other tests are that test";
  const pid_t server = start_server(65534, word_);
  int status = 0;
  ASSERT_EQ(::waitpid(server, &status, 0), server);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 2) GTEST_SKIP() << "no user namespaces here";
  EXPECT_TRUE(WIFSIGNALED(status)) << WEXITSTATUS(status);
  EXPECT_FALSE(running(word_, false));
}

TEST_F(ProcessTreeTest, processes_and_files_are_limited) {
  if (::getuid() != 0) GTEST_SKIP() << "needs root";
  ASSERT_EQ(::chmod(folder_.c_str(), 0777), 0);
  auto spec =
      tree("for i in 1 2 3 4 5 6 7 8 9; do sleep 1 & done; head -c 5000 /dev/zero > " + folder_ + "/f");
  spec.uid = 212346;
  spec.processes_max = 5;
  spec.file_bytes_max = 1000;
  spec.stderr_path = folder_ + "/err";
  output_of(spec);
  EXPECT_NE(status_.code, 0);
  EXPECT_NE(files_.read_file(folder_ + "/err")->find("Cannot fork"), std::string::npos);
  spec.argv[2] = "head -c 5000 /dev/zero > " + folder_ + "/f";
  output_of(spec);
  EXPECT_NE(status_.code, 0);
  EXPECT_EQ(files_.read_file(folder_ + "/f")->size(), 1000u);
}

}  // namespace
}  // namespace mekong::os
