#include "jobs/supervisor.h"

#include <csignal>
#include <filesystem>

#include <gtest/gtest.h>

#include "codec/json.h"

namespace mekong::jobs {
namespace {

constexpr std::string_view role_arn = "arn:aws:iam::000000000001:role/job";

struct FakeChild {
  os::ProcessSpec spec;
  Promise<os::ExitStatus> exit;
  std::mutex mutex;
  std::vector<int> signals;
  bool ignores_term = false;

  std::vector<int> seen() {
    std::lock_guard lock(mutex);
    return signals;
  }
};

class FakeProcess final : public os::Process {
 public:
  explicit FakeProcess(std::shared_ptr<FakeChild> child) : child_(std::move(child)) {}
  pid_t pid() const override { return 4711; }
  Future<os::ExitStatus> exited() override { return child_->exit.future(); }
  void signal(int number) override {
    {
      std::lock_guard lock(child_->mutex);
      child_->signals.push_back(number);
    }
    if (number == SIGKILL || !child_->ignores_term)
      child_->exit.set({.code = 128 + number, .signal = number});
  }

 private:
  std::shared_ptr<FakeChild> child_;
};

// Programs below /bin do their work at once; /opt/job runs until it is told to end.
class FakeProcesses final : public os::Processes {
 public:
  Result<std::unique_ptr<os::Process>> spawn(const os::ProcessSpec& spec) override {
    if (spec.argv[0] == "/missing") return Error{"ENOENT", "no such program"};
    auto child = std::make_shared<FakeChild>();
    child->spec = spec;
    if (spec.argv[0].starts_with("/bin/")) {
      helpers.push_back(spec);
      child->exit.set({});
    } else {
      child->ignores_term = ignores_term;
      std::filesystem::create_directories(std::filesystem::path(spec.stderr_path).parent_path());
      jobs.push_back(child);
    }
    return std::unique_ptr<os::Process>(std::make_unique<FakeProcess>(child));
  }
  bool ignores_term = false;
  std::vector<os::ProcessSpec> helpers;
  std::vector<std::shared_ptr<FakeChild>> jobs;
};

class SupervisorTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "jobs-XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder = name;
    config = {.work_folder = folder + "/work",
              .output_folder = folder + "/output",
              .hidden = {folder + "/data"},
              .endpoint = "http://127.0.0.1:4566",
              .poll_ms = 5};
    restart();
  }
  void TearDown() override {
    supervisor.reset();
    std::filesystem::remove_all(folder);
  }
  void restart() {
    supervisor = std::make_unique<Supervisor>(
        config, *meta, processes, files, clock, random, null_logger(),
        [this](const Role& role, int64_t duration_s) -> Result<Credentials> {
          if (refuse_role) return Error{"AccessDenied", "not trusted"};
          auto principal = std::make_shared<Principal>();
          principal->kind = PrincipalKind::role_session;
          principal->role_arn = role.arn;
          return Credentials{.access_key_id = "ASIA" + std::to_string(++sessions),
                             .secret_access_key = "secret",
                             .session_token = "token",
                             .expires_ms = clock.wall_ms() + duration_s * 1000,
                             .principal = principal};
        });
    ASSERT_TRUE(supervisor->recover().ok());
  }
  Spec spec() {
    return {.argv = {"/opt/job"},
            .files = {{"conf/spark-defaults.conf", "a b\n"}},
            .links = {{".m2/repository", "/srv/m2"}},
            .banner = "banner\n",
            .role = {std::string(role_arn), "emr-serverless.amazonaws.com", "run"}};
  }
  Observer observer() {
    return {.output =
                [this](Stream stream, std::string_view bytes) {
                  std::lock_guard lock(mutex);
                  (stream == Stream::out ? out : err) += bytes;
                },
            .ended = [this](const Outcome& outcome) { ended.set(outcome); }};
  }
  std::string secret_of(const FakeChild& child) {
    return child.spec.environment.at("AWS_CONTAINER_AUTHORIZATION_TOKEN");
  }

  std::string folder;
  Config config;
  std::unique_ptr<meta::Store> meta = meta::make_memory_store();
  FakeProcesses processes;
  os::PosixFiles files;
  os::ManualClock clock{1'700'000'000'000};
  os::SeededRandom random{1};
  bool refuse_role = false;
  int sessions = 0;
  std::mutex mutex;
  std::string out, err;
  Promise<Outcome> ended;
  std::unique_ptr<Supervisor> supervisor;
};

TEST_F(SupervisorTest, GivesEachJobItsOwnUidFolderAndToken) {
  const auto one = supervisor->allocate();
  const auto two = supervisor->allocate();
  ASSERT_TRUE(one.ok() && two.ok());
  EXPECT_EQ(one->uid, 200'000u);
  EXPECT_EQ(two->uid, 200'001u);
  EXPECT_NE(one->folder, two->folder);
  ASSERT_TRUE(supervisor->start(*one, spec(), observer()).ok());
  const auto& started = processes.jobs.at(0)->spec;
  EXPECT_EQ(started.uid, 200'000u);
  EXPECT_EQ(started.gid, 200'000u);
  EXPECT_EQ(started.hidden, config.hidden);
  ASSERT_EQ(started.binds.size(), 1u);
  EXPECT_EQ(started.binds[0].target, "/etc/passwd");
  EXPECT_EQ(started.environment.at("HOME"), one->folder);
  EXPECT_EQ(started.environment.at("AWS_CONTAINER_CREDENTIALS_FULL_URI"),
            "http://127.0.0.1:4566/_mekong/credentials/" + one->id.value);
  const auto passwd = files.read_file(one->folder + "/.passwd");
  ASSERT_TRUE(passwd.ok());
  EXPECT_NE(passwd->find("hadoop:x:200000:200000::" + one->folder), std::string::npos);
  EXPECT_EQ(processes.helpers.back().argv[0], "/bin/chown");
}

TEST_F(SupervisorTest, TwoServersOnAMachineDoNotShareUids) {
  config.uid_spread = 900'000'000;
  restart();
  const uint32_t first = *supervisor->allocate()->uid;
  EXPECT_NE(first, 200'000u);  // with this seed
  restart();
  EXPECT_EQ(supervisor->allocate()->uid, first + 1);
  ASSERT_TRUE(forget_running(*meta).ok());  // what a fork does
  restart();
  const uint32_t forked = *supervisor->allocate()->uid;
  EXPECT_GT(std::max(forked, first) - std::min(forked, first), 1'000u);
}

TEST_F(SupervisorTest, NeverGivesOutAUidTwiceAcrossRestarts) {
  ASSERT_TRUE(supervisor->allocate().ok());
  restart();
  EXPECT_EQ(supervisor->allocate()->uid, 200'001u);
  config.uid_count = 2;
  restart();
  EXPECT_EQ(supervisor->allocate().error().code, "TooManyJobs");
}

TEST_F(SupervisorTest, RefusesToRunWithoutWalls) {
  config.server_is_root = false;
  restart();
  EXPECT_EQ(supervisor->allocate().error().code, "IsolationImpossible");
  config.isolate = false;
  restart();
  const auto place = supervisor->allocate();
  ASSERT_TRUE(place.ok());
  EXPECT_FALSE(place->uid.has_value());
}

TEST_F(SupervisorTest, ForwardsOutputAndCleansUpAtTheEnd) {
  const auto place = supervisor->allocate();
  ASSERT_TRUE(supervisor->start(*place, spec(), observer()).ok());
  EXPECT_EQ(supervisor->running(), 1u);
  auto& child = *processes.jobs.at(0);
  auto file = files.open(child.spec.stdout_path, os::OpenMode::create);
  ASSERT_TRUE(file.ok() && (*file)->write(0, "hello\n").ok());
  child.exit.set({.code = 3});
  auto future = ended.future();
  const auto outcome = future.get();
  EXPECT_EQ(outcome.kind, Outcome::Kind::exited);
  EXPECT_EQ(outcome.code, 3);
  EXPECT_EQ(out, "hello\n");
  EXPECT_EQ(err, "banner\n");
  EXPECT_EQ(supervisor->running(), 0u);
  EXPECT_FALSE(*files.exists(place->folder));
  EXPECT_EQ(*supervisor->read_output(place->id, Stream::out, 0, 100), "hello\n");
  // Whatever the uid still had was killed.
  EXPECT_EQ(processes.helpers.back().uid, place->uid);
  EXPECT_EQ(supervisor->principal_for_uid(*place->uid), nullptr);
}

TEST_F(SupervisorTest, KillsWhatIgnoresTheRequestToEnd) {
  processes.ignores_term = true;
  const auto place = supervisor->allocate();
  ASSERT_TRUE(supervisor->start(*place, spec(), observer()).ok());
  ASSERT_TRUE(supervisor->cancel(place->id, 1'000).ok());
  auto& child = *processes.jobs.at(0);
  while (child.seen().empty()) std::this_thread::yield();
  EXPECT_EQ(child.seen(), std::vector<int>{SIGTERM});
  clock.advance_ms(1'000);
  auto future = ended.future();
  EXPECT_EQ(future.get().kind, Outcome::Kind::cancelled);
  EXPECT_EQ(child.seen().at(1), SIGKILL);
  EXPECT_EQ(supervisor->cancel(place->id, 0).error().code, "NoSuchJob");
}

TEST_F(SupervisorTest, EndsAllJobsWithTheServer) {
  const auto place = supervisor->allocate();
  ASSERT_TRUE(supervisor->start(*place, spec(), observer()).ok());
  supervisor->stop();
  auto future = ended.future();
  EXPECT_EQ(future.get().kind, Outcome::Kind::server_stopped);
  EXPECT_EQ(supervisor->allocate().error().code, "ServerStopping");
}

TEST_F(SupervisorTest, KillsWhatAKilledServerLeftBehind) {
  const std::string lost = config.work_folder + "/lost";
  ASSERT_TRUE(files.make_directories(lost).ok());
  meta::Batch batch;
  const std::string group = folder + "/group";
  ASSERT_TRUE(files.make_directories(group).ok());
  batch.put("jobs", "job/lost",
            R"({"Id":"lost","Uid":200007,"Folder":")" + lost + R"(","Groups":[")" + group + "\"]}");
  ASSERT_TRUE(meta->commit(std::move(batch)).get().ok());
  restart();
  ASSERT_FALSE(processes.helpers.empty());
  EXPECT_EQ(processes.helpers.back().uid, 200'007u);
  EXPECT_FALSE(*files.exists(lost));
  EXPECT_FALSE(*files.exists(group));
  EXPECT_FALSE(meta->get("jobs", "job/lost")->has_value());
}

TEST_F(SupervisorTest, LeavesNothingOfAJobThatCannotStart) {
  const auto place = supervisor->allocate();
  auto missing = spec();
  missing.argv = {"/missing"};
  EXPECT_EQ(supervisor->start(*place, missing, observer()).error().code, "ENOENT");
  EXPECT_FALSE(*files.exists(place->folder));
  EXPECT_EQ(supervisor->running(), 0u);
  refuse_role = true;
  EXPECT_EQ(supervisor->start(*place, spec(), observer()).error().code, "AccessDenied");
}

TEST_F(SupervisorTest, GivesCredentialsOnlyToTheJobItself) {
  const auto place = supervisor->allocate();
  ASSERT_TRUE(supervisor->start(*place, spec(), observer()).ok());
  const std::string path = "/_mekong/credentials/" + place->id.value;
  const auto secret = secret_of(*processes.jobs.at(0));
  const CredentialsRequest good{
      .path = path, .authorization = secret, .loopback = true, .peer_uid = place->uid};
  auto reply = supervisor->serve_credentials(good);
  EXPECT_EQ(reply.status, 200);
  const auto json = codec::parse_json(reply.body);
  ASSERT_TRUE(json.ok());
  EXPECT_EQ(json->find("AccessKeyId")->string, "ASIA1");
  EXPECT_EQ(json->find("Token")->string, "token");
  EXPECT_EQ(json->find("Expiration")->string, "2023-11-14T23:13:20Z");
  EXPECT_EQ(supervisor->principal_for_uid(*place->uid)->role_arn, role_arn);

  auto wrong = good;
  wrong.authorization = "guess";
  EXPECT_EQ(supervisor->serve_credentials(wrong).status, 401);
  wrong = good;
  for (const auto uid : {std::optional<uint32_t>(*place->uid + 1), std::optional<uint32_t>()}) {
    wrong.peer_uid = uid;
    EXPECT_EQ(supervisor->serve_credentials(wrong).status, 401);
  }
  wrong = good;
  wrong.loopback = false;
  EXPECT_EQ(supervisor->serve_credentials(wrong).status, 403);
  wrong = good;
  wrong.path = "/_mekong/credentials/other";
  EXPECT_EQ(supervisor->serve_credentials(wrong).status, 401);
}

TEST_F(SupervisorTest, cred_endpoint_after_job_end) {
  const auto place = supervisor->allocate();
  ASSERT_TRUE(supervisor->start(*place, spec(), observer()).ok());
  auto& child = *processes.jobs.at(0);
  const std::string path = "/_mekong/credentials/" + place->id.value;
  const auto secret = secret_of(child);
  const CredentialsRequest request{
      .path = path, .authorization = secret, .loopback = true, .peer_uid = place->uid};
  EXPECT_EQ(supervisor->serve_credentials(request).status, 200);
  child.exit.set({.code = 0});
  auto future = ended.future();
  future.get();
  EXPECT_EQ(supervisor->serve_credentials(request).status, 401);
}

TEST_F(SupervisorTest, RenewsCredentialsBeforeTheyExpire) {
  const auto place = supervisor->allocate();
  ASSERT_TRUE(supervisor->start(*place, spec(), observer()).ok());
  const std::string path = "/_mekong/credentials/" + place->id.value;
  const auto secret = secret_of(*processes.jobs.at(0));
  const CredentialsRequest request{
      .path = path, .authorization = secret, .loopback = true, .peer_uid = place->uid};
  clock.advance_ms(39 * 60'000);
  EXPECT_NE(supervisor->serve_credentials(request).body.find("ASIA1"), std::string::npos);
  clock.advance_ms(2 * 60'000);
  EXPECT_NE(supervisor->serve_credentials(request).body.find("ASIA2"), std::string::npos);
  // A role that is gone: what was given stays valid to its end, then nothing.
  refuse_role = true;
  clock.advance_ms(50 * 60'000);
  EXPECT_NE(supervisor->serve_credentials(request).body.find("ASIA2"), std::string::npos);
  clock.advance_ms(11 * 60'000);
  EXPECT_EQ(supervisor->serve_credentials(request).status, 403);
}

}  // namespace
}  // namespace mekong::jobs
