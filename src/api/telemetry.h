// What the pipeline counts of its requests, per operation: calls, errors by code, latencies, bytes. Read as
// Prometheus text by /metrics. Labels are names of models and codes of errors: never a caller's or a
// resource's.
#pragma once
#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "api/binding.h"

namespace mekong::api {

// Any thread.
class Telemetry {
 public:
  // `services` may be empty; what belongs to no listed operation is counted as operation "other".
  explicit Telemetry(const std::vector<ServiceBinding>& services);
  ~Telemetry();

  struct Request {
    const ServiceTable* service = nullptr;  // null: none was found
    const Operation* operation = nullptr;   // null: none that is listed
    std::string_view error_code;            // empty: it succeeded
    int64_t duration_ns = 0;                // to the reply's head
    int64_t bytes_in = 0, bytes_out = 0;    // of bodies; of replies that stream, see counted()
  };
  void record(const Request& request);

  // `source`, whose bytes are added to the operation's as the client takes them.
  BodySourcePtr counted(BodySourcePtr source, const ServiceTable* service, const Operation* operation);

  // Operations that were called, in the text format 0.0.4.
  std::string prometheus() const;

 private:
  struct Row;
  Row& row_of(const ServiceTable* service, const Operation* operation) const;

  std::vector<std::unique_ptr<Row>> rows_;
  std::unordered_map<const void*, Row*> by_key_;  // Operation*, or ServiceTable* for its "other"
};

}  // namespace mekong::api
