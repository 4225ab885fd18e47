#include "iam/sessions.h"

#include <algorithm>

#include "base/arn.h"
#include "codec/hash.h"
#include "codec/record.h"
#include "codec/text.h"
#include "iam/crypto.h"
#include "policy/evaluate.h"

namespace mekong::iam {
namespace {

constexpr std::string_view base32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
constexpr size_t secret_length = 40;
constexpr size_t nonce_bytes = 12;
constexpr size_t account_seal_length = 8;

// What a token carries.
struct Sealed {
  std::string account, role_arn, entity_id, user, session_name, federated_name;
  std::vector<std::string> policies, transitive;
  std::map<std::string, std::string> tags;
  std::string source_identity, provider;
  int64_t expires_ms = 0, issued_ms = 0;
  template <class F>
  void each_field(F&& f) {
    f("A", account), f("R", role_arn), f("I", entity_id), f("U", user), f("N", session_name),
        f("P", policies);
    f("T", tags), f("E", expires_ms), f("S", issued_ms), f("F", federated_name), f("V", transitive);
    f("O", source_identity), f("W", provider);
  }
};

Error invalid_token() {
  return {"InvalidClientTokenId", "The security token included in the request is invalid.", 403};
}

std::string root_arn(const std::string& account) {
  return "arn:aws:iam::" + account + ":root";
}

void fill_who(Principal& out, const Sealed& sealed) {
  if (!sealed.role_arn.empty()) {
    const std::string role_name = sealed.role_arn.substr(sealed.role_arn.rfind('/') + 1);
    out.kind = PrincipalKind::role_session;
    out.role_arn = sealed.role_arn;
    out.user_id = sealed.entity_id + ":" + sealed.session_name;
    out.arn = "arn:aws:sts::" + sealed.account + ":assumed-role/" + role_name + "/" + sealed.session_name;
  } else if (!sealed.federated_name.empty()) {
    out.kind = PrincipalKind::federated_user;
    out.issuer_arn = sealed.user.empty() ? root_arn(sealed.account) : sealed.user;
    out.user_id = sealed.account + ":" + sealed.federated_name;
    out.arn = "arn:aws:sts::" + sealed.account + ":federated-user/" + sealed.federated_name;
  } else if (!sealed.user.empty()) {
    out.kind = PrincipalKind::user;
    out.user_id = sealed.entity_id;
    out.arn = sealed.user;
  } else {
    out.kind = PrincipalKind::root;
    out.user_id = sealed.account;
    out.arn = root_arn(sealed.account);
  }
}

PrincipalPtr principal_of(const Sealed& sealed, const std::string& access_key_id) {
  auto out = std::make_shared<Principal>();
  out->account = AccountId(sealed.account);
  out->access_key_id = access_key_id;
  out->session_policies = sealed.policies;
  out->tags = sealed.tags;
  out->transitive_tags = sealed.transitive;
  out->source_identity = sealed.source_identity;
  out->federated_provider = sealed.provider;
  out->issued_ms = sealed.issued_ms;
  out->expires_ms = sealed.expires_ms;
  fill_who(*out, sealed);
  return out;
}

// "ASIA", eight random characters, eight that seal the account to them: 40 bits, which tell whose a key is,
// as GetAccessKeyInfo does; nothing else hangs on them.
std::string seal_of_account(const std::string& server_secret, std::string_view random,
                            std::string_view account) {
  const std::string key = codec::hmac_sha256(server_secret, "session-account");
  const std::string mac = codec::hmac_sha256(key, std::string(random) + "/" + std::string(account));
  std::string out;
  for (size_t i = 0; i < account_seal_length; ++i) out += base32[static_cast<unsigned char>(mac[i]) % 32];
  return out;
}

// Tags of the session win over those of its role or user; keys are equal without case.
void add_missing(std::map<std::string, std::string>& tags, const std::map<std::string, std::string>& more) {
  for (const auto& tag : more) {
    const bool there = std::any_of(tags.begin(), tags.end(), [&](const auto& known) {
      return codec::equal_no_case(known.first, tag.first);
    });
    if (!there) tags.insert(tag);
  }
}

// A role or user made anew under the same name is another one.
bool still_there(const Directory& directory, const Sealed& sealed) {
  if (!sealed.role_arn.empty()) {
    auto role = directory.find_role_by_arn(sealed.role_arn);
    return role && role->id == sealed.entity_id;
  }
  if (sealed.user.empty()) return true;
  auto parsed = parse_iam_arn(sealed.user, "user");
  auto user = parsed ? directory.find_user(parsed->account, parsed->name) : nullptr;
  return user && user->id == sealed.entity_id;
}

}  // namespace

PrincipalPtr principal_of_key(const Directory& directory, const AccessKey& key) {
  Sealed like{.account = key.account};
  if (!key.user.empty()) {
    auto user = directory.find_user(AccountId(key.account), key.user);
    if (!user) return nullptr;
    like.user = user->arn();
    like.entity_id = user->id;
    like.tags = user->tags;
  }
  return principal_of(like, key.id);
}

Sessions::Sessions(Directory& directory, os::Clock& clock, os::Random& random)
    : directory_(directory), clock_(clock), random_(random) {}

std::string Sessions::secret_of(std::string_view access_key_id) const {
  const std::string key = codec::hmac_sha256(directory_.server_secret(), "session-secret");
  return codec::base64_encode(codec::hmac_sha256(key, access_key_id)).substr(0, secret_length);
}

std::string Sessions::new_key_id(const AccountId& account) const {
  const std::string random = random_.from_alphabet(base32, 8);
  return "ASIA" + random + seal_of_account(directory_.server_secret(), random, account.value);
}

std::optional<AccountId> Sessions::account_of(std::string_view id) const {
  if (id.size() != 20 || !id.starts_with("ASIA")) return std::nullopt;
  for (const auto& account : directory_.accounts()) {
    const std::string seal = seal_of_account(directory_.server_secret(), id.substr(4, 8), account.id);
    if (codec::equal_in_constant_time(seal, id.substr(12))) return AccountId(account.id);
  }
  return std::nullopt;
}

SessionCredentials Sessions::issue(const SessionRequest& request) const {
  Sealed sealed{.account = request.account.value,
                .session_name = request.session_name,
                .federated_name = request.federated_name,
                .policies = request.policies,
                .transitive = request.transitive_tags,
                .tags = request.tags,
                .source_identity = request.source_identity,
                .provider = request.federated_provider,
                .expires_ms = clock_.wall_ms() + request.duration_s * 1000,
                .issued_ms = clock_.wall_ms()};
  if (request.role) {
    sealed.role_arn = request.role->arn();
    sealed.entity_id = request.role->id;
    add_missing(sealed.tags, request.role->tags);
  } else if (request.user) {
    sealed.user = request.user->arn();
    sealed.entity_id = request.user->id;
    add_missing(sealed.tags, request.user->tags);
  }
  SessionCredentials out{.access_key_id = new_key_id(request.account), .expires_ms = sealed.expires_ms};
  out.secret_access_key = secret_of(out.access_key_id);
  std::string nonce(nonce_bytes, '\0');
  random_.fill(nonce.data(), nonce.size());
  const std::string key = codec::hmac_sha256(directory_.server_secret(), "session-token");
  out.session_token = codec::base64_encode(seal(key, nonce, codec::encode_record(sealed), out.access_key_id));
  out.principal = principal_of(sealed, out.access_key_id);
  return out;
}

Result<Sessions::Opened> Sessions::open(const std::string& access_key_id, std::string_view token) const {
  auto bytes = codec::base64_decode(token);
  if (!bytes) return invalid_token();
  const std::string key = codec::hmac_sha256(directory_.server_secret(), "session-token");
  auto plain = unseal(key, *bytes, access_key_id);
  if (!plain) return invalid_token();
  MEKONG_TRY_ASSIGN(const Sealed sealed, codec::decode_record<Sealed>(*plain));
  if (sealed.expires_ms <= clock_.wall_ms()) {
    return Error{"ExpiredToken", "The security token included in the request is expired", 403};
  }
  if (!still_there(directory_, sealed)) return invalid_token();
  return Opened{principal_of(sealed, access_key_id), secret_of(access_key_id)};
}

Result<SessionCredentials> Sessions::assume_for_service(std::string_view role_arn, const ServiceCaller& who,
                                                        int64_t duration_s) {
  auto role = directory_.find_role_by_arn(role_arn);
  if (!role) return Error{"NoSuchEntity", "The role " + std::string(role_arn) + " cannot be found.", 404};
  MEKONG_TRY_ASSIGN(auto trust, policy::parse_document(role->trust, policy::DocumentKind::stored));
  const Principal caller{.kind = PrincipalKind::service, .arn = std::string(who.service_principal)};
  policy::Documents documents;
  documents.resource = policy::NamedDocument{"trust", trust};
  policy::Context context;
  if (const auto source = Arn::parse(who.source_arn)) {
    context.set("aws:SourceArn", {std::string(who.source_arn)});
    context.set("aws:SourceAccount", {source->account});
  }
  context.set("aws:PrincipalIsAWSService", {"true"});
  context.set("aws:PrincipalServiceName", {std::string(who.service_principal)});
  context.set("sts:RoleSessionName", {std::string(who.session_name)});
  if (policy::evaluate({caller, "sts:AssumeRole", role_arn, context}, documents).outcome !=
      policy::Outcome::allowed) {
    return Error{"AccessDenied",
                 "The trust policy of " + std::string(role_arn) + " does not let " +
                     std::string(who.service_principal) + " assume it",
                 403};
  }
  return issue({.role = role,
                .account = AccountId(role->account),
                .session_name = std::string(who.session_name),
                .duration_s = duration_s});
}

}  // namespace mekong::iam
