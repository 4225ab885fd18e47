// Fits the sizes that a job asks for a fleet of workers to one machine. Pure functions.
//
// The rule: a job runs in one JVM (docs/decisions/0030). Its cores are those that its executors ask for
// together, at most the machine's. Its heap is what driver and executors ask for together, at most the
// machine's budget for one job and at least what Spark needs. An application's maximumCapacity lowers both
// limits.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "services/emr_serverless/submit_parameters.h"

namespace mekong::emr_serverless {

inline constexpr uint64_t heap_bytes_min = 512ULL << 20;  // Spark refuses a driver with less than 450 MiB

// The documented defaults of EMR Serverless: 3 executors, each worker 4 cores, 14 GB and 20 GB of disk.
struct Sizes {
  int executors = 3;
  int executor_cores = 4;
  uint64_t executor_memory_bytes = 14ULL << 30;
  int driver_cores = 4;
  uint64_t driver_memory_bytes = 14ULL << 30;
  uint64_t executor_disk_bytes = 20ULL << 30;
  uint64_t driver_disk_bytes = 20ULL << 30;
};

// What one job may use.
struct Budget {
  int cores = 1;
  uint64_t heap_bytes = heap_bytes_min;
  uint64_t disk_bytes = UINT64_MAX;
};

struct Fit {
  int cores = 1;
  uint64_t heap_bytes = heap_bytes_min;
  uint64_t disk_bytes = 0;  // of all workers together
  std::string note;         // says what was asked and what is given; empty when nothing was lowered
};

// Spark's byte strings for memory confs: "5g", "5G", "512m", "5gb"; without a unit MiB.
std::optional<uint64_t> parse_memory(std::string_view text);
// EMR Serverless's capacity strings: "16 vCPU", "64 GB" (also without the blank).
std::optional<int> parse_vcpus(std::string_view text);
std::optional<uint64_t> parse_gigabytes(std::string_view text);

// From spark.{driver,executor}.{cores,memory}, spark.executor.instances and
// spark.emr-serverless.{driver,executor}.disk. Error: "ValidationException".
Result<Sizes> requested_sizes(const SubmitParameters& parameters);
Fit fit_sizes(const Sizes& asked, const Budget& budget);

}  // namespace mekong::emr_serverless
