#include "iam/kafka_login.h"

#include <algorithm>
#include <array>
#include <map>

#include "codec/record.h"
#include "codec/text.h"
#include "iam/crypto.h"

namespace mekong::iam {
namespace {

constexpr std::string_view empty_sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
constexpr int64_t expires_s_max = 900;
constexpr int64_t session_ms_max = 12 * 3'600'000;
constexpr size_t payload_bytes_max = 64 * 1024;

Error denied(std::string why) {
  return {"AccessDenied", std::move(why), 403};
}

struct Field {
  std::string_view json, parameter;  // parameter empty: not signed
  bool required = true;
};
constexpr std::array fields = {
    Field{"version", ""},
    Field{"host", ""},
    Field{"user-agent", "", false},
    Field{"action", "Action"},
    Field{"x-amz-algorithm", "X-Amz-Algorithm"},
    Field{"x-amz-credential", "X-Amz-Credential"},
    Field{"x-amz-date", "X-Amz-Date"},
    Field{"x-amz-security-token", "X-Amz-Security-Token", false},
    Field{"x-amz-signedheaders", "X-Amz-SignedHeaders"},
    Field{"x-amz-expires", "X-Amz-Expires"},
    Field{"x-amz-signature", "X-Amz-Signature"},
};

// Flat JSON of known keys, each once, all strings.
Result<std::map<std::string, std::string>> parse_payload(std::string_view json) {
  if (json.size() > payload_bytes_max) return denied("payload too long");
  auto document = codec::record::Document::parse(json);
  if (!document.ok() || !document->root().is_object()) return denied("payload is no JSON object");
  std::map<std::string, std::string> out;
  bool strict = true;
  document->root().each_member([&](std::string_view key, codec::record::Node value) {
    const bool known =
        std::any_of(fields.begin(), fields.end(), [&](const Field& f) { return f.json == key; });
    const auto text = value.text();
    strict = strict && known && text && out.emplace(key, *text).second;
  });
  if (!strict) return denied("payload has an unknown, repeated or non-string member");
  for (const Field& field : fields) {
    if (field.required && !out.contains(std::string(field.json))) {
      return denied("payload lacks " + std::string(field.json));
    }
  }
  return out;
}

// The region spelled in an AWS-looking host name, e.g. "boot-x.c1.kafka-serverless.eu-west-1.amazonaws.com".
std::string region_in_host(const std::string& host) {
  constexpr std::string_view tail = ".amazonaws.com";
  if (!host.ends_with(tail)) return {};
  const std::string head = host.substr(0, host.size() - tail.size());
  return head.substr(head.rfind('.') + 1);
}

}  // namespace

Result<KafkaLogin::Session> IamKafkaLogin::verify(const sigv4::Pairs& query, const std::string& host) const {
  for (const auto& [name, value] : query) {
    const bool known = name == "User-Agent" || std::any_of(fields.begin(), fields.end(), [&](const Field& f) {
                         return !f.parameter.empty() && f.parameter == name;
                       });
    if (!known) return denied("unknown parameter " + name);
    if (name == "Action" && value != "kafka-cluster:Connect") return denied("wrong action " + value);
    if (name == "X-Amz-SignedHeaders" && value != "host") return denied("signed headers must be host");
  }
  const auto actions =
      std::count_if(query.begin(), query.end(), [](const auto& p) { return p.first == "Action"; });
  if (actions != 1) return denied("exactly one Action is needed");
  const sigv4::Pairs headers = {{"host", host}};
  auto verified = verifier_.verify_presigned({.method = "GET",
                                              .canonical_path = "/",
                                              .query = query,
                                              .headers = headers,
                                              .payload_sha256 = empty_sha256,
                                              .expires_s_max = expires_s_max,
                                              .unsigned_parameters = {"User-Agent"}});
  if (!verified.ok()) return denied(verified.error().code + ": " + verified.error().message);
  const Authentication& authentication = verified->authentication;
  if (authentication.service != "kafka-cluster") return denied("signed for " + authentication.service);
  const std::string region = region_in_host(host);
  if (!region.empty() && region != authentication.region.value) return denied("signed for another region");
  int64_t expires_ms = clock_.wall_ms() + session_ms_max;
  if (authentication.principal->expires_ms != 0) {
    expires_ms = std::min(expires_ms, authentication.principal->expires_ms);
  }
  return Session{authentication.principal, authentication.region, expires_ms};
}

Result<KafkaLogin::Session> IamKafkaLogin::aws_msk_iam(std::string_view payload_json,
                                                       const std::vector<std::string>& listener_names) const {
  MEKONG_TRY_ASSIGN(auto payload, parse_payload(payload_json));
  if (payload["version"] != "2020_10_22") return denied("unknown version " + payload["version"]);
  const std::string& host = payload["host"];
  if (std::find(listener_names.begin(), listener_names.end(), host) == listener_names.end()) {
    return denied("signed for another host: " + host);
  }
  sigv4::Pairs query;
  for (const Field& field : fields) {
    auto at = payload.find(std::string(field.json));
    if (!field.parameter.empty() && at != payload.end()) query.emplace_back(field.parameter, at->second);
  }
  return verify(query, host);
}

Result<KafkaLogin::Session> IamKafkaLogin::oauthbearer(std::string_view token) const {
  if (token.size() > payload_bytes_max) return denied("token too long");
  auto url = from_base64url(token);
  constexpr std::string_view scheme = "https://";
  if (!url || !url->starts_with(scheme)) return denied("token is no signed URL");
  const std::string rest = url->substr(scheme.size());
  const size_t slash = rest.find("/?");
  if (slash == std::string::npos) return denied("token is no signed URL");
  const std::string host = rest.substr(0, slash);
  auto query = codec::parse_query(std::string_view(rest).substr(slash + 2), true);
  if (!query) return denied("broken escape in the token");
  const std::string region = region_in_host(host);
  if (region.empty() || host != "kafka." + region + ".amazonaws.com")
    return denied("signed for another host: " + host);
  return verify(*query, host);
}

}  // namespace mekong::iam
