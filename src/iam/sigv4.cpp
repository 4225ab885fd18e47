#include "iam/sigv4.h"

#include <algorithm>

#include "codec/hash.h"
#include "codec/text.h"

namespace mekong::iam::sigv4 {

using codec::hmac_sha256;
using codec::percent_decode;
using codec::percent_encode;

namespace {

std::string without_dot_segments(std::string_view path) {
  std::vector<std::string> kept;
  for (const std::string& segment : split(path, '/')) {
    if (segment == "..") {
      if (!kept.empty()) kept.pop_back();
    } else if (!segment.empty() && segment != ".") {
      kept.push_back(segment);
    }
  }
  std::string out;
  for (const std::string& segment : kept) out += "/" + segment;
  if (out.empty() || path.ends_with('/')) out += '/';
  return out;
}

std::string trimmed(std::string_view value) {
  std::string out;
  for (char c : value) {
    const bool space = c == ' ' || c == '\t' || c == '\n' || c == '\r';
    if (space && (out.empty() || out.back() == ' ')) continue;
    out += space ? ' ' : c;
  }
  while (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

}  // namespace

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  for (;;) {
    const size_t end = text.find(separator);
    parts.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::optional<std::string> canonical_path(std::string_view raw_path, PathRule rule) {
  if (raw_path.empty()) return "/";
  if (rule == PathRule::normalised) return percent_encode(without_dot_segments(raw_path), true);
  auto decoded = percent_decode(raw_path, false);
  if (!decoded) return std::nullopt;
  return percent_encode(*decoded, true);
}

std::string canonical_query(const Pairs& query, const std::vector<std::string_view>& without) {
  Pairs encoded;
  for (const auto& [name, value] : query) {
    if (std::find(without.begin(), without.end(), name) != without.end()) continue;
    encoded.emplace_back(percent_encode(name, false), percent_encode(value, false));
  }
  std::sort(encoded.begin(), encoded.end());
  std::string out;
  for (const auto& [name, value] : encoded) {
    if (!out.empty()) out += '&';
    out += name + "=" + value;
  }
  return out;
}

std::optional<std::string> canonical_headers(const Pairs& headers, const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) {
    std::string joined;
    bool found = false;
    for (const auto& [header, value] : headers) {
      if (header != name) continue;
      if (found) joined += ',';
      joined += trimmed(value);
      found = true;
    }
    if (!found) return std::nullopt;
    out += name + ":" + joined + "\n";
  }
  return out;
}

std::string canonical_request(const CanonicalRequest& r) {
  std::string out(r.method);
  out += "\n" + r.path + "\n" + r.query + "\n" + r.headers + "\n" + r.signed_headers + "\n";
  return out += r.payload_sha256;
}

std::optional<Credential> parse_credential(std::string_view text) {
  auto parts = split(text, '/');
  if (parts.size() != 5 || parts[4] != "aws4_request") return std::nullopt;
  if (std::any_of(parts.begin(), parts.end(), [](const std::string& part) { return part.empty(); })) {
    return std::nullopt;
  }
  return Credential{parts[0], parts[1], parts[2], parts[3]};
}

std::string string_to_sign(std::string_view amz_date, std::string_view scope, std::string_view request) {
  std::string out(algorithm);
  out += '\n';
  out += amz_date;
  out += '\n';
  out += scope;
  return out += "\n" + codec::hex_encode(codec::sha256(request));
}

std::string signing_key(std::string_view secret, const Credential& credential) {
  const std::string date = hmac_sha256("AWS4" + std::string(secret), credential.date);
  const std::string region = hmac_sha256(date, credential.region);
  return hmac_sha256(hmac_sha256(region, credential.service), "aws4_request");
}

}  // namespace mekong::iam::sigv4
