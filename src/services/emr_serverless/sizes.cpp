#include "services/emr_serverless/sizes.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "codec/text.h"

namespace mekong::emr_serverless {

namespace {

struct Quantity {
  uint64_t number = 0;
  std::string unit;  // lower case
};

std::optional<Quantity> parse_quantity(std::string_view text) {
  text = codec::trim(text);
  Quantity out;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out.number);
  if (error != std::errc()) return std::nullopt;
  const auto rest = text.substr(static_cast<size_t>(end - text.data()));
  out.unit = codec::lower_case(codec::trim(rest));
  return out;
}

std::string show(uint64_t bytes) {
  return fmt::format("{}m", bytes >> 20);
}

Status read_count(const SubmitParameters& parameters, std::string_view name, int& out) {
  const auto text = parameters.conf(name);
  if (!text) return ok();
  const auto quantity = parse_quantity(*text);
  if (!quantity || !quantity->unit.empty() || quantity->number == 0 || quantity->number > 100'000) {
    return Error{"ValidationException",
                 fmt::format("{} must be a positive whole number, not '{}'.", name, *text)};
  }
  out = static_cast<int>(quantity->number);
  return ok();
}

Status read_memory(const SubmitParameters& parameters, std::string_view name, uint64_t& out) {
  const auto text = parameters.conf(name);
  if (!text) return ok();
  const auto bytes = parse_memory(*text);
  if (!bytes || *bytes == 0) {
    return Error{"ValidationException", fmt::format("{} must be a size such as 5g, not '{}'.", name, *text)};
  }
  out = *bytes;
  return ok();
}

}  // namespace

std::optional<uint64_t> parse_memory(std::string_view text) {
  const auto quantity = parse_quantity(text);
  if (!quantity || quantity->number > (1ULL << 40)) return std::nullopt;
  const auto& unit = quantity->unit;
  if (unit == "b") return quantity->number;
  if (unit == "k" || unit == "kb" || unit == "kib") return quantity->number << 10;
  if (unit.empty() || unit == "m" || unit == "mb" || unit == "mib") return quantity->number << 20;
  if (quantity->number > (1ULL << 20)) return std::nullopt;
  if (unit == "g" || unit == "gb" || unit == "gib") return quantity->number << 30;
  if (unit == "t" || unit == "tb" || unit == "tib") return quantity->number << 40;
  return std::nullopt;
}

std::optional<int> parse_vcpus(std::string_view text) {
  const auto quantity = parse_quantity(text);
  if (!quantity || (!quantity->unit.empty() && quantity->unit != "vcpu")) return std::nullopt;
  if (quantity->number == 0 || quantity->number > 100'000) return std::nullopt;
  return static_cast<int>(quantity->number);
}

std::optional<uint64_t> parse_gigabytes(std::string_view text) {
  const auto quantity = parse_quantity(text);
  if (!quantity || quantity->unit != "gb") return std::nullopt;
  if (quantity->number == 0 || quantity->number > 10'000'000) return std::nullopt;
  return quantity->number << 30;
}

Result<Sizes> requested_sizes(const SubmitParameters& parameters) {
  Sizes sizes;
  MEKONG_TRY(read_count(parameters, "spark.executor.instances", sizes.executors));
  MEKONG_TRY(read_count(parameters, "spark.executor.cores", sizes.executor_cores));
  MEKONG_TRY(read_count(parameters, "spark.driver.cores", sizes.driver_cores));
  MEKONG_TRY(read_memory(parameters, "spark.executor.memory", sizes.executor_memory_bytes));
  MEKONG_TRY(read_memory(parameters, "spark.driver.memory", sizes.driver_memory_bytes));
  MEKONG_TRY(read_memory(parameters, "spark.emr-serverless.driver.disk", sizes.driver_disk_bytes));
  MEKONG_TRY(read_memory(parameters, "spark.emr-serverless.executor.disk", sizes.executor_disk_bytes));
  if (sizes.driver_memory_bytes < heap_bytes_min) {
    return Error{"ValidationException",
                 fmt::format("spark.driver.memory must be at least {}.", show(heap_bytes_min))};
  }
  return sizes;
}

Fit fit_sizes(const Sizes& asked, const Budget& budget) {
  const auto cores_asked = static_cast<int64_t>(asked.executors) * asked.executor_cores;
  const auto heap_asked =
      asked.driver_memory_bytes + static_cast<uint64_t>(asked.executors) * asked.executor_memory_bytes;
  Fit fit;
  fit.cores = static_cast<int>(std::clamp<int64_t>(cores_asked, 1, std::max(budget.cores, 1)));
  fit.heap_bytes = std::clamp(heap_asked, heap_bytes_min, std::max(budget.heap_bytes, heap_bytes_min));
  fit.disk_bytes =
      std::min(asked.driver_disk_bytes + static_cast<uint64_t>(asked.executors) * asked.executor_disk_bytes,
               budget.disk_bytes);
  if (fit.cores < cores_asked || fit.heap_bytes < heap_asked) {
    fit.note = fmt::format(
        "Sizes fitted to this machine: asked for {} executors x {} cores x {} and a driver with {} ({} "
        "cores, {} in "
        "all); the job runs in one JVM with {} cores and a heap of {}.",
        asked.executors, asked.executor_cores, show(asked.executor_memory_bytes),
        show(asked.driver_memory_bytes), cores_asked, show(heap_asked), fit.cores, show(fit.heap_bytes));
  }
  return fit;
}

}  // namespace mekong::emr_serverless
