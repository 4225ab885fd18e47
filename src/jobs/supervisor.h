// jobs: supervised child processes that work for a role: Spark drivers and whatever else runs a customer's
// code.
//
// Each job has a uid of its own (never given out twice), a folder of its own (0700, removed at its end), a
// whole environment of its own, its own /etc/passwd (Hadoop asks it for the user's name) and the temporary
// credentials of its role behind a secret token (the container-credentials protocol). The server's data
// folder is covered by an empty one. stdout and stderr go to files in the data folder and to an observer
// while the job runs. Its network is its own: loopback, on which it finds this server and nobody else.
//
// A job ends by itself, by cancel() (SIGTERM, then SIGKILL) or with the server, even with one that is killed:
// its processes are one tree (os::ProcessSpec::own_tree), of which the kernel leaves nothing. Where the
// system permits no trees, the processes of its uid are killed instead. A server that was killed finds its
// jobs' records in meta (family "jobs") when it starts: recover() removes their folders and kills what a tree
// would have taken along. Its owner then ends the run by name.
//
// Knows no service: owners give a spec and callbacks. Any thread may call; calls may block briefly (pool
// threads).
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/authoriser.h"
#include "base/ids.h"
#include "base/logging.h"
#include "base/result.h"
#include "meta/store.h"
#include "os/clock.h"
#include "os/control_groups.h"
#include "os/files.h"
#include "os/net.h"
#include "os/process.h"
#include "os/random.h"

namespace mekong::jobs {

using JobId = Id<struct JobIdTag, std::string>;

struct Config {
  // Where jobs have their folders. Absolute, outside of every `hidden` folder; other uids must be able to
  // search its parents. Made with mode 0711.
  std::string work_folder;
  // Where stdout and stderr are kept, <job id>/{stdout,stderr}; may be below a hidden folder.
  std::string output_folder;
  std::vector<std::string> hidden;  // covered in every job's mount namespace: the data folder
  // false (--dev without root): jobs run as the server's own user, without the walls. Never with root.
  bool isolate = true;
  bool server_is_root = true;
  uint32_t uid_base = 200'000;
  uint32_t uid_count = 1'000'000'000;
  // Above 0: a new data folder, or a fork of one, begins at a random one of the first so many uids, so that
  // the jobs of two servers on a machine have none in common.
  uint32_t uid_spread = 0;
  std::string endpoint;  // of this server, e.g. "http://127.0.0.1:4566": where jobs fetch credentials
  std::map<std::string, std::string> hosts;  // name → address, in every isolated job's /etc/hosts
  // Isolated jobs live in private networks of this one; null, or where the system permits none: in the
  // machine's. Outlives the jobs.
  os::Network* network = nullptr;
  std::vector<std::string> addresses;  // os::PrivateNetworkOptions::addresses
  // Which limit an isolated job as a whole; null, or without controllers: each process by itself. Outlives
  // the jobs.
  os::ControlGroups* groups = nullptr;
  int64_t credentials_s = 3'600;  // how long a job's credentials live; renewed after two thirds
  int64_t poll_ms = 250;          // how often output is forwarded
  int64_t disk_every_ms = 10'000;
  int nice = 2;                   // jobs stand back behind the server when processors are short
  int64_t stop_grace_ms = 5'000;  // between SIGTERM and SIGKILL when the server stops
};

struct Credentials {
  std::string access_key_id, secret_access_key, session_token;
  int64_t expires_ms = 0;  // wall clock
  PrincipalPtr principal;
};

// Whom a job works for. An empty role: no credentials, no principal.
struct Role {
  std::string arn;
  std::string service_principal;  // e.g. "emr-serverless.amazonaws.com"
  std::string session_name;
  std::string source_arn = {};  // of whom the service works for, which the role's trust may ask for
};

// Makes a role session (iam::RoleSessions in the server). Errors: "AccessDenied", "NoSuchEntity".
using CredentialSource = std::function<Result<Credentials>(const Role& role, int64_t duration_s)>;

// A place to run: id, folder and uid are known before the command line is written, since it names them.
struct Place {
  JobId id;
  std::string folder;
  std::optional<uint32_t> uid;  // none: not isolated
};

struct Spec {
  std::vector<std::string> argv;  // argv[0]: absolute path
  std::map<std::string, std::string>
      environment;                           // over HOME, USER, PATH, TMPDIR, LANG and the credentials' two
  std::map<std::string, std::string> files;  // path in the folder → content, there before the start
  std::map<std::string, std::string> links;  // path in the folder → absolute target of a symbolic link
  std::string banner;                        // first bytes of stderr
  Role role;
  // Limits; 0: none.
  uint64_t memory_bytes_max =
      0;                     // of each process, and by Config::groups of all together (then it is killed)
  uint64_t cpu_threads = 0;  // how much the job as a whole weighs: os::GroupLimits::cpu_threads
  uint64_t open_files_max = 65'536;
  uint64_t processes_max = 8'192;  // its threads, too; only for jobs with a uid of their own
  // Of its folder, looked at every Config::disk_every_ms (then the job is killed), and of any one file or
  // output that it writes (then the write fails).
  uint64_t disk_bytes_max = 0;
};

enum class Stream { out, err };

struct Outcome {
  enum class Kind { exited, cancelled, server_stopped, over_disk, over_memory } kind = Kind::exited;
  int code = 0;    // exit code, or 128 + signal
  int signal = 0;  // 0: it exited
};

// Called on the job's own thread, one call at a time; may block. `ended` is the last call, once the job's
// processes are gone and its folder is removed.
struct Observer {
  std::function<void(Stream, std::string_view)> output = [](Stream, std::string_view) {};
  std::function<void()> tick = [] {};  // every poll_ms while it runs
  std::function<void(const Outcome&)> ended = [](const Outcome&) {};
};

// One request to the credentials endpoint, as the front saw it.
struct CredentialsRequest {
  std::string_view path;           // "/_mekong/credentials/<job id>"
  std::string_view authorization;  // the header's value
  bool loopback = false;
  std::optional<uint32_t> peer_uid;  // as the kernel says; a job with a uid of its own is refused without
};
struct CredentialsReply {
  int status = 200;
  std::string body;  // JSON
};
inline constexpr std::string_view credentials_prefix = "/_mekong/credentials/";

class Supervisor {
 public:
  Supervisor(Config config, meta::Store& meta, os::Processes& processes, os::Files& files,
             const os::Clock& clock, os::Random& random, Logger& logger, CredentialSource credentials);
  ~Supervisor();  // stop()
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;

  // Once, before anything else: ends what a killed server left behind. Errors: of meta and of the files.
  Status recover();

  // Fails with "IsolationImpossible" (not root, and Config::isolate), "TooManyJobs" (uids used up),
  // "ServerStopping".
  Result<Place> allocate();
  // Starts the job; on failure nothing of it is left and no callback is made. Errors: "AccessDenied" or
  // "NoSuchEntity" (the role), an errno's name (the program).
  Status start(const Place& place, const Spec& spec, Observer observer);
  // SIGTERM now, SIGKILL after `grace_ms`. Returns at once; "NoSuchJob" when it is not running.
  Status cancel(const JobId& id, int64_t grace_ms);
  // Cancels all jobs and waits until they are gone.
  void stop();

  // Bytes of a job's output, also after its end; empty past the end.
  Result<std::string> read_output(const JobId& id, Stream stream, uint64_t offset, size_t bytes) const;
  Status forget_output(const JobId& id);

  // The role session of the running job whose processes have `uid`; null if there is none.
  PrincipalPtr principal_for_uid(uint32_t uid);
  // The same by job. Errors as of CredentialSource, "NoSuchJob".
  Result<PrincipalPtr> principal(const JobId& id);
  CredentialsReply serve_credentials(const CredentialsRequest& request);

  // What a running job's listeners are reached through; null: the machine's network, or no such job.
  std::shared_ptr<os::PrivateNetwork> network_of(const JobId& id) const;

  size_t running() const;
  // What parts the jobs from the server and from each other, in words for people: "own uid, own network,
  // pid-namespace, limits of memory pids cpu".
  std::string walls() const;

 private:
  struct Job;
  struct State;
  std::unique_ptr<State> state_;
};

// Of a copy of a server's state: the jobs that its records tell of are the other server's, which goes on with
// them. The copy's own jobs begin at other uids.
Status forget_running(meta::Store& meta);

}  // namespace mekong::jobs
