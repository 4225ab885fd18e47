// A second evaluator, written from the IAM guide alone, against the engine, on random documents and requests.
// It walks the JSON of each document anew for every question and knows nothing of the engine but its types.
// How many depends on MEKONG_TIER; MEKONG_POLICY_SEED: which (printed with every failure).
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <random>

#include "policy/evaluate.h"

namespace mekong::policy {
namespace {

namespace json = boost::json;
using Keys = std::map<std::string, std::vector<std::string>>;

const std::string account = "111111111111";
const std::string account_root = "arn:aws:iam::111111111111:root";

struct Texts {
  std::vector<std::string> identity, session;
  std::string boundary, resource;  // empty: none
};

struct Asked {
  Principal who;
  std::string action, resource;
  Keys keys;
  bool cross_account = false, trust = false;
};

// ---- the guide's evaluator -------------------------------------------------------------------------------

namespace guide {

std::vector<std::string> listed(const json::value& value) {
  std::vector<std::string> out;
  const json::array many = value.is_array() ? value.as_array() : json::array{value};
  for (const auto& one : many) {
    out.push_back(one.is_string() ? std::string(one.as_string()) : json::serialize(one));
  }
  return out;
}

// A character, or a wildcard: what a pattern is made of once its variables are filled in.
struct Mark {
  char c;
  bool wild;
};
using Marks = std::vector<Mark>;

bool fits(const Marks& marks, size_t m, const std::string& text, size_t t, bool any_case) {
  if (m == marks.size()) return t == text.size();
  if (marks[m].wild && marks[m].c == '*') {
    for (size_t skip = t; skip <= text.size(); ++skip) {
      if (fits(marks, m + 1, text, skip, any_case)) return true;
    }
    return false;
  }
  if (t == text.size()) return false;
  const bool same = any_case ? std::tolower(marks[m].c) == std::tolower(text[t]) : marks[m].c == text[t];
  return (same || marks[m].wild) && fits(marks, m + 1, text, t + 1, any_case);
}

std::string lowered(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(c));
  return text;
}

struct Evaluator {
  const Asked& asked;

  const std::vector<std::string>* key(const std::string& name) const {
    for (const auto& [known, values] : asked.keys) {
      if (lowered(known) == lowered(name) && !values.empty()) return &values;
    }
    return nullptr;
  }

  // False: a variable has no value, so nothing matches.
  bool fill(const std::string& text, bool variables, Marks& out) const {
    for (size_t i = 0; i < text.size(); ++i) {
      const size_t end = variables && text.compare(i, 2, "${") == 0 ? text.find('}', i) : std::string::npos;
      if (end == std::string::npos) {
        out.push_back({text[i], text[i] == '*' || text[i] == '?'});
        continue;
      }
      std::string name = text.substr(i + 2, end - i - 2), fallback;
      const size_t comma = name.find(", '");
      if (comma != std::string::npos) {
        fallback = name.substr(comma + 3, name.size() - comma - 4);
        name.resize(comma);
      }
      const auto* values = key(name);
      if (name == "*" || name == "?" || name == "$") {
        out.push_back({name[0], false});
      } else if (values != nullptr && values->size() == 1) {
        for (char c : values->front()) out.push_back({c, false});
      } else if (comma != std::string::npos) {
        for (char c : fallback) out.push_back({c, false});
      } else {
        return false;
      }
      i = end;
    }
    return true;
  }

  // "The first five parts each on their own, the rest as one."
  static bool arn_fits(const Marks& marks, const std::string& arn) {
    if (marks.size() == 1 && marks[0].wild && marks[0].c == '*') return true;
    size_t m = 0, a = 0;
    for (int part = 0; part < 5; ++part) {
      Marks piece;
      while (m < marks.size() && marks[m].c != ':') piece.push_back(marks[m++]);
      const size_t colon = arn.find(':', a);
      if (colon == std::string::npos) return false;
      if (!fits(piece, 0, arn.substr(a, colon - a), 0, false)) return false;
      a = colon + 1;
      if (m == marks.size()) return !piece.empty() && piece.back().wild && piece.back().c == '*';
      ++m;
    }
    return fits(Marks(marks.begin() + static_cast<long>(m), marks.end()), 0, arn.substr(a), 0, false);
  }

  static double instant(const std::string& text) {
    std::tm when{};
    if (std::sscanf(text.c_str(), "%d-%d-%dT%d:%d:%dZ", &when.tm_year, &when.tm_mon, &when.tm_mday,
                    &when.tm_hour, &when.tm_min, &when.tm_sec) >= 3) {
      when.tm_year -= 1900, when.tm_mon -= 1;
      return static_cast<double>(timegm(&when));
    }
    return std::atof(text.c_str());
  }

  static bool in_network(const std::string& address, const std::string& network) {
    unsigned a[4], n[4], bits = 32;
    std::sscanf(address.c_str(), "%u.%u.%u.%u", &a[0], &a[1], &a[2], &a[3]);
    std::sscanf(network.c_str(), "%u.%u.%u.%u/%u", &n[0], &n[1], &n[2], &n[3], &bits);
    const uint64_t have = (uint64_t{a[0]} << 24) + (a[1] << 16) + (a[2] << 8) + a[3];
    const uint64_t want = (uint64_t{n[0]} << 24) + (n[1] << 16) + (n[2] << 8) + n[3];
    return have >> (32 - bits) == want >> (32 - bits);
  }

  bool one(const std::string& op, const std::string& have, const std::string& want, bool variables) const {
    Marks marks;
    if (!fill(want, variables, marks)) return false;
    std::string plain;
    for (const Mark& mark : marks) plain += mark.c;
    auto ordered = [&](double l, double r) {
      if (op.ends_with("LessThan")) return l < r;
      if (op.ends_with("LessThanEquals")) return l <= r;
      if (op.ends_with("GreaterThan")) return l > r;
      if (op.ends_with("GreaterThanEquals")) return l >= r;
      return l == r;
    };
    if (op == "StringLike") return fits(marks, 0, have, 0, false);
    if (op == "StringEqualsIgnoreCase" || op == "Bool") return lowered(have) == lowered(plain);
    if (op.starts_with("Arn")) return arn_fits(marks, have);
    if (op == "IpAddress") return in_network(have, plain);
    if (op.starts_with("Numeric")) return ordered(std::atof(have.c_str()), std::atof(plain.c_str()));
    if (op.starts_with("Date")) return ordered(instant(have), instant(plain));
    return have == plain;
  }

  bool condition(std::string op, const std::string& name, const json::value& wanted, bool variables) const {
    const auto* have = key(name);
    if (op == "Null") {
      for (const auto& want : listed(wanted)) {
        if ((want == "true") == (have == nullptr)) return true;
      }
      return false;
    }
    std::string set;
    if (const size_t colon = op.find(':'); colon != std::string::npos) {
      set = op.substr(0, colon);
      op = op.substr(colon + 1);
    }
    bool if_exists = false, negative = false;
    if (op.ends_with("IfExists")) if_exists = true, op.resize(op.size() - 8);
    if (const size_t no = op.find("Not"); no != std::string::npos) negative = true, op.erase(no, 3);
    if (have == nullptr) {
      if (if_exists || set == "ForAllValues") return true;
      return set.empty() && negative;
    }
    size_t matching = 0;
    for (const auto& value : *have) {
      bool found = false;
      for (const auto& want : listed(wanted)) found = found || one(op, value, want, variables);
      matching += found ? 1 : 0;
    }
    if (set == "ForAllValues") return matching == (negative ? 0 : have->size());
    if (set == "ForAnyValue") return negative ? matching < have->size() : matching > 0;
    return negative ? matching == 0 : matching > 0;
  }

  bool action_and_resource(const json::object& s, bool variables) const {
    bool by_action = false, by_resource = false, hole = false;
    const bool not_action = s.contains("NotAction"), not_resource = s.contains("NotResource");
    for (const auto& text : listed(s.at(not_action ? "NotAction" : "Action"))) {
      Marks marks;
      by_action = by_action || (fill(text, false, marks) && fits(marks, 0, asked.action, 0, true));
    }
    if (by_action == not_action) return false;
    if (!not_resource && !s.contains("Resource")) return true;
    for (const auto& text : listed(s.at(not_resource ? "NotResource" : "Resource"))) {
      Marks marks;
      if (!fill(text, variables, marks)) {
        hole = true;
      } else if (asked.resource == "*" ? text == "*" : arn_fits(marks, asked.resource)) {
        by_resource = true;
      }
    }
    if (not_resource && hole && s.at("Effect") == "Allow") return false;
    return by_resource != not_resource;
  }

  bool concerns(const json::object& s, bool variables) const {
    if (!action_and_resource(s, variables)) return false;
    if (!s.contains("Condition")) return true;
    for (const auto& [op, keys] : s.at("Condition").as_object()) {
      for (const auto& [name, wanted] : keys.as_object()) {
        if (!condition(std::string(op), std::string(name), wanted, variables)) return false;
      }
    }
    return true;
  }

  // Under which of its names the caller stands in the element; the guide's "account", "role", "user or
  // session".
  enum Name { nobody, its_account, its_role, itself };
  Name named(const json::value& element) const {
    std::map<std::string, Name> names;
    const bool lent =
        asked.who.kind == PrincipalKind::role_session || asked.who.kind == PrincipalKind::federated_user;
    names["AWS *"] = lent ? its_role : itself;
    if (asked.who.kind == PrincipalKind::service) {
      names["Service " + asked.who.arn] = itself;
    } else if (asked.who.kind == PrincipalKind::web_identity) {
      names["Federated " + asked.who.federated_provider] = itself;
    } else if (!asked.who.account.value.empty()) {
      names["AWS " + account] = names["AWS " + account_root] = its_account;
      if (lent)
        names["AWS " + (asked.who.role_arn.empty() ? asked.who.issuer_arn : asked.who.role_arn)] = its_role;
      names["AWS " + asked.who.arn] = itself;
    }
    Name best = nobody;
    if (element.is_string()) return names["AWS *"];
    for (const auto& [type, list] : element.as_object()) {
      for (const auto& name : listed(list)) {
        auto at = names.find(std::string(type) + " " + name);
        if (at != names.end()) best = std::max(best, at->second);
      }
    }
    return best;
  }

  bool spared(const json::value& element) const {  // by a Deny with NotPrincipal
    if (element.is_string()) return true;
    std::vector<std::string> aws;
    if (element.as_object().contains("AWS")) aws = listed(element.as_object().at("AWS"));
    auto has = [&](const std::string& name) { return std::find(aws.begin(), aws.end(), name) != aws.end(); };
    if (has("*")) return true;
    if (asked.who.account.value.empty()) return named(element) != nobody;
    const bool role_too = asked.who.role_arn.empty() || has(asked.who.role_arn);
    return has(asked.who.arn) && role_too && (has(account) || has(account_root));
  }

  // The closest Allow, and whether there is a Deny.
  struct Said {
    Name allow = nobody;
    bool deny = false;
  };
  Said read(const std::string& text) const {
    Said said;
    if (text.empty()) return said;
    const json::value root = json::parse(text);
    const auto& top = root.as_object();
    const bool variables = top.contains("Version") && top.at("Version") == "2012-10-17";
    const auto& body = top.at("Statement");
    for (const auto& entry : body.is_array() ? body.as_array() : json::array{body}) {
      const auto& s = entry.as_object();
      const bool allow = s.at("Effect") == "Allow";
      Name how = itself;
      if (s.contains("Principal")) how = named(s.at("Principal"));
      if (s.contains("NotPrincipal")) {
        const auto& element = s.at("NotPrincipal");
        const bool out = allow ? named(element) != nobody : spared(element);
        how = out ? nobody : named(json::value("*"));
      }
      if (how == nobody || !concerns(s, variables)) continue;
      if (allow) said.allow = std::max(said.allow, how);
      if (!allow) said.deny = true;
    }
    return said;
  }
};

Outcome decide(const Asked& asked, const Texts& texts) {
  const Evaluator e{asked};
  bool granted = false, within = texts.session.empty();
  bool denied = false;
  for (const auto& text : texts.identity) {
    const auto said = e.read(text);
    granted = granted || said.allow != Evaluator::nobody;
    denied = denied || said.deny;
  }
  for (const auto& text : texts.session) {
    const auto said = e.read(text);
    within = within || said.allow != Evaluator::nobody;
    denied = denied || said.deny;
  }
  const auto boundary = e.read(texts.boundary), resource = e.read(texts.resource);
  if (!texts.boundary.empty() && boundary.allow == Evaluator::nobody) within = false;
  if (denied || boundary.deny || resource.deny) return Outcome::explicit_deny;
  auto answer = [](bool yes) { return yes ? Outcome::allowed : Outcome::implicit_deny; };
  const PrincipalKind kind = asked.who.kind;
  const bool insider = kind == PrincipalKind::user || kind == PrincipalKind::role_session ||
                       kind == PrincipalKind::root || kind == PrincipalKind::federated_user;
  const bool by_resource = resource.allow != Evaluator::nobody;
  if (!insider) return answer(by_resource);
  const bool by_identity = kind == PrincipalKind::root || (granted && within);
  if (asked.cross_account) return answer(by_resource && by_identity);
  if (asked.trust && !by_resource) return Outcome::implicit_deny;
  if (resource.allow == Evaluator::itself) return Outcome::allowed;
  if (resource.allow == Evaluator::its_role) return answer(within);
  return answer(by_identity);
}

}  // namespace guide

// ---- random documents and requests -----------------------------------------------------------------------

struct Dice {
  std::mt19937_64 source;
  size_t below(size_t n) { return source() % n; }
  bool one_in(size_t n) { return below(n) == 0; }
  const std::string& of(const std::vector<std::string>& list) { return list[below(list.size())]; }
  std::vector<std::string> some(const std::vector<std::string>& list, size_t most) {
    std::vector<std::string> out;
    for (size_t i = 1 + below(most); i > 0; --i) out.push_back(of(list));
    return out;
  }
};

const std::vector<std::string> actions = {"s3:GetObject", "s3:PutObject", "sqs:Send", "iam:PassRole"};
const std::vector<std::string> action_patterns = {
    "*", "s3:*", "s3:Get*", "S3:getobject", "sqs:Send", "s3:??tObject", "s3:*e*", "iam:*", "s3:PutObjectAcl"};
const std::vector<std::string> resources = {"*", "arn:aws:s3:::b/k", "arn:aws:s3:::b", "arn:aws:s3:::bob/x/y",
                                            "arn:aws:sqs:us-east-1:111111111111:q"};
const std::vector<std::string> resource_patterns = {"*",
                                                    "arn:aws:s3:::*",
                                                    "arn:aws:s3:::b/*",
                                                    "arn:aws:s3:::b?k",
                                                    "arn:aws:s3:::${aws:username}/*",
                                                    "arn:aws:s3:::${aws:nothing, 'b'}/k",
                                                    "arn:aws:s3:::${aws:nothing}*",
                                                    "arn:aws:sqs:*:111111111111:q",
                                                    "arn:aws:sqs:*",
                                                    "arn:aws:*:*:*:*",
                                                    "arn:aws:s3:::${*}"};
const std::vector<std::string> names = {"aws:username", "t:text", "T:Number", "t:when",
                                        "t:where",      "t:arn",  "t:flag"};
const std::vector<std::string> principals = {account,
                                             account_root,
                                             "arn:aws:iam::111111111111:user/bob",
                                             "arn:aws:iam::111111111111:role/r",
                                             "arn:aws:sts::111111111111:assumed-role/r/s",
                                             "arn:aws:sts::111111111111:federated-user/fed",
                                             "222222222222",
                                             "arn:aws:iam::111111111111:user/alice"};

// Values that the operators of a key understand.
const std::vector<std::string>& values_for(const std::string& name, bool in_policy) {
  static const std::map<std::string, std::pair<std::vector<std::string>, std::vector<std::string>>> known = {
      {"aws:username", {{"bob", "alice"}, {"bob", "b*", "${aws:username}", "?ob", "alice"}}},
      {"t:text",
       {{"a", "A", "ab", "b*"}, {"a", "a*", "?", "*", "${t:text}", "b${*}", "${t:none, 'ab'}", "${t:none}"}}},
      {"T:Number", {{"1", "2", "10"}, {"1", "2.0", "10"}}},
      {"t:when",
       {{"2026-01-02T03:04:05Z", "2026-01-02T03:04:06Z"},
        {"2026-01-02T03:04:05Z", "2026-01-02", "1767323046"}}},
      {"t:where",
       {{"10.0.0.1", "10.0.1.1", "192.168.0.1"}, {"10.0.0.0/24", "10.0.0.0/8", "192.168.0.1", "0.0.0.0/0"}}},
      {"t:arn",
       {{"arn:aws:s3:::b", "arn:aws:sns:us-east-1:111111111111:t"},
        {"arn:aws:s3:::*", "arn:aws:sns:*:*:t", "arn:aws:sns:*"}}},
      {"t:flag", {{"true", "false"}, {"true", "false", "True"}}}};
  const auto& pair = known.at(name);
  return in_policy ? pair.second : pair.first;
}

std::string operator_for(Dice& dice, const std::string& name) {
  static const std::map<std::string, std::vector<std::string>> known = {
      {"T:Number",
       {"NumericEquals", "NumericNotEquals", "NumericLessThan", "NumericLessThanEquals", "NumericGreaterThan",
        "NumericGreaterThanEquals"}},
      {"t:when",
       {"DateEquals", "DateNotEquals", "DateLessThan", "DateLessThanEquals", "DateGreaterThan",
        "DateGreaterThanEquals"}},
      {"t:where", {"IpAddress", "NotIpAddress"}},
      {"t:arn", {"ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike"}},
      {"t:flag", {"Bool"}}};
  static const std::vector<std::string> text = {
      "StringEquals", "StringNotEquals", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase",
      "StringLike",   "StringNotLike"};
  auto at = known.find(name);
  std::string op = dice.of(at == known.end() ? text : at->second);
  if (dice.one_in(4)) op += "IfExists";
  if (dice.one_in(4)) op = (dice.one_in(2) ? "ForAllValues:" : "ForAnyValue:") + op;
  return op;
}

json::value strings(Dice& dice, const std::vector<std::string>& list, size_t most) {
  const auto some = dice.some(list, most);
  if (some.size() == 1 && dice.one_in(2)) return json::value(some[0]);
  json::array out;
  for (const auto& text : some) out.emplace_back(text);
  return out;
}

json::object random_statement(Dice& dice, bool with_principal) {
  json::object s{{"Effect", dice.one_in(4) ? "Deny" : "Allow"}};
  s[dice.one_in(5) ? "NotAction" : "Action"] = strings(dice, action_patterns, 3);
  s[dice.one_in(5) ? "NotResource" : "Resource"] = strings(dice, resource_patterns, 3);
  if (with_principal) {
    json::object who{{"AWS", strings(dice, principals, 4)}};
    if (dice.one_in(3)) who["Service"] = "emr.amazonaws.com";
    if (dice.one_in(3)) who["Federated"] = "arn:aws:iam::111111111111:oidc-provider/h";
    if (dice.one_in(8)) who["AWS"] = "*";
    const char* element = dice.one_in(5) ? "NotPrincipal" : "Principal";
    if (dice.one_in(6))
      s[element] = "*";
    else
      s[element] = std::move(who);
  }
  json::object conditions;
  for (size_t i = dice.below(3); i > 0; --i) {
    const std::string name = dice.of(names);
    if (dice.one_in(8)) {
      conditions["Null"] = json::object{{name, dice.one_in(2) ? "true" : "false"}};
    } else {
      conditions[operator_for(dice, name)] = json::object{{name, strings(dice, values_for(name, true), 3)}};
    }
  }
  if (!conditions.empty()) s["Condition"] = std::move(conditions);
  return s;
}

std::string random_document(Dice& dice, bool with_principal) {
  json::array statements;
  for (size_t i = 1 + dice.below(3); i > 0; --i) statements.push_back(random_statement(dice, with_principal));
  json::object root{{"Statement", std::move(statements)}};
  if (!dice.one_in(8)) root["Version"] = "2012-10-17";
  return json::serialize(root);
}

Principal random_principal(Dice& dice) {
  const Principal user{.kind = PrincipalKind::user, .account = AccountId(account), .arn = principals[2]};
  switch (dice.below(9)) {
    case 0:
      return {.kind = PrincipalKind::root, .account = AccountId(account), .arn = account_root};
    case 1:
      return {.kind = PrincipalKind::service, .arn = "emr.amazonaws.com"};
    case 2:
      return {};
    case 3:
      return {.kind = PrincipalKind::federated_user,
              .account = AccountId(account),
              .arn = principals[5],
              .issuer_arn = principals[2]};
    case 4:
      return {.kind = PrincipalKind::web_identity,
              .arn = "h:sub",
              .federated_provider = "arn:aws:iam::111111111111:oidc-provider/h"};
    case 5:
    case 6:
      return {.kind = PrincipalKind::role_session,
              .account = AccountId(account),
              .arn = principals[4],
              .role_arn = principals[3]};
    default:
      return user;
  }
}

Asked random_request(Dice& dice) {
  Asked out{random_principal(dice), dice.of(actions), dice.of(resources), {}, dice.one_in(5), dice.one_in(5)};
  for (const auto& name : names) {
    if (!dice.one_in(3)) out.keys[name] = dice.some(values_for(name, false), dice.one_in(3) ? 3 : 1);
  }
  return out;
}

Texts random_texts(Dice& dice) {
  Texts out;
  for (size_t i = dice.below(3); i > 0; --i) out.identity.push_back(random_document(dice, false));
  for (size_t i = dice.one_in(3) ? 1 + dice.below(2) : 0; i > 0; --i)
    out.session.push_back(random_document(dice, false));
  if (dice.one_in(3)) out.boundary = random_document(dice, false);
  if (dice.one_in(2)) out.resource = random_document(dice, true);
  return out;
}

std::optional<NamedDocument> compiled(const std::string& text) {
  if (text.empty()) return std::nullopt;
  auto parsed = parse_document(text, DocumentKind::stored);
  EXPECT_TRUE(parsed.ok()) << text << ": " << parsed.error().message;
  return parsed.ok() ? std::optional(NamedDocument{"p", *parsed}) : std::nullopt;
}

Outcome by_engine(const Asked& asked, const Texts& texts) {
  Documents documents;
  for (const auto& text : texts.identity) documents.identity.push_back(compiled(text).value());
  for (const auto& text : texts.session) documents.session.push_back(compiled(text).value());
  documents.boundary = compiled(texts.boundary);
  documents.resource = compiled(texts.resource);
  const Context context(asked.keys);
  return evaluate({asked.who, asked.action, asked.resource, context, asked.trust, asked.cross_account},
                  documents)
      .outcome;
}

std::string shown(const Asked& asked, const Texts& texts) {
  std::string out = asked.who.arn + " does " + asked.action + " on " + asked.resource +
                    (asked.cross_account ? " of another account" : "") + (asked.trust ? " by trust" : "") +
                    "\n";
  for (const auto& [name, values] : asked.keys) {
    out += "  " + name + " =";
    for (const auto& value : values) out += " " + value;
    out += "\n";
  }
  for (const auto& text : texts.identity) out += "  identity " + text + "\n";
  for (const auto& text : texts.session) out += "  session " + text + "\n";
  return out + "  boundary " + texts.boundary + "\n  resource " + texts.resource;
}

TEST(Differential, EngineAndGuideAgree) {
  const char* tier = std::getenv("MEKONG_TIER");
  const bool full = tier != nullptr && std::string_view(tier) == "full";
  const bool quick = tier != nullptr && std::string_view(tier) == "quick";
  const long cases = full ? 5'000'000 : quick ? 10'000 : 100'000;
  const char* seed_given = std::getenv("MEKONG_POLICY_SEED");
  const uint64_t seed =
      seed_given != nullptr ? std::strtoull(seed_given, nullptr, 10) : std::random_device{}();
  Dice dice{std::mt19937_64(seed)};
  std::map<Outcome, long> seen;
  for (long i = 0; i < cases; i += 4) {
    const Texts texts = random_texts(dice);
    for (int request = 0; request < 4; ++request) {  // each set of documents is asked four times
      const Asked asked = random_request(dice);
      const Outcome engine = by_engine(asked, texts);
      ++seen[engine];
      ASSERT_EQ(static_cast<int>(engine), static_cast<int>(guide::decide(asked, texts)))
          << "MEKONG_POLICY_SEED=" << seed << " case " << i << ": " << shown(asked, texts);
    }
  }
  std::printf("seed %llu: %ld cases, %ld allowed, %ld implicitly and %ld explicitly denied\n",
              static_cast<unsigned long long>(seed), cases, seen[Outcome::allowed],
              seen[Outcome::implicit_deny], seen[Outcome::explicit_deny]);
  for (Outcome each : {Outcome::allowed, Outcome::implicit_deny, Outcome::explicit_deny}) {
    EXPECT_GT(seen[each] * 20, cases) << "the dice are loaded";
  }
}

}  // namespace
}  // namespace mekong::policy
