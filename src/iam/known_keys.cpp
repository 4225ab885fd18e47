#include "iam/known_keys.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>

#include "codec/time.h"
#include "policy/context.h"

namespace mekong::iam {

// A key, and what adds its values; none added: absent.
struct KnownKey {
  std::string_view key;
  void (*add)(const KnownKey&, const KnownKeys&, ConditionValues&);

  static const Principal& caller(const KnownKeys& keys) { return keys.request_.principal; }
  static std::string_view owner(const KnownKeys& keys) { return keys.owner_; }
  static int64_t now_ms(const KnownKeys& keys) { return keys.now_ms_; }
  static bool asks_the_face(const KnownKeys& keys, std::string_view key, ConditionValues& values) {
    return keys.known_to_the_face(key, values);
  }
};

namespace {

constexpr std::string_view tag_head = "aws:principaltag/";
using K = KnownKeys;
using Row = KnownKey;
using Values = ConditionValues;

const char* principal_type(PrincipalKind kind) {
  switch (kind) {
    case PrincipalKind::root:
      return "Account";
    case PrincipalKind::user:
      return "User";
    case PrincipalKind::role_session:
      return "AssumedRole";
    case PrincipalKind::federated_user:
    case PrincipalKind::web_identity:
      return "FederatedUser";
    case PrincipalKind::service:
      return "Service";
    case PrincipalKind::anonymous:
      return "Anonymous";
  }
  return "Anonymous";
}

void add_if(Values& values, std::string_view text) {
  if (!text.empty()) values.emplace_back(text);
}

void add_number(Values& values, int64_t number) {
  std::array<char, 24> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  values.emplace_back(std::string_view(digits.data(), end));
}

void owner_of_the_resource(const Row&, const K& k, Values& v) {
  add_if(v, Row::owner(k));
}

// What no service does for another, unless the face says so.
void false_unless_the_face_knows(const Row& row, const K& k, Values& v) {
  if (!Row::asks_the_face(k, row.key, v)) v.emplace_back("false");
}

constexpr std::array rows = {
    Row{"aws:currenttime",
        [](const Row&, const K& k, Values& v) { v.emplace_back(codec::format_iso8601(Row::now_ms(k))); }},
    Row{"aws:epochtime", [](const Row&, const K& k, Values& v) { add_number(v, Row::now_ms(k) / 1000); }},
    Row{"aws:principaltype",
        [](const Row&, const K& k, Values& v) { v.emplace_back(principal_type(Row::caller(k).kind)); }},
    Row{"aws:principalarn",
        [](const Row&, const K& k, Values& v) {
          const Principal& who = Row::caller(k);
          add_if(v, who.role_arn.empty() ? who.arn : who.role_arn);
        }},
    Row{"aws:principalaccount",
        [](const Row&, const K& k, Values& v) { add_if(v, Row::caller(k).account.value); }},
    Row{"aws:userid", [](const Row&, const K& k, Values& v) { add_if(v, Row::caller(k).user_id); }},
    Row{"aws:username",
        [](const Row&, const K& k, Values& v) {
          const std::string_view arn = Row::caller(k).arn;
          if (Row::caller(k).kind == PrincipalKind::user) add_if(v, arn.substr(arn.rfind('/') + 1));
        }},
    Row{"aws:principalisawsservice",
        [](const Row&, const K& k, Values& v) {
          v.emplace_back(Row::caller(k).kind == PrincipalKind::service ? "true" : "false");
        }},
    Row{"aws:principalservicename",
        [](const Row&, const K& k, Values& v) {
          if (Row::caller(k).kind == PrincipalKind::service) add_if(v, Row::caller(k).arn);
        }},
    Row{"aws:principalservicenameslist",
        [](const Row&, const K& k, Values& v) {
          if (Row::caller(k).kind == PrincipalKind::service) add_if(v, Row::caller(k).arn);
        }},
    Row{"aws:sourceidentity",
        [](const Row&, const K& k, Values& v) { add_if(v, Row::caller(k).source_identity); }},
    Row{"aws:federatedprovider",
        [](const Row&, const K& k, Values& v) { add_if(v, Row::caller(k).federated_provider); }},
    Row{"aws:tokenissuetime",
        [](const Row&, const K& k, Values& v) {
          const int64_t issued_ms = Row::caller(k).issued_ms;
          if (issued_ms != 0) v.emplace_back(codec::format_iso8601(issued_ms));
        }},
    // Long-lived keys have no such key at all, as in AWS; nobody has MFA.
    Row{"aws:multifactorauthpresent",
        [](const Row&, const K& k, Values& v) {
          if (Row::caller(k).issued_ms != 0) v.emplace_back("false");
        }},
    Row{"aws:viaawsservice", false_unless_the_face_knows},
    Row{"aws:resourceaccount", owner_of_the_resource},
    Row{"s3:resourceaccount", owner_of_the_resource},
};

}  // namespace

bool KnownKeys::supply_tag(std::string_view tag, ConditionValues& values) const {
  for (const auto& [name, value] : request_.principal.tags) {
    if (!policy::same_letters(name, tag)) continue;
    values.clear();
    values.emplace_back(value);
  }
  return !values.empty();
}

bool KnownKeys::supply(std::string_view key, ConditionValues& values) const {
  if (key.starts_with(tag_head)) return supply_tag(key.substr(tag_head.size()), values);
  const auto* row = std::ranges::find(rows, key, &Row::key);
  if (row == rows.end()) return known_to_the_face(key, values);
  row->add(*row, *this, values);
  // Of whose a resource is, a caller that asks in its name may know more.
  return !values.empty() || row->add != &owner_of_the_resource;
}

void KnownKeys::each_key(const std::function<void(std::string_view key)>& visit) const {
  for (const Row& row : rows) visit(row.key);
  for (const auto& [tag, value] : request_.principal.tags) visit(policy::lower(std::string(tag_head) + tag));
  if (request_.known != nullptr) request_.known->each_key(visit);
}

}  // namespace mekong::iam
