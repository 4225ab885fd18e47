#include "api/router.h"

#include <algorithm>

#include "codec/text.h"

namespace mekong::api {
namespace {

constexpr int kUnfit = -1'000'000;

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> out;
  while (true) {
    auto end = text.find(separator);
    out.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return out;
    text.remove_prefix(end + 1);
  }
}

const std::string* find_pair(const Pairs& pairs, std::string_view name) {
  for (const auto& [key, value] : pairs) {
    if (key == name) return &value;
  }
  return nullptr;
}

}  // namespace

std::string scope_service(const RequestHead& head, const Pairs& query) {
  std::string_view credential;
  if (const auto* header = find_header(head.headers, "authorization")) {
    auto at = header->find("Credential=");
    if (at == std::string::npos) return {};
    credential = std::string_view(*header).substr(at + 11);
    credential = codec::trim(credential.substr(0, credential.find(',')));
  } else if (const auto* value = find_pair(query, "X-Amz-Credential")) {
    credential = *value;
  }
  // The last part but one, of five or more.
  if (std::ranges::count(credential, '/') < 4) return {};
  credential = credential.substr(0, credential.rfind('/'));
  return std::string(credential.substr(credential.rfind('/') + 1));
}

std::string service_label(const RequestHead& head) {
  const auto* header = find_header(head.headers, "host");
  if (header == nullptr) return {};
  const auto host = codec::lower_case(std::string_view(*header).substr(0, header->rfind(':')));
  const auto labels = split(host, '.');
  const bool bucket = labels.size() > 1 && labels[1].starts_with("s3");  // one may be called "sts"
  const bool address = host.find_first_not_of("0123456789.") == std::string::npos || host.starts_with('[');
  return labels.size() < 2 || bucket || address ? std::string() : std::string(labels[0]);
}

std::string path_style(const RequestHead& head, const std::vector<std::string>& domains) {
  const auto* header = find_header(head.headers, "host");
  if (header == nullptr) return head.raw_path;
  auto host = codec::lower_case(std::string_view(*header).substr(0, header->find(':')));
  for (const auto& domain : domains) {
    if (host == domain) return head.raw_path;
    if (host.size() <= domain.size() + 1 || !host.ends_with(domain)) continue;
    auto bucket = host.substr(0, host.size() - domain.size() - 1);
    if (host[bucket.size()] != '.' || bucket == "s3") continue;
    return "/" + bucket + head.raw_path;
  }
  return head.raw_path;
}

RestRouter::RestRouter(const ServiceTable& table) {
  for (size_t i = 0; i < table.route_count; ++i) {
    Compiled compiled{&table.routes[i], table.routes[i].method, {}, {}, {}};
    std::string_view uri = compiled.route->uri;
    auto question = uri.find('?');
    for (auto part :
         split(uri.substr(1, question == std::string_view::npos ? question : question - 1), '/')) {
      bool label = part.starts_with('{');
      bool greedy = label && part.ends_with("+}");
      if (label) part = part.substr(1, part.size() - (greedy ? 3 : 2));
      compiled.segments.push_back({std::string(part), label, greedy});
    }
    if (question != std::string_view::npos) {
      compiled.literals = codec::parse_query(uri.substr(question + 1), false).value_or(Pairs{});
    }
    for (auto word : split(compiled.route->required, ' ')) {
      if (!word.empty()) compiled.required.emplace_back(word);
    }
    const Segment& first = compiled.segments.front();
    const std::string begins = first.label ? "" : "/" + first.text + "/";
    if (routes_.empty()) first_ = begins;
    if (begins != first_) first_.clear();
    routes_.push_back(std::move(compiled));
  }
}

bool RestRouter::reaches(std::string_view raw_path) const {
  return raw_path.starts_with(first_);
}

std::optional<std::map<std::string, std::string>> RestRouter::labels(const Compiled& route,
                                                                     std::string_view raw_path) {
  std::map<std::string, std::string> out;
  raw_path.remove_prefix(std::min<size_t>(1, raw_path.size()));
  for (size_t i = 0; i < route.segments.size(); ++i) {
    const auto& segment = route.segments[i];
    bool last = i + 1 == route.segments.size();
    auto part = segment.greedy ? raw_path : raw_path.substr(0, raw_path.find('/'));
    if (segment.label) {
      auto text = codec::percent_decode(part);
      if (part.empty() || !text) return std::nullopt;
      out[segment.text] = std::move(*text);
    } else if (part != segment.text) {
      return std::nullopt;
    }
    raw_path.remove_prefix(part.size());
    if (last) return raw_path.empty() || raw_path == "/" ? std::optional(std::move(out)) : std::nullopt;
    if (!raw_path.starts_with('/')) return std::nullopt;
    raw_path.remove_prefix(1);
  }
  return std::nullopt;
}

// Most routes ask for a parameter that did not come.
bool RestRouter::may_fit(const Compiled& route, const Pairs& query) {
  return route.literals.empty() || find_pair(query, route.literals.front().first) != nullptr;
}

int RestRouter::score(const Compiled& route, const Pairs& query, const Headers& headers) {
  int score = 0;
  for (const auto& [name, value] : route.literals) {
    const auto* given = find_pair(query, name);
    if (given == nullptr || (!value.empty() && *given != value)) return kUnfit;
    score += 100;
  }
  for (const auto& name : route.required) {
    bool there = name[0] == '?' ? find_pair(query, std::string_view(name).substr(1)) != nullptr
                                : find_header(headers, name) != nullptr;
    if (there) {
      score += 100;
    } else {
      // Only where nothing else fits: then what is missing is named.
      score -= route.literals.empty() ? 1000 : 1;
    }
  }
  for (const auto& segment : route.segments) score += segment.label ? 0 : 10;
  return score;
}

std::optional<RestMatch> RestRouter::match(std::string_view method, std::string_view raw_path,
                                           const Pairs& query, const Headers& headers) const {
  std::optional<RestMatch> best;
  int best_score = kUnfit;
  for (const auto& route : routes_) {
    if (method != route.method || !may_fit(route, query)) continue;
    int own = score(route, query, headers);
    if (own <= best_score) continue;
    auto found = labels(route, raw_path);
    if (!found) continue;
    const bool by_header = std::ranges::any_of(route.required, [&](const std::string& name) {
      return name[0] != '?' && find_header(headers, name) != nullptr;
    });
    best = RestMatch{route.route, std::move(*found), by_header};
    best_score = own;
  }
  return best;
}

}  // namespace mekong::api
