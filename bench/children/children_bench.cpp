// What it takes to set a job up: from the ask for a place to the first instruction of the job's program, with
// all that stands between: its uid, records, folder, walls, network and groups. As root; without, fewer
// walls. Usage: mekong_bench_children FOLDER. The program that is started is this one: it prints the time.
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "jobs/supervisor.h"

namespace {

using namespace mekong;

constexpr int children = 100;

struct Bench {
  explicit Bench(const std::string& at) : folder(at) {
    const bool root = ::geteuid() == 0;
    jobs::Config config{.work_folder = folder + "/work",
                        .output_folder = folder + "/output",
                        .hidden = {folder + "/data"},
                        .isolate = root,
                        .server_is_root = root,
                        .uid_base = 600'000,
                        .endpoint = "http://127.0.0.1:4566",
                        .hosts = {{"lake.test", "127.0.0.1"}},
                        .network = network.get(),
                        .groups = groups.get(),
                        .poll_ms = 1};
    std::filesystem::create_directories(folder + "/data");
    std::filesystem::copy_file("/proc/self/exe", folder + "/program");
    ::chmod((folder + "/program").c_str(), 0755);
    ::chmod(folder.c_str(), 0711);
    auto opened = meta::open_rocksdb(folder + "/meta", {"jobs"}, meta::Durability::sync);
    if (!opened.ok()) std::exit(1);
    meta = std::move(*opened);
    supervisor = std::make_unique<jobs::Supervisor>(
        config, *meta, *processes, files, clock, random, null_logger(),
        [](const jobs::Role&, int64_t) -> Result<jobs::Credentials> { return Error{"AccessDenied", ""}; });
    if (!supervisor->recover().ok()) std::exit(1);
  }

  // Milliseconds; as Spark's jobs have it: two files, a link, limits.
  double one() {
    jobs::Spec spec;
    spec.argv = {folder + "/program"};
    spec.files = {{"conf/spark-defaults.conf", std::string(4'000, 'x')},
                  {"truststore.jks", std::string(150'000, 'x')}};
    spec.links = {{".m2/repository", "/usr/share"}};
    spec.memory_bytes_max = 1ULL << 30;
    spec.cpu_threads = 2;
    auto ended = std::make_shared<Promise<bool>>();
    const int64_t asked_ns = clock.monotonic_ns();
    const auto place = supervisor->allocate();
    if (!place.ok()) std::exit(1);
    const auto started =
        supervisor->start(*place, spec, {.ended = [ended](const jobs::Outcome&) { ended->set(true); }});
    if (!started.ok()) std::exit(1);
    auto end = ended->future();
    end.get();
    const auto said = supervisor->read_output(place->id, jobs::Stream::out, 0, 100);
    if (!said.ok() || said->empty()) std::exit(1);
    return static_cast<double>(std::stoll(*said) - asked_ns) / 1e6;
  }

  const std::string folder;
  os::SystemClock clock;
  os::SystemRandom random;
  os::PosixFiles files;
  std::unique_ptr<os::Processes> processes = os::make_processes();
  std::unique_ptr<os::Network> network = os::make_network(1);
  std::unique_ptr<os::ControlGroups> groups = os::find_control_groups();
  std::unique_ptr<meta::Store> meta;
  std::unique_ptr<jobs::Supervisor> supervisor;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::printf("%lld\n", static_cast<long long>(os::SystemClock().monotonic_ns()));
    return 0;
  }
  Bench bench(argv[1]);
  std::printf("walls: %s\n", bench.supervisor->walls().c_str());
  bench.one();
  std::vector<double> taken_ms;
  taken_ms.reserve(children);
  for (int i = 0; i < children; ++i) taken_ms.push_back(bench.one());
  std::sort(taken_ms.begin(), taken_ms.end());
  std::printf("set-up of a child, %d of them: p50 %.1f ms, p99 %.1f ms, most %.1f ms   goal 50\n", children,
              taken_ms[children / 2], taken_ms[children - 2], taken_ms.back());
}
