#include "iam/web_identity.h"

#include <algorithm>

#include "codec/json.h"
#include "iam/crypto.h"

namespace mekong::iam {
namespace {

constexpr int64_t keys_kept_ms = 3'600'000;
constexpr int64_t keys_anew_ms = 10'000;  // the soonest to ask again for a key that is not known
constexpr int64_t skew_s = 300;
constexpr size_t token_bytes_max = 20'000;
constexpr std::string_view https = "https://";

Error invalid(std::string why) {
  return {"InvalidIdentityToken", std::move(why), 400};
}

std::string text_of(const codec::Json& object, std::string_view name) {
  const codec::Json* found = object.find(name);
  return found != nullptr && found->kind == codec::Json::Kind::string ? found->string : "";
}

int64_t number_of(const codec::Json& object, std::string_view name, int64_t otherwise) {
  const codec::Json* found = object.find(name);
  return found != nullptr && found->is_number() ? found->integer : otherwise;
}

std::vector<std::string> texts_of(const codec::Json* value) {
  std::vector<std::string> out;
  if (value == nullptr) return out;
  if (value->kind == codec::Json::Kind::string) out.push_back(value->string);
  for (const codec::Json& item : value->array) {
    if (item.kind == codec::Json::Kind::string) out.push_back(item.string);
  }
  return out;
}

Result<codec::Json> part(std::string_view encoded) {
  auto text = from_base64url(encoded);
  if (!text) return invalid("The token is not base64url.");
  auto json = codec::parse_json(*text);
  if (!json.ok() || json->kind != codec::Json::Kind::object)
    return invalid("The token holds no JSON objects.");
  return json;
}

// Condition keys are told by the claims:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html#condition-keys-wif
void set_keys(WebIdentity& out, const codec::Json& claims) {
  const std::string& issuer = out.provider->url;
  for (const char* claim : {"sub", "amr", "azp", "email", "oaud"}) {
    const auto values = texts_of(claims.find(claim));
    if (!values.empty()) out.keys[issuer + ":" + claim] = values;
  }
  out.keys[issuer + ":aud"] = {out.audience};
}

void set_tags(WebIdentity& out, const codec::Json& claims) {
  out.source_identity = text_of(claims, "https://aws.amazon.com/source_identity");
  const codec::Json* tags = claims.find("https://aws.amazon.com/tags");
  const codec::Json* principal = tags == nullptr ? nullptr : tags->find("principal_tags");
  if (principal == nullptr) return;
  for (const auto& member : principal->object) {
    const auto values = texts_of(&member.value);
    if (values.size() == 1) out.tags[member.key] = values.front();
  }
  out.transitive_tags = texts_of(tags->find("transitive_tag_keys"));
}

Status check_times(const codec::Json& claims, int64_t now_s) {
  const int64_t expires_s = number_of(claims, "exp", 0);
  if (expires_s <= now_s) return Error{"ExpiredTokenException", "Token expired", 400};
  if (number_of(claims, "nbf", 0) > now_s + skew_s || number_of(claims, "iat", 0) > now_s + skew_s) {
    return invalid("The token is not valid yet.");
  }
  return ok();
}

// The audience that the provider knows; `azp` counts where there is one, as AWS does.
std::string audience_of(const codec::Json& claims, const IdentityProvider& provider) {
  std::vector<std::string> given = texts_of(claims.find("aud"));
  if (const std::string authorised = text_of(claims, "azp"); !authorised.empty()) given = {authorised};
  for (const std::string& audience : given) {
    const auto& known = provider.client_ids;
    if (std::find(known.begin(), known.end(), audience) != known.end()) return audience;
  }
  return {};
}

}  // namespace

Result<std::string> WebIdentities::keys_of(const IdentityProvider& provider, bool anew) const {
  const int64_t now_ms = clock_.wall_ms();
  {
    std::lock_guard lock(mutex_);
    auto at = keys_.find(provider.arn);
    const int64_t kept_ms = anew ? keys_anew_ms : keys_kept_ms;
    if (at != keys_.end() && at->second.fetched_ms + kept_ms > now_ms) return at->second.jwks;
  }
  const Error unreachable{"IDPCommunicationError",
                          "The keys of https://" + provider.url + " could not be read.", 400};
  auto configuration =
      fetch_(provider, std::string(https) + provider.url + "/.well-known/openid-configuration");
  if (!configuration.ok()) return unreachable;
  auto parsed = codec::parse_json(*configuration);
  if (!parsed.ok()) return unreachable;
  if (text_of(*parsed, "issuer") != std::string(https) + provider.url) {
    return invalid("The issuer calls itself another name in its configuration.");
  }
  auto jwks = fetch_(provider, text_of(*parsed, "jwks_uri"));
  if (!jwks.ok()) return unreachable;
  std::lock_guard lock(mutex_);
  keys_[provider.arn] = {*jwks, now_ms};
  return *jwks;
}

Status WebIdentities::check_signature(const IdentityProvider& provider, std::string_view token,
                                      std::string_view algorithm, std::string_view key_id) const {
  const size_t last = token.rfind('.');
  auto signature = from_base64url(token.substr(last + 1));
  if (!signature) return invalid("The token's signature is not base64url.");
  for (const bool anew : {false, true}) {
    MEKONG_TRY_ASSIGN(const std::string jwks, keys_of(provider, anew));
    auto parsed = codec::parse_json(jwks);
    const codec::Json* keys = parsed.ok() ? parsed->find("keys") : nullptr;
    if (keys == nullptr) return invalid("The issuer publishes no keys.");
    bool known = false;
    for (const codec::Json& key : keys->array) {
      if (text_of(key, "kid") != key_id) continue;
      known = true;
      const PublicKey parts{text_of(key, "kty"), text_of(key, "n"), text_of(key, "e"),
                            text_of(key, "crv"), text_of(key, "x"), text_of(key, "y")};
      if (signed_by(parts, algorithm, token.substr(0, last), *signature)) return ok();
    }
    if (known) return invalid("The token's signature is wrong.");
  }
  return invalid("Couldn't retrieve verification key from your identity provider: it has none of that id.");
}

Result<WebIdentity> WebIdentities::verify(const AccountId& account, std::string_view token) const {
  const size_t first = token.find('.'), last = token.rfind('.');
  if (token.size() > token_bytes_max || first == std::string_view::npos || first == last) {
    return invalid(
        "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)");
  }
  MEKONG_TRY_ASSIGN(const codec::Json header, part(token.substr(0, first)));
  MEKONG_TRY_ASSIGN(const codec::Json claims, part(token.substr(first + 1, last - first - 1)));
  const std::string issuer = text_of(claims, "iss");
  const std::string_view host = std::string_view(issuer).substr(issuer.starts_with(https) ? https.size() : 0);
  WebIdentity out;
  out.provider =
      directory_.find_provider("arn:aws:iam::" + account.value + ":oidc-provider/" + std::string(host));
  if (!out.provider || out.provider->saml || !issuer.starts_with(https)) {
    return invalid("No OpenIDConnect provider found in your account for " + issuer);
  }
  MEKONG_TRY(check_signature(*out.provider, token, text_of(header, "alg"), text_of(header, "kid")));
  MEKONG_TRY(check_times(claims, clock_.wall_ms() / 1000));
  out.subject = text_of(claims, "sub");
  out.audience = audience_of(claims, *out.provider);
  if (out.audience.empty()) return invalid("Incorrect token audience");
  if (out.subject.empty()) return invalid("The token has no subject.");
  set_keys(out, claims);
  set_tags(out, claims);
  return out;
}

}  // namespace mekong::iam
