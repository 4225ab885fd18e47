#include "os/control_groups.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>

#include "os/process.h"

namespace mekong::os {
namespace {

namespace fs = std::filesystem;

void write(const std::string& path, const std::string& text) {
  fs::create_directories(fs::path(path).parent_path());
  std::ofstream(path) << text;
}

// What a kernel would offer, as plain files: which of them are written, and with what.
class FakeTree : public testing::Test {
 protected:
  FakeTree() {
    char name[] = "/tmp/mekong_groups_XXXXXX";
    root_ = ::mkdtemp(name);
  }
  ~FakeTree() override { fs::remove_all(root_); }
  std::unique_ptr<ControlGroups> find() { return find_control_groups(root_ + "/own", root_ + "/mounts"); }
  std::string root_;
};

TEST_F(FakeTree, version_1_is_found_below_our_own_group) {
  write(root_ + "/own", "9:memory:/outer/ours\n8:cpu,cpuacct:/\n0::/\n");
  write(root_ + "/mounts",
        "30 25 0:26 / " + root_ + "/cpu rw - cgroup cgroup rw,cpu,cpuacct\n31 25 0:27 /outer " + root_ +
            "/memory rw - cgroup cgroup rw,memory\n32 25 0:28 / /proc rw - proc proc rw\n");
  fs::create_directories(root_ + "/cpu");
  fs::create_directories(root_ + "/memory/ours");
  EXPECT_EQ(find()->controllers(), (std::vector<std::string>{"memory", "cpu"}));
  // The kernel makes a group's files with its folder; nobody does here.
  EXPECT_EQ(find()->make("job", {.memory_bytes_max = 1}).error().code, "ENOENT");
  EXPECT_FALSE(fs::exists(root_ + "/cpu/job"));
}

TEST_F(FakeTree, version_2_offers_what_is_enabled_below_us) {
  write(root_ + "/own", "0::/ours\n");
  write(root_ + "/mounts", "30 25 0:26 / " + root_ + "/all rw shared:1 - cgroup2 cgroup2 rw\n");
  write(root_ + "/all/ours/cgroup.controllers", "cpu io memory pids\n");
  // A plain file keeps what is asked of it at its beginning: the first word is there for that.
  write(root_ + "/all/ours/cgroup.subtree_control", "________ memory pids\n");
  EXPECT_EQ(find()->controllers(), (std::vector<std::string>{"memory", "pids"}));
}

TEST_F(FakeTree, nothing_is_found_where_nothing_is) {
  EXPECT_TRUE(find()->controllers().empty());
  auto none = find()->make("job", {.memory_bytes_max = 1});
  ASSERT_TRUE(none.ok());
  EXPECT_TRUE((*none)->descriptors().empty());
  EXPECT_EQ((*none)->killed_for_memory(), 0u);
}

TEST_F(FakeTree, looking_changes_nothing_and_says_what_is_in_the_way) {
  write(root_ + "/own", "0::/ours\n");
  write(root_ + "/mounts", "30 25 0:26 / " + root_ + "/all rw shared:1 - cgroup2 cgroup2 rw\n");
  const std::string ours = root_ + "/all/ours/";
  write(ours + "cgroup.type", "domain\n");
  write(ours + "cgroup.controllers", "cpu io memory pids\n");
  write(ours + "cgroup.subtree_control", "pids\n");
  const auto look = [&] { return look_for_control_groups(root_ + "/own", root_ + "/mounts"); };
  write(ours + "cgroup.procs", "1\n" + std::to_string(::getpid()) + "\n");  // a shell's group
  EXPECT_EQ(look().controllers, std::vector<std::string>{"pids"});
  EXPECT_EQ(look().hindrance,
            "memory: not mounted, or this process's group holds others; "
            "cpu: not mounted, or this process's group holds others");
  write(ours + "cgroup.procs", std::to_string(::getpid()) + "\n");
  EXPECT_EQ(look().controllers, (std::vector<std::string>{"memory", "pids", "cpu"}));
  EXPECT_EQ(look().hindrance, "");
  write(ours + "cgroup.procs", "1\n2\n");
  fs::remove(ours + "cgroup.type");  // the root of all groups
  EXPECT_EQ(look().controllers.size(), 3u);
  EXPECT_FALSE(fs::exists(ours + "mekong-server"));
  std::string left;
  std::ifstream(ours + "cgroup.subtree_control") >> left;
  EXPECT_EQ(left, "pids");
}

TEST(ControlGroupsTest, where_processors_are_short_a_group_weighs_what_it_may) {
  const auto groups = find_control_groups();
  const auto& controllers = groups->controllers();
  if (::getuid() != 0 || std::find(controllers.begin(), controllers.end(), "cpu") == controllers.end())
    GTEST_SKIP() << "no cpu controller to write to";
  const auto processes = make_processes();
  char folder[] = "/tmp/mekong_weights_XXXXXX";
  ASSERT_NE(::mkdtemp(folder), nullptr);
  // Both turn on one processor until the same moment, and tell what they had of it.
  const std::string program =
      "import os, time, sys\nos.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n"
      "until = float(sys.argv[1])\nwhile time.time() < until: pass\n"
      "open(sys.argv[2], 'w').write(str(time.process_time()))";
  const auto until = std::chrono::system_clock::now().time_since_epoch() + std::chrono::milliseconds(1500);
  const std::string until_s = std::to_string(std::chrono::duration<double>(until).count());
  std::vector<std::unique_ptr<ControlGroup>> made;
  std::vector<std::unique_ptr<Process>> running;
  for (const uint64_t threads : {1, 8}) {
    auto group = groups->make("mekong-test-" + std::to_string(::getpid()) + "-" + std::to_string(threads),
                              {.cpu_threads = threads});
    ASSERT_TRUE(group.ok()) << group.error().message;
    ProcessSpec spec;
    spec.groups = (*group)->descriptors();
    spec.argv = {"/usr/bin/python3", "-c", program, until_s, folder + ("/" + std::to_string(threads))};
    auto process = processes->spawn(spec);
    ASSERT_TRUE(process.ok());
    made.push_back(std::move(*group));
    running.push_back(std::move(*process));
  }
  for (const auto& process : running) EXPECT_EQ(process->exited().get().code, 0);
  double light_s = 0, heavy_s = 0;
  std::ifstream(folder + std::string("/1")) >> light_s;
  std::ifstream(folder + std::string("/8")) >> heavy_s;
  EXPECT_GT(heavy_s, 3 * light_s);
  EXPECT_GT(light_s, 0);
  fs::remove_all(folder);
}

TEST(ControlGroupsTest, the_kernel_ends_who_takes_more_together_than_allowed) {
  const auto groups = find_control_groups();
  const auto& controllers = groups->controllers();
  if (::getuid() != 0 || std::find(controllers.begin(), controllers.end(), "memory") == controllers.end())
    GTEST_SKIP() << "no memory controller to write to";
  const auto processes = make_processes();
  std::vector<std::string> folders;
  {
    auto group = groups->make("mekong-test-" + std::to_string(::getpid()),
                              {.memory_bytes_max = 64 << 20, .processes_max = 20, .cpu_threads = 2});
    ASSERT_TRUE(group.ok()) << group.error().message;
    folders = (*group)->folders();
    EXPECT_FALSE(folders.empty());
    ProcessSpec spec;
    spec.own_tree = true;
    spec.groups = (*group)->descriptors();
    const auto run = [&](const std::string& program) {
      spec.argv = {"/usr/bin/python3", "-c", program};
      auto process = processes->spawn(spec);
      if (!process.ok()) return -1;
      auto ended = (*process)->exited();
      return ended.get().code;
    };
    EXPECT_EQ(run("x = bytearray(30 << 20)"), 0);
    EXPECT_EQ((*group)->killed_for_memory(), 0u);
    // Each alone would fit.
    EXPECT_NE(run("import os\npid = os.fork()\nx = bytearray(40 << 20)\n"
                  "if pid: os._exit(os.waitpid(pid, 0)[1] != 0)\nimport time; time.sleep(1)"),
              0);
    EXPECT_GE((*group)->killed_for_memory(), 1u);
    EXPECT_NE(run("import threading, time\nfor i in range(30): threading.Thread(target=time.sleep, "
                  "args=(1,), daemon=True).start()"),
              0);
  }
  for (const auto& folder : folders) EXPECT_FALSE(fs::exists(folder)) << folder;
}

}  // namespace
}  // namespace mekong::os
