#include "api/request_keys.h"

#include <algorithm>
#include <array>
#include <string>

#include "base/called_via.h"

namespace mekong::api {
namespace {

using From = RequestKeys::From;
using Values = ConditionValues;

void add_if(Values& values, std::string_view text) {
  if (!text.empty()) values.emplace_back(text);
}

void add_header(const From& from, std::string_view name, Values& values) {
  if (const auto* value = find_header(from.head.headers, name)) add_if(values, *value);
}

void add_parameter(const From& from, std::string_view name, Values& values) {
  if (const auto* value = find_header(from.query, name)) add_if(values, *value);
}

bool is_signed(const From& from) {
  return from.auth.signed_ms != 0;
}

struct Row {
  std::string_view key;
  void (*add)(const From&, Values&);
};

// Where a service calls for the principal, nobody's address is known: AWS leaves the key out.
constexpr std::array general = {
    Row{"aws:sourceip",
        [](const From& f, Values& v) { add_if(v, f.via.empty() ? f.head.source_ip : std::string_view()); }},
    Row{"aws:securetransport",
        [](const From& f, Values& v) { v.emplace_back(f.head.secure ? "true" : "false"); }},
    Row{"aws:useragent", [](const From& f, Values& v) { add_header(f, "user-agent", v); }},
    Row{"aws:referer", [](const From& f, Values& v) { add_header(f, "referer", v); }},
    Row{"aws:requestedregion", [](const From& f, Values& v) { add_if(v, f.auth.region.value); }},
};

constexpr std::array of_s3 = {
    Row{"s3:authtype",
        [](const From& f, Values& v) {
          if (is_signed(f))
            v.emplace_back(f.auth.form ? "POST" : f.auth.presigned ? "REST-QUERY-STRING" : "REST-HEADER");
        }},
    Row{"s3:signatureversion",
        [](const From& f, Values& v) {
          if (is_signed(f)) v.emplace_back("AWS4-HMAC-SHA256");
        }},
    // In milliseconds, of the moment that was signed.
    Row{"s3:signatureage",
        [](const From& f, Values& v) {
          if (is_signed(f)) v.emplace_back(std::to_string(std::max<int64_t>(0, f.now_ms - f.auth.signed_ms)));
        }},
    Row{"s3:tlsversion", [](const From& f, Values& v) { add_if(v, f.head.tls_version); }},
    Row{"s3:x-amz-content-sha256",
        [](const From& f, Values& v) {
          add_header(f, "x-amz-content-sha256", v);
          if (v.empty()) add_parameter(f, "X-Amz-Content-Sha256", v);
          if (v.empty() && f.auth.presigned) v.emplace_back("UNSIGNED-PAYLOAD");
        }},
    Row{"s3:max-keys", [](const From& f, Values& v) { add_parameter(f, "max-keys", v); }},
    Row{"s3:versionid", [](const From& f, Values& v) { add_parameter(f, "versionId", v); }},
    Row{"s3:if-match", [](const From& f, Values& v) { add_header(f, "if-match", v); }},
    Row{"s3:if-none-match", [](const From& f, Values& v) { add_header(f, "if-none-match", v); }},
    Row{"s3:object-lock-mode", [](const From& f, Values& v) { add_header(f, "x-amz-object-lock-mode", v); }},
    Row{"s3:object-lock-legal-hold",
        [](const From& f, Values& v) { add_header(f, "x-amz-object-lock-legal-hold", v); }},
    Row{"s3:object-lock-retain-until-date",
        [](const From& f, Values& v) { add_header(f, "x-amz-object-lock-retain-until-date", v); }},
};

constexpr std::string_view s3_prefix = "s3:", header_prefix = "s3:x-amz-";

bool is_secret(std::string_view header) {
  return header == "x-amz-security-token" || header.find("customer-key") != std::string_view::npos;
}

template <size_t n>
bool supply_from(const std::array<Row, n>& rows, const From& from, std::string_view key, Values& values) {
  const auto* row = std::ranges::find(rows, key, &Row::key);
  if (row == rows.end()) return false;
  row->add(from, values);
  return true;
}

}  // namespace

// Keys named x-amz-… are the headers of that name.
bool RequestKeys::supply_s3(std::string_view key, ConditionValues& values) const {
  if (supply_from(of_s3, from_, key, values)) return true;
  if (!key.starts_with(header_prefix)) return false;
  const std::string_view header = key.substr(s3_prefix.size());
  if (!is_secret(header)) add_header(from_, header, values);
  return true;
}

bool RequestKeys::supply(std::string_view key, ConditionValues& values) const {
  if (from_.s3 && key.starts_with(s3_prefix)) return supply_s3(key, values);
  if (!from_.via.empty() && CalledVia(from_.via).supply(key, values)) return true;
  return supply_from(general, from_, key, values);
}

void RequestKeys::each_key(const std::function<void(std::string_view key)>& visit) const {
  for (const Row& row : general) visit(row.key);
  if (!from_.via.empty()) CalledVia(from_.via).each_key(visit);
  if (!from_.s3) return;
  for (const Row& row : of_s3) visit(row.key);
  for (const auto& [name, value] : from_.head.headers) {
    const std::string key = std::string(s3_prefix) + name;
    if (key.starts_with(header_prefix)) visit(key);
  }
}

}  // namespace mekong::api
