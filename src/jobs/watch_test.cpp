// The supervisor with real processes: limits, ends, and what is left afterwards.
#include <csignal>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "jobs/supervisor.h"

namespace mekong::jobs {
namespace {

size_t entries(const std::string& folder) {
  const std::filesystem::directory_iterator all(folder);
  return static_cast<size_t>(std::distance(begin(all), end(all)));
}

struct Ended {
  Promise<Outcome> promise;
  Future<Outcome> future = promise.future();
};

class WatchTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = "/tmp/jobs-XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
    ::chmod(folder_.c_str(), 0755);
    config_ = {.work_folder = folder_ + "/work",
               .output_folder = folder_ + "/output",
               .isolate = root_,
               .server_is_root = root_,
               .uid_base = 700'000 + static_cast<uint32_t>(::getpid()) % 1'000 * 1'000,
               .network = network_.get(),
               .groups = groups_.get(),
               .poll_ms = 10,
               .disk_every_ms = 10};
    supervisor_ = std::make_unique<Supervisor>(
        config_, *meta_, *processes_, files_, clock_, random_, null_logger(),
        [](const Role&, int64_t) -> Result<Credentials> { return Error{"AccessDenied", "no roles here"}; });
    ASSERT_TRUE(supervisor_->recover().ok());
  }
  void TearDown() override {
    supervisor_.reset();
    std::filesystem::remove_all(folder_);
  }
  // Starts a shell script; what it says stays readable by the place's id.
  Place start(Spec spec, const std::string& script, const std::shared_ptr<Ended>& ended) {
    const auto place = supervisor_->allocate();
    EXPECT_TRUE(place.ok());
    spec.argv = {"/bin/sh", "-c", script};
    const auto started = supervisor_->start(
        *place, spec, {.ended = [ended](const Outcome& outcome) { ended->promise.set(outcome); }});
    EXPECT_TRUE(started.ok()) << (started.ok() ? "" : started.error().message);
    return *place;
  }
  Outcome run(const Spec& spec, const std::string& script) {
    const auto ended = std::make_shared<Ended>();
    const auto place = start(spec, script, ended);
    const auto outcome = ended->future.get();
    out_ = *supervisor_->read_output(place.id, Stream::out, 0, 1 << 20);
    err_ = *supervisor_->read_output(place.id, Stream::err, 0, 1 << 20);
    return outcome;
  }
  // Processes, zombies too, that are the jobs' or children of ours.
  std::vector<std::string> left() const {
    std::vector<std::string> out;
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
      std::ifstream stat(entry.path() / "stat");
      std::string pid, name, state;
      pid_t parent = 0;
      struct stat info{};
      if (!(stat >> pid >> name >> state >> parent) || ::stat(entry.path().c_str(), &info) != 0) continue;
      const bool of_job = root_ && info.st_uid >= config_.uid_base && info.st_uid < config_.uid_base + 1'000;
      if (of_job || parent == ::getpid()) out.push_back(name + " " + state);
    }
    return out;
  }

  const bool root_ = ::geteuid() == 0;
  std::string folder_, out_, err_;
  std::unique_ptr<os::Network> network_ = os::make_network(1);
  std::unique_ptr<os::ControlGroups> groups_ = os::find_control_groups();
  Config config_;
  std::unique_ptr<meta::Store> meta_ = meta::make_memory_store();
  std::unique_ptr<os::Processes> processes_ = os::make_processes();
  os::PosixFiles files_;
  os::SystemClock clock_;
  os::SeededRandom random_{3};
  std::unique_ptr<Supervisor> supervisor_;
};

TEST_F(WatchTest, TwoHundredJobsAMinuteLeaveNothing) {
  constexpr int jobs = 200;
  constexpr size_t at_once = 8;
  // One stays behind in the background, one leaves its group and session.
  const std::string script = "sleep 1000 & setsid sleep 1000 & echo x";
  EXPECT_EQ(run({}, script).code, 0);  // what is made once is there now
  const auto descriptors = entries("/proc/self/fd"), threads = entries("/proc/self/task");
  const auto began_ns = clock_.monotonic_ns();
  std::vector<std::shared_ptr<Ended>> running;
  for (int i = 0; i < jobs; ++i) {
    if (running.size() == at_once) {
      EXPECT_EQ(running.front()->future.get().code, 0);
      running.erase(running.begin());
    }
    running.push_back(std::make_shared<Ended>());
    start({}, script, running.back());
  }
  for (const auto& ended : running) EXPECT_EQ(ended->future.get().code, 0);
  EXPECT_LT(clock_.monotonic_ns() - began_ns, 60'000'000'000);
  EXPECT_EQ(supervisor_->running(), 0u);
  supervisor_->stop();
  EXPECT_EQ(left(), std::vector<std::string>());
  EXPECT_EQ(entries(config_.work_folder), 0u);
  EXPECT_TRUE(meta_->scan("jobs", meta::prefix_range("job/", 10))->empty());
  EXPECT_EQ(entries("/proc/self/fd"), descriptors);
  EXPECT_LE(entries("/proc/self/task"), threads);
}

TEST_F(WatchTest, ACancelledJobThatWillNotEndIsKilledWithAllItStarted) {
  const auto ended = std::make_shared<Ended>();
  const auto place =
      start({}, "trap '' TERM; setsid sleep 1000 & echo ready; while :; do sleep 0.05; done", ended);
  while (supervisor_->read_output(place.id, Stream::out, 0, 10).value() != "ready\n") ::usleep(1'000);
  ASSERT_TRUE(supervisor_->cancel(place.id, 50).ok());
  const auto outcome = ended->future.get();
  EXPECT_EQ(outcome.kind, Outcome::Kind::cancelled);
  EXPECT_EQ(outcome.code, 128 + SIGKILL);
  EXPECT_EQ(left(), std::vector<std::string>());
}

TEST_F(WatchTest, AJobThatFillsItsFolderIsEnded) {
  Spec spec;
  spec.disk_bytes_max = 1 << 20;
  const auto outcome = run(spec, "i=0; while :; do i=$((i+1)); head -c 100000 /dev/zero > f$i; done");
  EXPECT_EQ(outcome.kind, Outcome::Kind::over_disk);
  // A single file cannot even be written.
  EXPECT_NE(run(spec, "head -c 2000000 /dev/zero > f").code, 0);
}

// What a job says while its disk is full has been kept room for, and nothing of that is left behind its end.
TEST_F(WatchTest, LastWordsHaveRoomOnAFullDisk) {
  const auto ended = std::make_shared<Ended>();
  const auto place = start({}, "echo ready; while [ ! -e go ]; do sleep 0.01; done; echo why", ended);
  const auto path = config_.output_folder + "/" + place.id.value + "/stdout";
  struct stat info{};
  const auto held_bytes = [&] { return ::stat(path.c_str(), &info) == 0 ? info.st_blocks * 512 : 0; };
  while (held_bytes() < 256 << 10) ::usleep(1'000);
  EXPECT_EQ(info.st_size, 6);
  std::ofstream(place.folder + "/go") << "";
  EXPECT_EQ(ended->future.get().code, 0);
  EXPECT_LE(held_bytes(), 4096);
  EXPECT_EQ(*supervisor_->read_output(place.id, Stream::out, 0, 100), "ready\nwhy\n");
}

TEST_F(WatchTest, AJobStandsBackAndHasSoManyProcesses) {
  Spec spec;
  spec.processes_max = 10;
  EXPECT_EQ(run(spec, "nice").code, 0);
  EXPECT_EQ(std::stoi(out_), config_.nice + ::nice(0));
  if (!root_) GTEST_SKIP() << "a limit of the uid, which needs a uid of its own";
  EXPECT_NE(run(spec, "for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 1000 & done; echo all").code, 0);
  EXPECT_EQ(out_, "");
  EXPECT_NE(err_.find("Cannot fork"), std::string::npos);
}

TEST_F(WatchTest, AJobHasANetworkOfItsOwn) {
  EXPECT_EQ(supervisor_->walls().find("own network") != std::string::npos, root_);
  if (!root_) GTEST_SKIP() << "needs root";
  auto uid = std::make_shared<Promise<uint32_t>>();
  auto listener = network_->listen({}, [uid](os::ConnectionPtr connection) -> Task<void> {
    const auto known = connection->peer_uid();
    auto written = co_await connection->write("hello\n", 5'000);
    if (written.ok()) uid->set(known.ok() ? *known : 0);
  });
  ASSERT_TRUE(listener.ok());
  const auto port = std::to_string((*listener)->endpoint().port);
  const std::string asks = "import socket; print(socket.create_connection(('127.0.0.1', " + port +
                           ")).makefile().readline().strip())";
  EXPECT_EQ(run({}, "tail -n +3 /proc/net/dev | cut -d: -f1; python3 -c \"" + asks + "\"").code, 0) << err_;
  EXPECT_EQ(out_, "    lo\nhello\n");
  auto known = uid->future();
  EXPECT_EQ(known.get(), config_.uid_base);
}

TEST_F(WatchTest, AJobThatTakesTooMuchMemoryIsEndedAndItsNeighbourLives) {
  if (!root_ || supervisor_->walls().find("together: memory") == std::string::npos)
    GTEST_SKIP() << "needs a memory controller";
  const auto ended = std::make_shared<Ended>();
  start({}, "sleep 2; echo lives", ended);
  Spec spec;
  spec.memory_bytes_max = 64 << 20;
  // Two of which each alone would fit; the first outlives the second, and is not left waiting.
  const std::string hog = "python3 -c 'import time; x = bytearray(40 << 20); time.sleep(1000)'";
  const auto outcome = run(spec, hog + " & " + hog + " & sleep 1000");
  EXPECT_EQ(outcome.kind, Outcome::Kind::over_memory);
  EXPECT_EQ(ended->future.get().code, 0);
  // Its own limit, which it is told of.
  EXPECT_NE(run(spec, "python3 -c 'x = bytearray(80 << 20)'").code, 0);
  EXPECT_NE(err_.find("MemoryError"), std::string::npos);
}

}  // namespace
}  // namespace mekong::jobs
