// The log alone, on a real disk: what appends cost over 1 to 256 partitions, and what idle partitions weigh.
// Usage: mekong_bench_log FOLDER [SECONDS [ROUNDS [BYTES]]]; BYTES: only batches of this size, and no idle
// partitions. Eight threads, each with eight appends under way, durable each. The numbers of partitions take
// turns in each round; medians, and how far they lie apart. The CPU time is of the whole process, the makers
// of batches and their checksums too.
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <fstream>
#include <map>
#include <thread>
#include <vector>

#include "log/batch_builder.h"
#include "log/disk_log.h"
#include "os/own_memory.h"

namespace {

using namespace mekong;
using Clock = std::chrono::steady_clock;

struct Load {
  int partitions = 1;
  size_t batch_bytes = 0;
  size_t under_way = 8;  // a thread
};

struct Outcome {
  double mb_per_s = 0, appends_per_s = 0, p50_ms = 0, p99_ms = 0, cpu_s_per_gb = 0;
};

os::PosixFiles files;
os::SystemClock wall;
os::SystemRandom ids;

std::unique_ptr<log::DiskLog> open(const std::string& folder) {
  auto opened = log::DiskLog::open(files, wall, ids, null_logger(), folder);
  if (opened.ok()) return std::move(*opened);
  std::fprintf(stderr, "%s\n", opened.error().message.c_str());
  std::exit(1);
}

log::PartitionId name_of(const std::string& prefix, int index) {
  return log::PartitionId(prefix + "-" + std::to_string(index));
}

double cpu_seconds() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

void write_until(log::DiskLog& log, const Load& load, int thread, const std::string& prefix,
                 Clock::time_point until, std::vector<double>& latencies) {
  const std::string batch = log::build_batch({{std::nullopt, std::string(load.batch_bytes, 'x'), 1}});
  std::deque<std::pair<Clock::time_point, Future<Result<log::AppendResult>>>> sent;
  for (int next = thread; Clock::now() < until; next = (next + 8) % std::max(load.partitions, 8)) {
    if (sent.size() >= load.under_way) {
      if (!sent.front().second.get().ok()) std::exit(2);
      latencies.push_back(
          std::chrono::duration<double, std::milli>(Clock::now() - sent.front().first).count());
      sent.pop_front();
    }
    sent.emplace_back(Clock::now(), log.append(name_of(prefix, next % load.partitions), batch));
  }
  for (auto& one : sent) {
    if (!one.second.get().ok()) std::exit(2);
  }
}

Outcome run(log::DiskLog& log, const Load& load, double seconds) {
  const std::string prefix = "p" + std::to_string(load.partitions) + "x" + std::to_string(load.batch_bytes);
  for (int i = 0; i < load.partitions; ++i) {
    if (!log.create(name_of(prefix, i), {}).ok()) std::exit(2);
  }
  const double cpu_before_s = cpu_seconds();
  const auto begin = Clock::now();
  const auto until = begin + std::chrono::milliseconds(static_cast<int64_t>(seconds * 1000));
  std::vector<std::vector<double>> latencies(8);
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back(
        [&, t] { write_until(log, load, t, prefix, until, latencies[static_cast<size_t>(t)]); });
  }
  for (auto& thread : threads) thread.join();
  const double took = std::chrono::duration<double>(Clock::now() - begin).count();
  const double cpu_s = cpu_seconds() - cpu_before_s;
  std::vector<double> all;
  for (const auto& some : latencies) all.insert(all.end(), some.begin(), some.end());
  std::sort(all.begin(), all.end());
  for (int i = 0; i < load.partitions; ++i) {
    if (!log.remove(name_of(prefix, i)).ok()) std::exit(2);
  }
  const auto count = static_cast<double>(all.size());
  return {count * static_cast<double>(load.batch_bytes) / took / 1e6, count / took, all[all.size() / 2],
          all[all.size() * 99 / 100], cpu_s * 1e9 / (count * static_cast<double>(load.batch_bytes))};
}

double resident_mb() {
  std::ifstream statm("/proc/self/statm");
  size_t pages = 0, resident = 0;
  statm >> pages >> resident;
  return static_cast<double>(resident) * 4096 / 1e6;
}

// In a process of its own, so that what making them takes is not counted; by many, since each waits for the
// disk.
void make_idle(const std::string& folder, int partitions) {
  const pid_t child = fork();
  if (child == 0) {
    auto log = open(folder);
    std::vector<std::thread> makers;
    for (int t = 0; t < 32; ++t) {
      makers.emplace_back([&, t] {
        for (int i = t; i < partitions; i += 32) {
          if (!log->create(name_of("idle", i), {}).ok()) _exit(2);
        }
      });
    }
    for (auto& maker : makers) maker.join();
    log.reset();
    _exit(0);
  }
  int status = 0;
  if (waitpid(child, &status, 0) != child || status != 0) std::exit(2);
}

void idle(const std::string& folder, int partitions) {
  make_idle(folder, partitions);
  const double before = resident_mb();
  const auto begin = Clock::now();
  auto log = open(folder);
  const double opening_ms = std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
  const double opened = resident_mb();
  for (int i = 0; i < partitions; ++i) {
    if (!log->offsets(name_of("idle", i)).ok()) std::exit(2);
  }
  std::printf("%d idle partitions: opening %.1f ms, +%.1f MB; all of them looked at once: +%.1f MB\n",
              partitions, opening_ms, opened - before, resident_mb() - before);
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

double median_of(const std::vector<Outcome>& outcomes, double Outcome::* field) {
  std::vector<double> values;
  for (const auto& outcome : outcomes) values.push_back(outcome.*field);
  return median(std::move(values));
}

// All numbers of partitions with batches of one size.
void measure(log::DiskLog& log, size_t bytes, double seconds, int rounds) {
  std::map<int, std::vector<Outcome>> measured;
  // The first one warms up: of what others wrote before there is still something on its way to the disk.
  run(log, {4, bytes - 100}, seconds / 2);
  for (int round = 0; round < rounds; ++round) {
    for (const int partitions : {1, 4, 16, 64, 256}) {
      measured[partitions].push_back(run(log, {partitions, bytes - 100}, seconds));
    }
  }
  double least = 1e9, most = 0;
  for (auto& [partitions, outcomes] : measured) {
    const auto by_rate = [](const Outcome& a, const Outcome& b) { return a.mb_per_s < b.mb_per_s; };
    const auto [slowest, fastest] = std::minmax_element(outcomes.begin(), outcomes.end(), by_rate);
    const double rate = median_of(outcomes, &Outcome::mb_per_s);
    std::printf("%11zu  %10d  %4.0f (%.0f-%.0f)  %9.0f  %6.2f  %6.2f  %8.1f\n", bytes, partitions, rate,
                slowest->mb_per_s, fastest->mb_per_s, median_of(outcomes, &Outcome::appends_per_s),
                median_of(outcomes, &Outcome::p50_ms), median_of(outcomes, &Outcome::p99_ms),
                median_of(outcomes, &Outcome::cpu_s_per_gb));
    least = std::min(least, rate);
    most = std::max(most, rate);
  }
  std::printf("%11zu: the slowest has %.0f %% of the fastest's\n", bytes, 100 * least / most);
  std::fflush(stdout);
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 2) return 64;
  os::keep_freed_memory();  // as the server does
  const std::string folder = arguments[1];
  const double seconds = count > 2 ? std::atof(arguments[2]) : 10;
  const int rounds = count > 3 ? std::atoi(arguments[3]) : 3;
  const size_t only_bytes = count > 4 ? static_cast<size_t>(std::atoll(arguments[4])) : 0;
  if (only_bytes == 0) idle(folder + "/idle", 10'000);
  ::sync();
  std::printf("batch bytes  partitions  MB/s (least-most)  appends/s  p50 ms  p99 ms  CPU s/GB\n");
  auto log = open(folder + "/load");
  for (const size_t bytes : {size_t{1} << 10, size_t{16} << 10, size_t{1} << 20}) {
    if (only_bytes == 0 || bytes == only_bytes) measure(*log, bytes, seconds, rounds);
  }
  return 0;
}
