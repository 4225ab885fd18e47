// Inside of the supervisor: one running job, and what the supervisor's parts share. Not for other modules.
#pragma once
#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <thread>

#include "codec/record.h"
#include "jobs/supervisor.h"

namespace mekong::jobs {

// What a later run of the server must know to clean up: kept in meta while anything of the job exists.
struct Record {
  std::string id;
  uint32_t uid = 0;  // 0: ran as the server's user
  std::string folder;
  bool namespaced = false;               // its processes were a PID namespace, which died with its server
  std::vector<std::string> groups = {};  // folders of its control groups
  template <class F>
  void each_field(F&& f) {
    f("Id", id), f("Uid", uid), f("Folder", folder), f("Namespaced", namespaced), f("Groups", groups);
  }
};

struct Supervisor::Job {
  Job(Place at, const Spec& spec, std::string token, Observer callbacks)
      : place(std::move(at)),
        role(spec.role),
        disk_bytes_max(spec.disk_bytes_max),
        secret(std::move(token)),
        observer(std::move(callbacks)) {}

  // The first wish counts; a shorter grace of a later one does too.
  void cancel(int64_t grace, Outcome::Kind kind);

  const Place place;
  const Role role;
  const uint64_t disk_bytes_max;
  const std::string secret;
  Observer observer;
  std::unique_ptr<os::ControlGroup> group;  // null: none; set before the start
  std::unique_ptr<os::Process> process;
  std::thread thread;
  std::mutex join_mutex;
  void join();  // of its thread; whoever comes second finds it done

  std::mutex mutex;  // of all below
  std::condition_variable wake;
  std::shared_ptr<os::PrivateNetwork> network;  // null: the machine's
  bool exited = false;
  bool cancelling = false;
  int64_t grace_ms = 0;
  Outcome::Kind kind = Outcome::Kind::exited;

  std::mutex credentials_mutex;
  Credentials credentials;
};

struct Supervisor::State {
  Config config;
  meta::Store& meta;
  os::Processes& processes;
  os::Files& files;
  const os::Clock& clock;
  os::Random& random;
  Logger& logger;
  CredentialSource credentials;

  mutable std::mutex mutex = {};  // of jobs, finished, stopping
  std::map<JobId, std::shared_ptr<Job>> jobs = {};
  std::vector<std::shared_ptr<Job>> finished = {};  // their threads are to be joined
  std::atomic<bool> stopping = false;
  bool private_networks = false;       // whether there are any: found out by recover()
  std::shared_mutex start_mutex = {};  // shared: a job is being started; stop() waits for those
  std::mutex uid_mutex = {};

  Result<uint32_t> next_uid();
  Status write_file(const std::string& path, std::string_view content);
  Status prepare_folder(const Place& place, const Spec& spec);
  os::ProcessSpec process_spec(const Job& job, const Spec& spec);
  Status launch(Job& job, const Spec& spec);
  // Runs a short program and waits for it.
  Status run_helper(std::vector<std::string> argv, std::optional<uint32_t> uid);
  void kill_uid(uint32_t uid);
  std::string limits_in_words() const;
  Status discard(const Record& record);
  std::string output_path(const JobId& id, Stream stream) const;
  // Gives back what stands reserved behind the ends; nobody writes any more. What cannot be given back is
  // only said: it harms nothing but the room.
  void end_output(const JobId& id);
  std::shared_ptr<Job> find(const JobId& id) const;

  void watch(Job& job, const Record& record);
  os::ExitStatus wait_and_forward(Job& job);
  struct Signals {  // what a job was sent
    std::optional<int64_t> term_ns;
    bool killed = false;
  };
  void enforce(Job& job, Signals& signals);
  // Renews the job's credentials when they are about to expire.
  Status refresh(Job& job);
};

}  // namespace mekong::jobs
