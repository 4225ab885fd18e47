#include "iam/sigv4.h"

#include <algorithm>
#include <array>

#include "codec/text.h"

namespace mekong::iam::sigv4 {

using codec::percent_decode;
using codec::percent_encode;

namespace {

// Cuts the text before `separator` from the front, and the separator with it.
std::string_view take_part(std::string_view& text, char separator) {
  const size_t end = text.find(separator);
  const std::string_view part = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return part;
}

std::string without_dot_segments(std::string_view path) {
  std::vector<std::string_view> kept;
  for (std::string_view rest = path; !rest.empty();) {
    const std::string_view segment = take_part(rest, '/');
    if (segment == "..") {
      if (!kept.empty()) kept.pop_back();
    } else if (!segment.empty() && segment != ".") {
      kept.push_back(segment);
    }
  }
  std::string out;
  for (const std::string_view segment : kept) out.append("/").append(segment);
  if (out.empty() || path.ends_with('/')) out += '/';
  return out;
}

// Canonical as it stands: nothing to decode, to encode or to take away.
bool is_plain(std::string_view path, PathRule rule) {
  const bool s3 = rule == PathRule::s3;
  const bool letters = std::ranges::all_of(path, [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '/' || (c == '.' && s3);
  });
  return letters && (s3 || (path.starts_with('/') && path.find("//") == std::string_view::npos));
}

void add_trimmed(std::string_view value, std::pmr::string& out) {
  const size_t begin = out.size();
  for (char c : value) {
    const bool space = c == ' ' || c == '\t' || c == '\n' || c == '\r';
    if (space && (out.size() == begin || out.back() == ' ')) continue;
    out += space ? ' ' : c;
  }
  while (out.size() > begin && out.back() == ' ') out.pop_back();
}

bool add_header(const Pairs& headers, std::string_view name, std::pmr::string& out) {
  bool found = false;
  out += name;
  out += ':';
  for (const auto& [header, value] : headers) {
    if (header != name) continue;
    if (found) out += ',';
    add_trimmed(value, out);
    found = true;
  }
  out += '\n';
  return found;
}

}  // namespace

std::optional<std::string_view> canonical_path(std::string_view raw_path, PathRule rule, std::string& made) {
  if (raw_path.empty()) return "/";
  if (is_plain(raw_path, rule)) return raw_path;
  if (rule == PathRule::normalised) {
    made = percent_encode(without_dot_segments(raw_path), true);
    return made;
  }
  const auto decoded = percent_decode(raw_path, false);
  if (!decoded) return std::nullopt;
  made = percent_encode(*decoded, true);
  return made;
}

std::string canonical_query(const Pairs& query, const std::vector<std::string_view>& without) {
  // All coded into one text, as places in it: a string for each would cost more than the rest.
  struct Place {
    size_t name, value, end;
  };
  std::string coded, out;
  std::vector<Place> places;
  places.reserve(query.size());
  size_t bytes = 0;
  for (const auto& [name, value] : query) bytes += name.size() + value.size();
  coded.reserve(bytes + bytes / 4);
  for (const auto& [name, value] : query) {
    if (std::find(without.begin(), without.end(), name) != without.end()) continue;
    const size_t begin = coded.size();
    codec::percent_encode_to(name, false, coded);
    const size_t middle = coded.size();
    codec::percent_encode_to(value, false, coded);
    places.push_back({begin, middle, coded.size()});
  }
  const std::string_view text = coded;
  const auto pair_of = [&](const Place& place) {
    return std::pair(text.substr(place.name, place.value - place.name),
                     text.substr(place.value, place.end - place.value));
  };
  std::ranges::sort(places, {}, pair_of);
  out.reserve(text.size() + 2 * places.size());
  for (const auto& place : places) {
    const auto [name, value] = pair_of(place);
    if (!out.empty()) out += '&';
    out.append(name).append(1, '=').append(value);
  }
  return out;
}

void split_names(std::string_view list, Names& out) {
  for (;;) {
    const size_t end = list.find(';');
    out.push_back(list.substr(0, end));
    if (end == std::string_view::npos) return;
    list.remove_prefix(end + 1);
  }
}

bool canonical_request(const CanonicalRequest& r, std::pmr::string& out) {
  for (const std::string_view line : {r.method, r.path, r.query}) {
    out += line;
    out += '\n';
  }
  for (const std::string_view name : r.names) {
    if (!add_header(r.headers, name, out)) return false;
  }
  out += '\n';
  out += r.signed_headers;
  out += '\n';
  out += r.payload_sha256;
  return true;
}

std::string Credential::scope() const {
  std::string out;
  for (const std::string_view part : {date, region, service}) out.append(part).append("/");
  return out += "aws4_request";
}

std::optional<Credential> parse_credential(std::string_view text) {
  std::array<std::string_view, 5> parts;
  std::string_view rest = text;
  for (std::string_view& part : parts) {
    part = take_part(rest, '/');
    if (part.empty()) return std::nullopt;
  }
  if (parts[4] != "aws4_request" || !text.ends_with(parts[4]) || !rest.empty()) return std::nullopt;
  return Credential{parts[0], parts[1], parts[2], parts[3], text.substr(parts[0].size() + 1)};
}

codec::Sha256Hex signature(std::string_view key, std::string_view amz_date, std::string_view scope,
                           std::string_view canonical_request) {
  const auto hash = codec::hex_of(codec::sha256_digest(canonical_request));
  std::array<std::byte, 512> room;
  std::pmr::monotonic_buffer_resource memory(room.data(), room.size());
  std::pmr::string text(&memory);
  text.reserve(algorithm.size() + amz_date.size() + scope.size() + hash.size() + 3);
  for (const std::string_view line : {algorithm, amz_date, scope}) {
    text += line;
    text += '\n';
  }
  text += codec::view_of(hash);
  return codec::hex_of(codec::hmac_sha256_digest(key, text));
}

std::string signing_key(std::string_view secret, const Credential& credential) {
  using codec::hmac_sha256;
  const std::string date = hmac_sha256("AWS4" + std::string(secret), credential.date);
  const std::string region = hmac_sha256(date, credential.region);
  return hmac_sha256(hmac_sha256(region, credential.service), "aws4_request");
}

}  // namespace mekong::iam::sigv4
