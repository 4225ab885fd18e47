// The thread of a running job: forwards its output, ends it on request, cleans up behind it.
#include <atomic>
#include <charconv>
#include <chrono>
#include <csignal>

#include "jobs/job.h"

namespace mekong::jobs {

namespace {

constexpr size_t forward_bytes_max = 1 << 20;
constexpr uint64_t last_words_bytes = 256 << 10;

// Forwards what a file has grown by since the last look. Room for last words is kept reserved behind its end:
// why a job failed is to be read, also where it failed because the disk is full.
class Tail {
 public:
  Tail(os::Files& files, std::string path) : files_(files), path_(std::move(path)) {}

  void forward(Stream stream, const Observer& observer) {
    if (!file_) {
      auto opened = files_.open(path_, os::OpenMode::write);
      if (!opened.ok()) return;  // the child has not been given it yet
      file_ = std::move(opened).value();
    }
    for (;;) {
      const auto bytes = file_->read(offset_, forward_bytes_max);
      if (!bytes.ok() || bytes->empty()) break;
      offset_ += bytes->size();
      observer.output(stream, *bytes);
    }
    if (reserved_bytes_ >= offset_ + last_words_bytes / 2) return;
    const uint64_t wanted_bytes = offset_ + last_words_bytes;
    // On a full disk what was reserved before is what there is.
    if (file_->reserve(wanted_bytes).ok()) reserved_bytes_ = wanted_bytes;
  }

 private:
  os::Files& files_;
  std::string path_;
  std::unique_ptr<os::File> file_;
  uint64_t offset_ = 0, reserved_bytes_ = 0;
};

// What the job's folder takes on disk, asked of du(1) under the job's own uid, so that nothing the job makes
// can lead the server astray. Never waits.
class DiskUse {
 public:
  DiskUse(os::Processes& processes, os::Files& files, const Place& place, std::string answer_path)
      : processes_(processes), files_(files), place_(place), answer_path_(std::move(answer_path)) {}

  void ask() {
    if (asked_) return;
    os::ProcessSpec spec;
    spec.argv = {"/usr/bin/du", "-sx", "--block-size=1", "--", place_.folder};
    spec.uid = place_.uid;
    spec.gid = place_.uid;
    spec.stdout_path = answer_path_;
    auto process = processes_.spawn(spec);
    if (!process.ok()) return;  // asked again next time
    asked_ = std::move(process).value();
    done_ = std::make_shared<std::atomic<bool>>(false);
    asked_->exited().then([done = done_] { *done = true; });
  }

  // Once for each question that was answered.
  std::optional<uint64_t> answer_bytes() {
    if (!asked_ || !*done_) return std::nullopt;
    asked_.reset();
    const auto text = files_.read_file(answer_path_);
    const auto removed = files_.remove(answer_path_);  // the next answer is appended to what is there
    uint64_t bytes = 0;
    if (!text.ok() || !removed.ok()) return std::nullopt;
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), bytes);
    return error == std::errc() ? std::optional(bytes) : std::nullopt;
  }

 private:
  os::Processes& processes_;
  os::Files& files_;
  const Place& place_;
  std::string answer_path_;
  std::unique_ptr<os::Process> asked_;
  std::shared_ptr<std::atomic<bool>> done_;
};

}  // namespace

void Supervisor::State::end_output(const JobId& id) {
  const auto end = [&](const std::string& path) -> Status {
    MEKONG_TRY_ASSIGN(const bool there, files.exists(path));
    if (!there) return ok();
    MEKONG_TRY_ASSIGN(const auto file, files.open(path, os::OpenMode::write));
    MEKONG_TRY_ASSIGN(const auto bytes, file->size());
    return file->truncate(bytes);
  };
  for (const auto stream : {Stream::out, Stream::err}) {
    if (!end(output_path(id, stream)).ok())
      logger.warn("jobs", "a job's output is longer on disk than it is", {{"job", id.value}});
  }
}

void Supervisor::Job::cancel(int64_t grace, Outcome::Kind why) {
  {
    std::lock_guard lock(mutex);
    if (exited) return;  // it ended by itself, and is to be told of so
    if (cancelling) {
      grace_ms = std::min(grace_ms, grace);
    } else {
      cancelling = true;
      grace_ms = grace;
      kind = why;
    }
  }
  wake.notify_all();
}

void Supervisor::Job::join() {
  std::lock_guard one(join_mutex);
  if (thread.joinable()) thread.join();
}

void Supervisor::State::enforce(Job& job, Signals& signals) {
  int64_t grace_ms = 0;
  {
    std::lock_guard lock(job.mutex);
    if (!job.cancelling) return;
    grace_ms = job.grace_ms;
  }
  if (!signals.term_ns) {
    signals.term_ns = clock.monotonic_ns();
    job.process->signal(SIGTERM);
  }
  if (!signals.killed && clock.monotonic_ns() - *signals.term_ns >= grace_ms * 1'000'000) {
    signals.killed = true;
    job.process->signal(SIGKILL);
  }
}

os::ExitStatus Supervisor::State::wait_and_forward(Job& job) {
  auto exit = job.process->exited();
  exit.then([&job] {
    std::lock_guard lock(job.mutex);
    job.exited = true;
    job.wake.notify_all();  // under the lock: the job may be gone right after
  });
  Tail out(files, output_path(job.place.id, Stream::out));
  Tail err(files, output_path(job.place.id, Stream::err));
  DiskUse disk(processes, files, job.place, config.output_folder + "/" + job.place.id.value + "/disk");
  int64_t disk_asked_ns = clock.monotonic_ns();
  Signals signals;
  for (bool done = false; !done;) {
    {
      std::unique_lock lock(job.mutex);
      job.wake.wait_for(lock, std::chrono::milliseconds(config.poll_ms),
                        [&] { return job.exited || (job.cancelling && !signals.term_ns); });
      done = job.exited;
    }
    if (!done && job.disk_bytes_max > 0) {
      const auto used_bytes = disk.answer_bytes();
      if (used_bytes && *used_bytes > job.disk_bytes_max) job.cancel(0, Outcome::Kind::over_disk);
      if (clock.monotonic_ns() - disk_asked_ns >= config.disk_every_ms * 1'000'000) {
        disk_asked_ns = clock.monotonic_ns();
        disk.ask();
      }
    }
    // One killed process of many would leave the rest waiting for it.
    if (!done && job.group && job.group->killed_for_memory() > 0) job.cancel(0, Outcome::Kind::over_memory);
    if (!done) enforce(job, signals);
    out.forward(Stream::out, job.observer);
    err.forward(Stream::err, job.observer);
    job.observer.tick();
  }
  return exit.get();
}

void Supervisor::State::watch(Job& job, const Record& record) {
  const auto status = wait_and_forward(job);
  job.process->signal(SIGKILL);  // the rest of its group
  Outcome outcome{.code = status.code, .signal = status.signal};
  {
    std::lock_guard lock(job.mutex);
    const bool out_of_memory = status.code != 0 && job.group && job.group->killed_for_memory() > 0;
    if (job.kind == Outcome::Kind::exited && out_of_memory) job.kind = Outcome::Kind::over_memory;
    outcome.kind = job.kind;
    job.network.reset();
  }
  job.group.reset();
  const auto discarded = discard(record);
  if (!discarded.ok()) logger.error("jobs", "cannot clean up after a job", {{"job", record.id}});
  end_output(job.place.id);
  logger.info("jobs", "job ended", {{"job", record.id}, {"code", std::to_string(outcome.code)}});
  // No longer found by its uid or token, then the owner hears of it.
  std::vector<std::shared_ptr<Job>> joinable;
  {
    std::lock_guard lock(mutex);
    joinable = std::exchange(finished, {});
    const auto found = jobs.find(job.place.id);
    finished.push_back(found->second);
    jobs.erase(found);
  }
  for (const auto& other : joinable) other->join();
  job.observer.ended(outcome);
}

}  // namespace mekong::jobs
