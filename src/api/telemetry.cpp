#include "api/telemetry.h"

#include <fmt/format.h>

#include <iterator>

namespace mekong::api {
namespace {

constexpr std::array<double, 13> kBounds_s = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                              0.1,    0.25,  0.5,    1,     2.5,  10};
constexpr size_t kCodesMax =
    64;  // an operation; further ones are "other": codes may come from a handler's input

class CountedBody final : public BodySource {
 public:
  CountedBody(BodySourcePtr source, std::atomic<uint64_t>& bytes)
      : source_(std::move(source)), bytes_(bytes) {}
  Result<std::string> read() override {
    auto piece = source_->read();
    if (piece.ok()) bytes_.fetch_add(piece->size(), std::memory_order_relaxed);
    return piece;
  }
  int64_t length() const override { return source_->length(); }
  Task<Result<std::string>> next() override {
    auto piece = co_await source_->next();
    if (piece.ok()) bytes_.fetch_add(piece->size(), std::memory_order_relaxed);
    co_return piece;
  }

 private:
  BodySourcePtr source_;
  std::atomic<uint64_t>& bytes_;
};

}  // namespace

struct Telemetry::Row {
  std::string service, operation;
  std::array<std::atomic<uint64_t>, kBounds_s.size() + 1> buckets{};  // the last one: above all bounds
  std::atomic<uint64_t> duration_ns{0}, bytes_in{0}, bytes_out{0};
  mutable std::mutex mutex;
  std::map<std::string, uint64_t, std::less<>> errors;  // under mutex

  std::string labels() const { return fmt::format(R"(service="{}",operation="{}")", service, operation); }
};

Telemetry::Telemetry(const std::vector<ServiceBinding>& services) {
  const auto add = [this](const void* key, const char* service, const char* operation) {
    auto row = std::make_unique<Row>();
    row->service = service;
    row->operation = operation;
    by_key_[key] = row.get();
    rows_.push_back(std::move(row));
  };
  add(nullptr, "none", "other");
  for (const auto& service : services) {
    add(service.table, service.table->name, "other");
    for (const auto& binding : service.operations)
      add(binding.operation, service.table->name, binding.operation->name);
  }
}

Telemetry::~Telemetry() = default;

Telemetry::Row& Telemetry::row_of(const ServiceTable* service, const Operation* operation) const {
  auto found = operation == nullptr ? by_key_.end() : by_key_.find(operation);
  if (found == by_key_.end()) found = by_key_.find(service);
  return found == by_key_.end() ? *rows_.front() : *found->second;
}

void Telemetry::record(const Request& request) {
  Row& row = row_of(request.service, request.operation);
  const double seconds = static_cast<double>(request.duration_ns) / 1e9;
  size_t bucket = 0;
  while (bucket < kBounds_s.size() && seconds > kBounds_s[bucket]) ++bucket;
  row.buckets[bucket].fetch_add(1, std::memory_order_relaxed);
  row.duration_ns.fetch_add(static_cast<uint64_t>(request.duration_ns), std::memory_order_relaxed);
  row.bytes_in.fetch_add(static_cast<uint64_t>(request.bytes_in), std::memory_order_relaxed);
  row.bytes_out.fetch_add(static_cast<uint64_t>(request.bytes_out), std::memory_order_relaxed);
  if (request.error_code.empty()) return;
  std::lock_guard lock(row.mutex);
  auto found = row.errors.find(request.error_code);
  if (found == row.errors.end() && row.errors.size() >= kCodesMax)
    found = row.errors.emplace("other", 0).first;
  if (found == row.errors.end()) found = row.errors.emplace(request.error_code, 0).first;
  ++found->second;
}

BodySourcePtr Telemetry::counted(BodySourcePtr source, const ServiceTable* service,
                                 const Operation* operation) {
  return std::make_unique<CountedBody>(std::move(source), row_of(service, operation).bytes_out);
}

std::string Telemetry::prometheus() const {
  std::string requests, errors, durations, bytes_in, bytes_out;
  for (const auto& row : rows_) {
    const auto labels = row->labels();
    uint64_t count = 0;
    std::string histogram;
    for (size_t i = 0; i <= kBounds_s.size(); ++i) {
      count += row->buckets[i].load(std::memory_order_relaxed);
      const auto bound = i < kBounds_s.size() ? fmt::format("{}", kBounds_s[i]) : "+Inf";
      histogram +=
          fmt::format("mekong_request_duration_seconds_bucket{{{},le=\"{}\"}} {}\n", labels, bound, count);
    }
    if (count == 0) continue;
    requests += fmt::format("mekong_requests_total{{{}}} {}\n", labels, count);
    durations += histogram;
    durations += fmt::format("mekong_request_duration_seconds_sum{{{}}} {}\n", labels,
                             static_cast<double>(row->duration_ns.load(std::memory_order_relaxed)) / 1e9);
    durations += fmt::format("mekong_request_duration_seconds_count{{{}}} {}\n", labels, count);
    bytes_in += fmt::format("mekong_request_bytes_total{{{}}} {}\n", labels, row->bytes_in.load());
    bytes_out += fmt::format("mekong_response_bytes_total{{{}}} {}\n", labels, row->bytes_out.load());
    std::lock_guard lock(row->mutex);
    for (const auto& [code, times] : row->errors)
      errors += fmt::format("mekong_request_errors_total{{{},code=\"{}\"}} {}\n", labels, code, times);
  }
  return "# TYPE mekong_requests_total counter\n" + requests +
         "# TYPE mekong_request_errors_total counter\n" + errors +
         "# TYPE mekong_request_duration_seconds histogram\n" + durations +
         "# TYPE mekong_request_bytes_total counter\n" + bytes_in +
         "# TYPE mekong_response_bytes_total counter\n" + bytes_out;
}

}  // namespace mekong::api
