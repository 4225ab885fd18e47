// Many of a thing, on a real disk: objects of one bucket, pending timers, one object of 5 TiB. What they cost
// to make, to hold, to find again after a start, and to remove. Usage: mekong_bench_many FOLDER [COUNT]
// (1,000,000 of each else). Nothing is synced: what is measured is the engines, and not how often eight
// threads wait for a disk. Exits with 1 where what is found is not what was made.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "objects/objects.h"
#include "timers/service_clock.h"
#include "timers/timers.h"

namespace {

using namespace mekong;

constexpr int writers = 8;
constexpr uint64_t mib = 1 << 20, gib = 1 << 30;
constexpr int64_t hour_ms = 3'600'000;

os::PosixFiles files;
os::SystemClock wall;
os::SystemRandom ids;

template <class T>
T must(Result<T> result) {
  if (result.ok()) return std::move(*result);
  std::fprintf(stderr, "%s: %s\n", result.error().code.c_str(), result.error().message.c_str());
  std::exit(1);
}
void must(Status status) {
  if (status.ok()) return;
  std::fprintf(stderr, "%s: %s\n", status.error().code.c_str(), status.error().message.c_str());
  std::exit(1);
}
void check(bool right, const char* what) {
  if (right) return;
  std::fprintf(stderr, "wrong: %s\n", what);
  std::exit(1);
}

double resident_mib() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmRSS:")) return std::atof(line.c_str() + 6) / 1024;
  }
  return 0;
}

class Stopwatch {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - began_).count();
  }

 private:
  std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
};

void by_all(int64_t count, const std::function<void(int64_t)>& work) {
  std::atomic<int64_t> next = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < writers; ++i) {
    threads.emplace_back([&] {
      for (int64_t at = next++; at < count; at = next++) work(at);
    });
  }
  for (auto& thread : threads) thread.join();
}

struct Engines {
  std::unique_ptr<meta::Store> meta;
  std::unique_ptr<blob::Store> blobs;
  std::unique_ptr<objects::Store> objects;

  explicit Engines(const std::string& folder) {
    must(files.make_directories(folder));
    meta = must(meta::open_rocksdb(folder + "/meta", {"s3", "blob", "timers"}, meta::Durability::os));
    blobs = must(blob::open_store(files, wall, ids, *meta, null_logger(), {.folder = folder + "/blobs"}));
    objects = objects::make_store(*meta, *blobs, wall, ids);
  }
};

std::string key_of(int64_t number) {
  char text[32];
  std::snprintf(text, sizeof text, "folder%03lld/%07lld", static_cast<long long>(number % 1000),
                static_cast<long long>(number));
  return text;
}

void put(objects::Store& store, const std::string& bucket, const std::string& key, std::string_view bytes) {
  auto writer = must(store.put(bucket, key, {}));
  must(writer->append(bytes));
  must(writer->commit());
}

// Lists all pages; calls `page` with each page's keys.
int64_t list_all(const objects::Store& store, const std::string& bucket,
                 const std::function<void(const std::vector<std::string>&)>& page) {
  int64_t count = 0;
  std::string after;
  for (bool more = true; more;) {
    const auto listed = must(store.list({.bucket = bucket, .prefix = "", .delimiter = "", .after = after}));
    std::vector<std::string> keys;
    for (const auto& object : listed.objects) keys.push_back(object.key);
    check(std::is_sorted(keys.begin(), keys.end()) && (keys.empty() || keys.front() > after),
          "a page's order");
    page(keys);
    count += static_cast<int64_t>(keys.size());
    more = listed.truncated;
    after = listed.next_after;
  }
  return count;
}

void many_objects(const std::string& folder, int64_t count) {
  {
    Engines engines(folder);
    must(engines.objects->create_bucket(
        {.name = "many", .owner = AccountId("1"), .region = Region("us-east-1")}));
    const Stopwatch watch;
    const std::string body(200, 'x');
    by_all(count, [&](int64_t i) { put(*engines.objects, "many", key_of(i), body); });
    std::printf("%lld objects of 200 bytes: put in %.1f s, %.0f a second; %.0f MiB resident\n",
                static_cast<long long>(count), watch.seconds(), static_cast<double>(count) / watch.seconds(),
                resident_mib());
  }
  const Stopwatch start;
  Engines engines(folder);
  const double opened_s = start.seconds();
  must(engines.objects->head("many", key_of(count / 2)));
  std::printf("opened again in %.2f s, an object found after %.2f s\n", opened_s, start.seconds());
  const Stopwatch listing;
  const auto found = list_all(*engines.objects, "many", [](const auto&) {});
  check(found == count, "the number of listed objects");
  std::printf("listed in pages of 1,000: %.2f s, %.0f keys a second; %.0f MiB resident\n", listing.seconds(),
              static_cast<double>(found) / listing.seconds(), resident_mib());
  const auto folders =
      must(engines.objects->list({.bucket = "many", .prefix = "", .delimiter = "/", .after = ""}));
  const Stopwatch prefixes;
  check(folders.common_prefixes.size() == std::min<size_t>(1000, static_cast<size_t>(count)),
        "common prefixes");
  must(engines.objects->list({.bucket = "many", .prefix = "", .delimiter = "/", .after = ""}));
  std::printf("1,000 common prefixes of all: %.3f s\n", prefixes.seconds());
  const Stopwatch removing;
  list_all(*engines.objects, "many",
           [&](const auto& keys) { must(engines.objects->remove_many("many", keys)); });
  check(list_all(*engines.objects, "many", [](const auto&) {}) == 0, "objects left after their removal");
  must(engines.objects->delete_bucket("many"));
  std::printf("removed, 1,000 at once: %.1f s; %.0f MiB resident\n", removing.seconds(), resident_mib());
}

objects::Object of_parts(objects::Store& store, const std::string& key, const objects::Object& part,
                         int count) {
  const auto upload = must(store.create_upload("large", key, {}));
  const objects::UploadPlace place{"large", key, upload.id};
  std::vector<objects::CompletedPart> parts;
  for (int i = 1; i <= count; ++i) parts.push_back({i, must(store.copy_part(place, i, part, {})).etag});
  must(store.complete_upload(place, parts, {}));
  return must(store.head("large", key));
}

// 512 MiB of bytes, ten times in a part of 5 GiB, that part 1,024 times.
void one_large_object(const std::string& folder) {
  Engines engines(folder);
  must(engines.objects->create_bucket(
      {.name = "large", .owner = AccountId("1"), .region = Region("us-east-1")}));
  auto writer = must(engines.objects->put("large", "bytes", {}));
  std::string bytes(mib, '\0');
  for (uint64_t i = 0; i < 512; ++i) {
    std::fill(bytes.begin(), bytes.end(), static_cast<char>(i));
    must(writer->append(bytes));
  }
  must(writer->commit());
  const Stopwatch watch;
  const auto part = of_parts(*engines.objects, "part", must(engines.objects->head("large", "bytes")), 10);
  const auto whole = of_parts(*engines.objects, "whole", part, 1024);
  check(whole.size_bytes == 5 * 1024 * gib, "the size of the large object");
  const double made_s = watch.seconds();
  const Stopwatch reading;
  for (const uint64_t at : {uint64_t{0}, 3 * 1024 * gib + 77 * mib, whole.size_bytes - mib}) {
    const auto read = must(engines.objects->read(must(engines.objects->head("large", "whole")), at, mib));
    check(read == std::string(mib, static_cast<char>(at / mib % 512)), "bytes of the large object");
  }
  std::printf(
      "an object of 5 TiB, by reference, of %zu pieces: made in %.2f s, 3 reads of 1 MiB with their heads in "
      "%.3f s; %.0f MiB resident\n",
      whole.pieces.size(), made_s, reading.seconds(), resident_mib());
}

void many_timers(const std::string& folder, int64_t count) {
  os::ManualClock manual(1'000'000);
  os::MovableClock clock(manual);
  constexpr int64_t span_ms = 24 * hour_ms;
  const double before_mib = resident_mib();
  {
    Engines engines(folder);
    auto timers = must(timers::Timers::open(*engines.meta, clock, null_logger()));
    const Stopwatch watch;
    by_all(count, [&](int64_t i) {
      timers::Change change;
      change.schedule({"many", std::to_string(i), 1'000'000 + 1 + i * 7919 % span_ms, "payload"});
      must(timers->commit(std::move(change)));
    });
    std::printf("%lld timers: scheduled in %.1f s; %.0f MiB more resident\n", static_cast<long long>(count),
                watch.seconds(), resident_mib() - before_mib);
  }
  const Stopwatch start;
  Engines engines(folder);
  auto timers = must(timers::Timers::open(*engines.meta, clock, null_logger()));
  check(must(timers->next_due_ms()).has_value(), "the next timer");
  std::printf("opened again, the next one known after %.2f s; %.0f MiB more resident\n", start.seconds(),
              resident_mib() - before_mib);
  int64_t fired = 0, last_ms = 0;
  bool in_order = true;
  timers->handle("many", [&](const timers::Timer& timer, timers::Change& change) {
    change.after([&fired, &last_ms, &in_order, due_ms = timer.due_ms] {
      in_order = in_order && due_ms >= last_ms;
      last_ms = due_ms;
      ++fired;
    });
    return ok();
  });
  manual.advance_ms(span_ms);
  const Stopwatch firing;
  must(timers->fire_due());
  check(fired == count && in_order, "which timers fired, in which order");
  std::printf("all fired in order in %.1f s, %.0f a second; %.0f MiB more resident\n", firing.seconds(),
              static_cast<double>(count) / firing.seconds(), resident_mib() - before_mib);
}

void a_month_of_hourly_timers(const std::string& folder) {
  Engines engines(folder);
  os::MovableClock clock(wall);
  auto timers = must(timers::Timers::open(*engines.meta, clock, null_logger()));
  timers::ServiceClock service_clock(*engines.meta, clock, *timers, nullptr);
  int64_t fired = 0;
  timers->handle("hourly", [&](const timers::Timer& timer, timers::Change& change) {
    change.schedule({timer.owner, timer.id, timer.due_ms + hour_ms, ""});
    change.after([&fired] { ++fired; });
    return ok();
  });
  constexpr int schedules = 100;
  for (int i = 0; i < schedules; ++i) {
    timers::Change change;
    change.schedule({"hourly", std::to_string(i), clock.service_ms() + hour_ms - 1, ""});
    must(timers->commit(std::move(change)));
  }
  const Stopwatch watch;
  must(service_clock.advance(30 * 24 * hour_ms));
  check(fired == 30 * 24 * schedules, "how often the hourly timers fired");
  std::printf("a month of %d hourly timers: %lld firings in %.1f s\n", schedules,
              static_cast<long long>(fired), watch.seconds());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: mekong_bench_many FOLDER [COUNT]\n");
    return 2;
  }
  std::setvbuf(stdout, nullptr, _IOLBF, 0);  // a line as soon as it is measured, into files too
  const std::string folder = argv[1];
  const int64_t count = argc > 2 ? std::atoll(argv[2]) : 1'000'000;
  many_objects(folder + "/objects", count);
  one_large_object(folder + "/large");
  many_timers(folder + "/timers", count);
  a_month_of_hourly_timers(folder + "/month");
}
