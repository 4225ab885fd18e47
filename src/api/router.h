// From a request's head to the service and the operation.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/binding.h"
#include "api/pipeline.h"

namespace mekong::api {

using Pairs = std::vector<std::pair<std::string, std::string>>;

// The service of the credential scope, from the Authorization header or a presigned query; empty if unsigned.
std::string scope_service(const RequestHead& head, const Pairs& query);

// The label of the host name that names a service: "kinesis" of "kinesis.us-east-2.localhost". Empty where
// the host is one label, an address or a bucket's.
std::string service_label(const RequestHead& head);

// A bucket in the host name moved to the front of the path: "b.s3.localhost" and "/k" give "/b/k".
std::string path_style(const RequestHead& head, const std::vector<std::string>& domains);

struct RestMatch {
  const Route* route = nullptr;
  std::map<std::string, std::string> labels;  // decoded
  bool by_header = false;                     // the route asks for headers, and they are there
};

// The REST routes of one service, compiled.
class RestRouter {
 public:
  explicit RestRouter(const ServiceTable& table);
  // The most specific route: query parameters in its URI, then those it requires, then literal segments.
  std::optional<RestMatch> match(std::string_view method, std::string_view raw_path, const Pairs& query,
                                 const Headers& headers) const;

  // May a path be one of this service at all? By its first segment, where all routes share one.
  bool reaches(std::string_view raw_path) const;

 private:
  struct Segment {
    std::string text;  // literal, or the label's name
    bool label = false, greedy = false;
  };
  struct Compiled {
    const Route* route = nullptr;
    std::string_view method;
    std::vector<Segment> segments;
    Pairs literals;                     // of the query; value empty: any
    std::vector<std::string> required;  // "?name" or a header
  };
  static std::optional<std::map<std::string, std::string>> labels(const Compiled& route,
                                                                  std::string_view raw_path);
  static bool may_fit(const Compiled& route, const Pairs& query);
  static int score(const Compiled& route, const Pairs& query, const Headers& headers);
  std::vector<Compiled> routes_;
  std::string first_;  // the segment that all routes begin with, "/v20180820/"; empty: they share none
};

}  // namespace mekong::api
