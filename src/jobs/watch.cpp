// The thread of a running job: forwards its output, ends it on request, cleans up behind it.
#include <chrono>
#include <csignal>

#include "jobs/job.h"

namespace mekong::jobs {

namespace {

constexpr size_t forward_bytes_max = 1 << 20;

// Forwards what a file has grown by since the last look.
class Tail {
 public:
  Tail(os::Files& files, std::string path) : files_(files), path_(std::move(path)) {}

  void forward(Stream stream, const Observer& observer) {
    if (!file_) {
      auto opened = files_.open(path_, os::OpenMode::read);
      if (!opened.ok()) return;  // the child has not been given it yet
      file_ = std::move(opened).value();
    }
    for (;;) {
      const auto bytes = file_->read(offset_, forward_bytes_max);
      if (!bytes.ok() || bytes->empty()) return;
      offset_ += bytes->size();
      observer.output(stream, *bytes);
    }
  }

 private:
  os::Files& files_;
  std::string path_;
  std::unique_ptr<os::File> file_;
  uint64_t offset_ = 0;
};

}  // namespace

void Supervisor::Job::cancel(int64_t grace, Outcome::Kind why) {
  {
    std::lock_guard lock(mutex);
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

os::ExitStatus Supervisor::State::wait_and_forward(Job& job) {
  auto exit = job.process->exited();
  exit.then([&job] {
    std::lock_guard lock(job.mutex);
    job.exited = true;
    job.wake.notify_all();  // under the lock: the job may be gone right after
  });
  Tail out(files, output_path(job.place.id, Stream::out));
  Tail err(files, output_path(job.place.id, Stream::err));
  std::optional<int64_t> term_ns;
  bool killed = false;
  for (bool done = false; !done;) {
    int64_t grace_ms = 0;
    bool cancelling = false;
    {
      std::unique_lock lock(job.mutex);
      job.wake.wait_for(lock, std::chrono::milliseconds(config.poll_ms),
                        [&] { return job.exited || (job.cancelling && !term_ns); });
      done = job.exited;
      cancelling = job.cancelling;
      grace_ms = job.grace_ms;
    }
    if (!done && cancelling && !term_ns) {
      term_ns = clock.monotonic_ns();
      job.process->signal(SIGTERM);
    }
    if (!done && term_ns && !killed && clock.monotonic_ns() - *term_ns >= grace_ms * 1'000'000) {
      killed = true;
      job.process->signal(SIGKILL);
    }
    out.forward(Stream::out, job.observer);
    err.forward(Stream::err, job.observer);
    job.observer.tick();
  }
  return exit.get();
}

void Supervisor::State::watch(Job& job, const Record& record) {
  const auto status = wait_and_forward(job);
  job.process->signal(SIGKILL);  // the rest of its group
  const auto discarded = discard(record);
  if (!discarded.ok()) logger.error("jobs", "cannot clean up after a job", {{"job", record.id}});
  Outcome outcome{.code = status.code, .signal = status.signal};
  {
    std::lock_guard lock(job.mutex);
    outcome.kind = job.kind;
  }
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
