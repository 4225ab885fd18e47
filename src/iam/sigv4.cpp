#include "iam/sigv4.h"

#include <algorithm>
#include <chrono>

#include "iam/crypto.h"

namespace mekong::iam::sigv4 {
namespace {

bool unreserved(unsigned char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
         c == '_' || c == '~';
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

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

std::string percent_encode(std::string_view text, bool keep_slash) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string out;
  out.reserve(text.size());
  for (unsigned char c : text) {
    if (unreserved(c) || (keep_slash && c == '/')) {
      out += static_cast<char>(c);
    } else {
      out += {'%', digits[c >> 4], digits[c & 15]};
    }
  }
  return out;
}

std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      if (i + 2 >= text.size()) return std::nullopt;
      const int high = hex_digit(text[i + 1]), low = hex_digit(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      out += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      out += plus_is_space && text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

std::optional<Pairs> parse_query(std::string_view raw) {
  Pairs query;
  if (raw.empty()) return query;
  for (const std::string& part : split(raw, '&')) {
    if (part.empty()) continue;
    const size_t equals = part.find('=');
    auto name = percent_decode(std::string_view(part).substr(0, equals), true);
    auto value = equals == std::string::npos
                     ? std::optional<std::string>("")
                     : percent_decode(std::string_view(part).substr(equals + 1), true);
    if (!name || !value) return std::nullopt;
    query.emplace_back(std::move(*name), std::move(*value));
  }
  return query;
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
  return out += "\n" + sha256_hex(request);
}

std::string signing_key(std::string_view secret, const Credential& credential) {
  const std::string date = hmac_sha256("AWS4" + std::string(secret), credential.date);
  const std::string region = hmac_sha256(date, credential.region);
  return hmac_sha256(hmac_sha256(region, credential.service), "aws4_request");
}

std::optional<int64_t> parse_amz_date_ms(std::string_view text) {
  using namespace std::chrono;
  if (text.size() != 16 || text[8] != 'T' || text[15] != 'Z') return std::nullopt;
  auto number = [&](size_t at, size_t digits) {
    int value = 0;
    for (size_t i = at; i < at + digits; ++i) {
      if (text[i] < '0' || text[i] > '9') return -1;
      value = value * 10 + (text[i] - '0');
    }
    return value;
  };
  const int y = number(0, 4), m = number(4, 2), d = number(6, 2);
  const int hour = number(9, 2), minute = number(11, 2), second = number(13, 2);
  if (y < 0 || m < 0 || d < 0 || hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 ||
      second > 60) {
    return std::nullopt;
  }
  const year_month_day date{year(y), month(static_cast<unsigned>(m)), day(static_cast<unsigned>(d))};
  if (!date.ok()) return std::nullopt;
  const auto midnight_ms = duration_cast<milliseconds>(sys_days(date).time_since_epoch()).count();
  return midnight_ms + (hour * 3600 + minute * 60 + second) * int64_t{1000};
}

}  // namespace mekong::iam::sigv4
