#include "jobs/supervisor.h"

#include <csignal>

#include <fmt/format.h>

#include "jobs/job.h"

namespace mekong::jobs {

namespace {

constexpr std::string_view family = "jobs";
constexpr std::string_view next_uid_key = "uid/next";
constexpr std::string_view record_prefix = "job/";

std::string record_key(const JobId& id) {
  return std::string(record_prefix) + id.value;
}

}  // namespace

Supervisor::Supervisor(Config config, meta::Store& meta, os::Processes& processes, os::Files& files,
                       const os::Clock& clock, os::Random& random, Logger& logger,
                       CredentialSource credentials)
    : state_(new State{.config = std::move(config),
                       .meta = meta,
                       .processes = processes,
                       .files = files,
                       .clock = clock,
                       .random = random,
                       .logger = logger,
                       .credentials = std::move(credentials)}) {}

Supervisor::~Supervisor() {
  stop();
}

// --- what must be undone ---------------------------------------------------------------------------------

Status Supervisor::State::run_helper(std::vector<std::string> argv, std::optional<uint32_t> uid) {
  os::ProcessSpec spec;
  spec.argv = std::move(argv);
  spec.environment = {{"PATH", "/usr/bin:/bin"}};
  if (uid) {
    spec.uid = *uid;
    spec.gid = *uid;
  }
  MEKONG_TRY_ASSIGN(auto process, processes.spawn(spec));
  auto future = process->exited();
  const auto status = future.get();
  // A helper that kills all processes of its uid may be among the dead.
  if (status.code == 0 || status.signal == SIGKILL) return ok();
  return Error{"HelperFailed", fmt::format("{} ended with code {}", spec.argv[0], status.code)};
}

void Supervisor::State::kill_uid(uint32_t uid) {
  // kill(-1) by the uid itself reaches all its processes at once, however fast they fork, and nobody else's.
  // Then at most two seconds until init has buried them: whoever hears of the end finds none.
  const std::string script =
      "i=0; while [ $i -lt 100 ]; do kill -9 -1 2>/dev/null; left=0; "
      "for p in /proc/[0-9]*; do [ -O $p ] && [ $p != /proc/$$ ] && left=1; done; "
      "[ $left = 0 ] && exit 0; i=$((i+1)); sleep 0.02; done; exit 0";
  const auto status = run_helper({"/bin/sh", "-c", script}, uid);
  if (!status.ok()) logger.error("jobs", "cannot end a uid's processes", {{"uid", std::to_string(uid)}});
}

Status Supervisor::State::discard(const Record& record) {
  // A namespace is empty once its first process is gone; otherwise the uid tells who is left.
  if (record.uid != 0 && !record.namespaced) kill_uid(record.uid);
  os::remove_control_groups(record.groups);
  MEKONG_TRY(files.remove_tree(record.folder));
  meta::Batch batch;
  batch.remove(family, record_key(JobId(record.id)));
  return meta.commit(std::move(batch)).get();
}

std::string Supervisor::State::limits_in_words() const {
  if (config.groups == nullptr || !config.isolate || config.groups->controllers().empty())
    return ", limits of each process alone";
  std::string out = ", limits of all together:";
  for (const auto& name : config.groups->controllers()) out += " " + name;
  return out;
}

std::string Supervisor::walls() const {
  const auto tree = state_->processes.tree();
  std::string out = state_->config.isolate ? "own uid, " : "the server's user, ";
  out += state_->private_networks ? "own network, " : "the machine's network, ";
  out += os::name_of(tree);
  if (tree == os::TreeKind::process_group)
    out += " (a killed server may leave processes until it starts again)";
  out += state_->limits_in_words();
  return out;
}

Status Supervisor::recover() {
  auto& s = *state_;
  MEKONG_TRY(s.files.make_directories(s.config.work_folder, 0711));
  MEKONG_TRY(s.files.make_directories(s.config.output_folder, 0700));
  if (s.config.network != nullptr && s.config.isolate && s.config.server_is_root) {
    const auto tried = s.config.network->make_private({.addresses = s.config.addresses});
    s.private_networks = tried.ok();
    if (!tried.ok())
      s.logger.warn("jobs", "jobs share the machine's network", {{"why", tried.error().message}});
  }
  MEKONG_TRY_ASSIGN(const auto rows, s.meta.scan(family, meta::prefix_range(record_prefix, 100'000)));
  for (const auto& row : rows) {
    MEKONG_TRY_ASSIGN(const auto record, codec::decode_record<Record>(row.value));
    s.logger.warn("jobs", "job of an earlier run ended", {{"job", record.id}});
    MEKONG_TRY(s.discard(record));
    s.end_output(JobId(record.id));  // once nobody is left who writes
  }
  return ok();
}

Status forget_running(meta::Store& meta) {
  MEKONG_TRY_ASSIGN(const auto rows, meta.scan(family, meta::prefix_range(record_prefix, 100'000)));
  meta::Batch batch;
  for (const auto& row : rows) batch.remove(family, row.key);
  batch.remove(family, std::string(next_uid_key));
  return meta.commit(std::move(batch)).get();
}

// --- start -----------------------------------------------------------------------------------------------

Result<uint32_t> Supervisor::State::next_uid() {
  std::lock_guard lock(uid_mutex);
  MEKONG_TRY_ASSIGN(const auto stored, meta.get(family, next_uid_key));
  const uint64_t first = config.uid_spread > 0 ? random.next_u64() % config.uid_spread : 0;
  const uint64_t offset = stored ? std::stoull(*stored) : first;
  if (offset >= config.uid_count) {
    return Error{"TooManyJobs", "Every uid of the configured range has been used by a job; widen the range."};
  }
  meta::Batch batch;
  batch.put(family, std::string(next_uid_key), std::to_string(offset + 1));
  MEKONG_TRY(meta.commit(std::move(batch)).get());
  return static_cast<uint32_t>(config.uid_base + offset);
}

Result<Place> Supervisor::allocate() {
  auto& s = *state_;
  if (s.config.isolate && !s.config.server_is_root) {
    return Error{
        "IsolationImpossible",
        "Jobs need a uid of their own, which only root can give. Run the server as root, or with --dev "
        "to run jobs as the server's own user."};
  }
  if (s.stopping) return Error{"ServerStopping", "The server is stopping."};
  Place place;
  place.id = JobId(s.random.hex(16));
  place.folder = s.config.work_folder + "/" + place.id.value;
  if (s.config.isolate) {
    MEKONG_TRY_ASSIGN(place.uid, s.next_uid());
  }
  return place;
}

// Not synced: after a power cut the job is gone, and its folder is removed.
Status Supervisor::State::write_file(const std::string& path, std::string_view content) {
  MEKONG_TRY_ASSIGN(auto file, files.open(path, os::OpenMode::create));
  return file->write(0, content);
}

// What the job finds in its folder. Written by the server, then given to the job's uid as a whole.
Status Supervisor::State::prepare_folder(const Place& place, const Spec& spec) {
  MEKONG_TRY(files.make_directories(place.folder + "/tmp", 0700));
  MEKONG_TRY(files.make_directories(config.output_folder + "/" + place.id.value, 0700));
  for (const auto& [name, content] : spec.files) {
    const std::string path = place.folder + "/" + name;
    MEKONG_TRY(files.make_directories(path.substr(0, path.rfind('/')), 0700));
    MEKONG_TRY(write_file(path, content));
  }
  for (const auto& [name, target] : spec.links) {
    const std::string path = place.folder + "/" + name;
    MEKONG_TRY(files.make_directories(path.substr(0, path.rfind('/')), 0700));
    MEKONG_TRY(run_helper({"/bin/ln", "-s", "--", target, path}, std::nullopt));
  }
  if (!place.uid) return ok();
  const auto uid = *place.uid;
  MEKONG_TRY(write_file(
      place.folder + "/.passwd",
      fmt::format("root:x:0:0:root:/root:/bin/sh\nhadoop:x:{}:{}::{}:/bin/sh\n", uid, uid, place.folder)));
  if (!config.hosts.empty()) {
    std::string hosts;
    for (const auto& [name, address] : config.hosts) hosts += fmt::format("{} {}\n", address, name);
    MEKONG_TRY_ASSIGN(const auto of_machine, files.read_file("/etc/hosts"));
    MEKONG_TRY(write_file(place.folder + "/.hosts", hosts + of_machine));
  }
  // The job has not run yet, so no link of its making can lead this astray (and -h, -P follow none).
  return run_helper({"/bin/chown", "-R", "-h", "-P", fmt::format("{}:{}", uid, uid), "--", place.folder},
                    std::nullopt);
}

os::ProcessSpec Supervisor::State::process_spec(const Job& job, const Spec& spec) {
  const Place& place = job.place;
  os::ProcessSpec out;
  out.argv = spec.argv;
  out.environment = {{"HOME", place.folder},           {"USER", "hadoop"},  {"LOGNAME", "hadoop"},
                     {"PATH", "/usr/bin:/bin"},        {"LANG", "C.UTF-8"}, {"TZ", "UTC"},
                     {"TMPDIR", place.folder + "/tmp"}};
  for (const auto& [name, value] : spec.environment) out.environment[name] = value;
  if (!spec.role.arn.empty()) {
    out.environment["AWS_CONTAINER_CREDENTIALS_FULL_URI"] =
        config.endpoint + std::string(credentials_prefix) + place.id.value;
    out.environment["AWS_CONTAINER_AUTHORIZATION_TOKEN"] = job.secret;
  }
  out.working_directory = place.folder;
  if (place.uid) {
    out.uid = *place.uid;
    out.gid = *place.uid;
    out.hidden = config.hidden;
    out.binds.push_back({.source = place.folder + "/.passwd", .target = "/etc/passwd", .read_only = true});
    if (!config.hosts.empty()) {
      out.binds.push_back({.source = place.folder + "/.hosts", .target = "/etc/hosts", .read_only = true});
    }
  }
  if (job.network) out.network = job.network->descriptor();
  if (job.group) out.groups = job.group->descriptors();
  out.own_tree = true;
  out.hardened = true;
  out.nice = config.nice;
  out.memory_bytes_max = spec.memory_bytes_max;
  if (place.uid) out.processes_max = spec.processes_max;
  out.file_bytes_max = spec.disk_bytes_max;
  out.open_files_max = spec.open_files_max;
  out.stdout_path = output_path(place.id, Stream::out);
  out.stderr_path = output_path(place.id, Stream::err);
  return out;
}

Status Supervisor::start(const Place& place, const Spec& spec, Observer observer) {
  auto& s = *state_;
  std::shared_lock starting(s.start_mutex);
  if (s.stopping) return Error{"ServerStopping", "The server is stopping."};
  auto job = std::make_shared<Job>(place, spec, s.random.hex(64), std::move(observer));
  if (!spec.role.arn.empty()) MEKONG_TRY(s.refresh(*job));
  if (s.config.groups != nullptr && place.uid) {
    MEKONG_TRY_ASSIGN(job->group, s.config.groups->make("mekong-" + place.id.value,
                                                        {.memory_bytes_max = spec.memory_bytes_max,
                                                         .processes_max = spec.processes_max,
                                                         .cpu_threads = spec.cpu_threads}));
  }
  const Record record{.id = place.id.value,
                      .uid = place.uid.value_or(0),
                      .folder = place.folder,
                      .namespaced = s.processes.tree() != os::TreeKind::process_group,
                      .groups = job->group ? job->group->folders() : std::vector<std::string>()};
  meta::Batch batch;
  batch.put(family, record_key(place.id), codec::encode_record(record));
  MEKONG_TRY(s.meta.commit(std::move(batch)).get());
  {
    // Known before it runs: its first act may be to ask for credentials.
    std::lock_guard lock(s.mutex);
    s.jobs[place.id] = job;
  }
  auto status = s.launch(*job, spec);
  if (!status.ok()) {
    std::lock_guard lock(s.mutex);
    s.jobs.erase(place.id);
  }
  if (!status.ok()) {
    const auto discarded = s.discard(record);
    if (!discarded.ok()) s.logger.error("jobs", "cannot discard a job", {{"job", record.id}});
    return status;
  }
  std::lock_guard lock(job->mutex);  // whoever joins the thread takes it first
  job->thread = std::thread([&s, job, record] { s.watch(*job, record); });
  return ok();
}

Status Supervisor::State::launch(Job& job, const Spec& spec) {
  MEKONG_TRY(prepare_folder(job.place, spec));
  if (!spec.banner.empty()) {
    MEKONG_TRY(write_file(output_path(job.place.id, Stream::err), spec.banner));
  }
  if (private_networks && job.place.uid) {
    MEKONG_TRY_ASSIGN(auto made,
                      config.network->make_private({.uid = *job.place.uid, .addresses = config.addresses}));
    std::lock_guard lock(job.mutex);
    job.network = std::move(made);
  }
  MEKONG_TRY_ASSIGN(job.process, processes.spawn(process_spec(job, spec)));
  logger.info("jobs", "job started",
              {{"job", job.place.id.value},
               {"pid", std::to_string(job.process->pid())},
               {"uid", std::to_string(job.place.uid.value_or(0))}});
  return ok();
}

// --- end -------------------------------------------------------------------------------------------------

Status Supervisor::cancel(const JobId& id, int64_t grace_ms) {
  const auto job = state_->find(id);
  if (!job) return Error{"NoSuchJob", "Job " + id.value + " is not running."};
  job->cancel(grace_ms, Outcome::Kind::cancelled);
  return ok();
}

void Supervisor::stop() {
  std::vector<std::shared_ptr<Job>> jobs;
  state_->stopping = true;
  {
    std::unique_lock none_starting(state_->start_mutex);
    std::lock_guard lock(state_->mutex);
    for (const auto& [id, job] : state_->jobs) jobs.push_back(job);
    for (auto& job : state_->finished) jobs.push_back(job);
    state_->finished.clear();
  }
  for (const auto& job : jobs) job->cancel(state_->config.stop_grace_ms, Outcome::Kind::server_stopped);
  for (const auto& job : jobs) job->join();
}

// --- output ----------------------------------------------------------------------------------------------

std::string Supervisor::State::output_path(const JobId& id, Stream stream) const {
  return config.output_folder + "/" + id.value + (stream == Stream::out ? "/stdout" : "/stderr");
}

Result<std::string> Supervisor::read_output(const JobId& id, Stream stream, uint64_t offset,
                                            size_t bytes) const {
  MEKONG_TRY_ASSIGN(const auto file, state_->files.open(state_->output_path(id, stream), os::OpenMode::read));
  return file->read(offset, bytes);
}

Status Supervisor::forget_output(const JobId& id) {
  return state_->files.remove_tree(state_->config.output_folder + "/" + id.value);
}

std::shared_ptr<Supervisor::Job> Supervisor::State::find(const JobId& id) const {
  std::lock_guard lock(mutex);
  const auto found = jobs.find(id);
  return found == jobs.end() ? nullptr : found->second;
}

std::shared_ptr<os::PrivateNetwork> Supervisor::network_of(const JobId& id) const {
  const auto job = state_->find(id);
  if (!job) return nullptr;
  std::lock_guard lock(job->mutex);
  return job->network;
}

size_t Supervisor::running() const {
  std::lock_guard lock(state_->mutex);
  return state_->jobs.size();
}

}  // namespace mekong::jobs
