#include "policy/document.h"

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <set>

namespace mekong::policy {
namespace {

namespace json = boost::json;

Error malformed(std::string message) {
  return {"MalformedPolicyDocument", std::move(message), 400};
}

constexpr std::array<std::string_view, 13> iam_paths = {"user/",
                                                        "federated-user/",
                                                        "role/",
                                                        "group/",
                                                        "instance-profile/",
                                                        "mfa/",
                                                        "server-certificate/",
                                                        "policy/",
                                                        "sms-mfa/",
                                                        "saml-provider/",
                                                        "oidc-provider/",
                                                        "report/",
                                                        "access-report/"};

// What IAM knows of the ARNs of its own and of S3's resources. Wildcards may stand anywhere.
Status check_place(const std::string& arn) {
  if (arn.find("${") != std::string::npos) return ok();  // their keys have colons of their own
  std::array<std::string_view, 6> parts;                 // the last: the rest
  std::string_view rest = arn;
  for (std::string_view& part : parts) {
    const size_t colon = &part == &parts.back() ? std::string_view::npos : rest.find(':');
    part = rest.substr(0, colon);
    rest.remove_prefix(std::min(rest.size(), part.size() + 1));
  }
  const auto& [arn_word, partition, service, region, account, resource] = parts;
  constexpr std::array<std::string_view, 4> partitions = {"aws", "aws-cn", "aws-us-gov", "*"};
  const bool open = partition.find_first_of("*?$") != std::string_view::npos;
  if (!open && std::ranges::find(partitions, partition) == partitions.end()) {
    return malformed("Partition \"" + std::string(partition) + "\" is not valid for resource \"" + arn +
                     "\".");
  }
  const bool somewhere = !region.empty() && region.find_first_of("*?$") == std::string_view::npos;
  if (service == "iam" && somewhere)
    return malformed("IAM resource " + arn + " cannot contain region information.");
  if (service == "s3" && somewhere && !resource.starts_with("accesspoint/"))
    return malformed("Resource " + arn + " can not contain region information.");
  const bool known = resource.empty() || resource.find_first_of("*?$") < resource.find('/') ||
                     std::ranges::any_of(iam_paths, [&](auto path) { return resource.starts_with(path); });
  if (service != "iam" || known) return ok();
  std::string paths;
  for (const std::string_view path : iam_paths) paths.append(paths.empty() ? "" : ", ").append(path);
  return malformed("IAM resource path must either be \"*\" or start with " + paths + ".");
}

std::string_view view(const json::string& text) {
  return {text.data(), text.size()};
}

// A string or a list of strings. Numbers and booleans stand for their text where `scalars`.
Result<std::vector<std::string>> strings(const json::value& value, std::string_view where,
                                         bool scalars = false) {
  std::vector<std::string> out;
  auto add = [&](const json::value& item) {
    if (item.is_string()) {
      out.emplace_back(view(item.get_string()));
    } else if (scalars && (item.is_bool() || item.is_number())) {
      out.push_back(json::serialize(item));
    } else {
      return false;
    }
    return true;
  };
  if (!value.is_array()) {
    if (!add(value))
      return malformed("Syntax errors in policy: " + std::string(where) + " must be a string.");
    return out;
  }
  for (const json::value& item : value.get_array()) {
    if (!add(item))
      return malformed("Syntax errors in policy: " + std::string(where) + " must hold strings.");
  }
  return out;
}

class StatementReader {
 public:
  StatementReader(DocumentKind kind, Pattern::Variables variables) : kind_(kind), variables_(variables) {}

  Result<Statement> read(const json::value& value) {
    if (!value.is_object()) return malformed("Syntax errors in policy: a statement must be an object.");
    for (const auto& [key, member] : value.get_object()) MEKONG_TRY(read_element(key, member));
    MEKONG_TRY(check());
    return std::move(statement_);
  }

 private:
  Status read_element(std::string_view key, const json::value& value) {
    if (key == "Sid") return read_sid(value);
    if (key == "Effect") return read_effect(value);
    if (key == "Principal" || key == "NotPrincipal") return read_principal(key, value);
    if (key == "Action" || key == "NotAction") return read_actions(key, value);
    if (key == "Resource" || key == "NotResource") return read_resources(key, value);
    if (key == "Condition") return read_conditions(value);
    return malformed("Syntax errors in policy: unknown element " + std::string(key) + ".");
  }

  Status read_sid(const json::value& value) {
    if (!value.is_string()) return malformed("Syntax errors in policy: Sid must be a string.");
    statement_.sid = view(value.get_string());
    const bool plain = std::all_of(statement_.sid.begin(), statement_.sid.end(),
                                   [](unsigned char c) { return std::isalnum(c) != 0; });
    if (kind_ == DocumentKind::identity && !plain) {
      return malformed(
          "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular "
          "expression [0-9A-Za-z]*");
    }
    return ok();
  }

  Status read_effect(const json::value& value) {
    const bool text = value.is_string();
    if (!text || (view(value.get_string()) != "Allow" && view(value.get_string()) != "Deny")) {
      return malformed("Syntax errors in policy: Effect must be Allow or Deny.");
    }
    has_effect_ = true;
    statement_.allow = view(value.get_string()) == "Allow";
    return ok();
  }

  Status read_principal(std::string_view key, const json::value& value) {
    if (kind_ == DocumentKind::identity) return malformed("Policy document should not specify a principal.");
    if (statement_.has_principal)
      return malformed("Syntax errors in policy: Principal and NotPrincipal together.");
    statement_.has_principal = true;
    statement_.not_principal = key == "NotPrincipal";
    if (value.is_string() && view(value.get_string()) == "*") {
      statement_.principal.anyone = true;
      return ok();
    }
    if (!value.is_object()) return malformed("Invalid principal in policy: must be \"*\" or an object.");
    for (const auto& [type, names] : value.get_object()) MEKONG_TRY(read_principals(type, names));
    return ok();
  }

  Status read_principals(std::string_view type, const json::value& names) {
    MEKONG_TRY_ASSIGN(auto list, strings(names, "Principal"));
    PrincipalMatcher& principal = statement_.principal;
    std::vector<std::string>* target = type == "AWS"             ? &principal.aws
                                       : type == "Service"       ? &principal.services
                                       : type == "Federated"     ? &principal.federated
                                       : type == "CanonicalUser" ? &principal.canonical_users
                                                                 : nullptr;
    if (target == nullptr) return malformed("Invalid principal in policy: unknown type " + std::string(type));
    for (const std::string& name : list) {
      if (name.empty() || (name != "*" && name.find('*') != std::string::npos)) {
        return malformed("Invalid principal in policy: \"" + std::string(type) + "\":\"" + name + "\"");
      }
    }
    target->insert(target->end(), list.begin(), list.end());
    return ok();
  }

  Status read_actions(std::string_view key, const json::value& value) {
    if (has_action_) return malformed("Syntax errors in policy: Action and NotAction together.");
    has_action_ = true;
    statement_.not_action = key == "NotAction";
    MEKONG_TRY_ASSIGN(auto list, strings(value, key));
    if (list.empty()) return malformed("Policy statement must contain actions.");
    for (const std::string& action : list) {
      if (kind_ == DocumentKind::trust && !lower(action).starts_with("sts:")) {
        return malformed("AssumeRole policy may only specify STS AssumeRole actions.");
      }
      const size_t colon = action.find(':');
      const bool prefaced = colon != std::string::npos && colon > 0 && colon + 1 < action.size();
      if (action != "*" && !prefaced) {
        return malformed("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.");
      }
      const bool vendor =
          action == "*" || std::all_of(action.begin(), action.begin() + static_cast<long>(colon),
                                       [](unsigned char c) { return std::isalnum(c) || c == '-'; });
      if (!vendor) return malformed("Vendor " + action.substr(0, colon) + " is not valid");
      statement_.actions.push_back(Glob::of(action));
    }
    return ok();
  }

  Status read_resources(std::string_view key, const json::value& value) {
    if (kind_ == DocumentKind::trust) return malformed("Has prohibited field Resource");
    if (statement_.has_resource)
      return malformed("Syntax errors in policy: Resource and NotResource together.");
    statement_.has_resource = true;
    statement_.not_resource = key == "NotResource";
    MEKONG_TRY_ASSIGN(auto list, strings(value, key));
    if (list.empty()) return malformed("Policy statement must contain resources.");
    for (const std::string& resource : list) {
      if (resource != "*" && !resource.starts_with("arn:")) {
        return malformed("Resource " + resource + " must be in ARN format or \"*\".");
      }
      if (kind_ == DocumentKind::identity && resource != "*") MEKONG_TRY(check_place(resource));
      statement_.resources.emplace_back(resource, variables_);
    }
    return ok();
  }

  Status read_conditions(const json::value& value) {
    if (!value.is_object()) return malformed("Syntax errors in policy: Condition must be an object.");
    for (const auto& [name, keys] : value.get_object()) {
      auto op = parse_condition_operator({name.data(), name.size()});
      if (!op) return malformed("Invalid Condition type : " + std::string(name) + ".");
      if (!keys.is_object())
        return malformed("Syntax errors in policy: a Condition operator must hold keys.");
      for (const auto& [key, wanted] : keys.get_object()) MEKONG_TRY(read_condition(*op, key, wanted));
    }
    return ok();
  }

  Status read_condition(const ConditionOperator& op, std::string_view key, const json::value& wanted) {
    if (key.find(':') == std::string_view::npos) {
      return malformed("Conditions must be prefaced by a vendor: " + std::string(key));
    }
    MEKONG_TRY_ASSIGN(auto list, strings(wanted, key, true));
    Condition condition{op, lower(key), std::string(key), {}};
    for (const std::string& text : list) {
      if (!Condition::valid_value(op, text)) {
        return malformed("Syntax errors in policy: value \"" + text + "\" of " + std::string(key) +
                         " does not fit its operator.");
      }
      condition.values.emplace_back(text, variables_);
    }
    statement_.conditions.push_back(std::move(condition));
    return ok();
  }

  Status check() const {
    if (!has_effect_) return malformed("Syntax errors in policy: Missing required field Effect");
    if (!has_action_) return malformed("Policy statement must contain actions.");
    const bool needs_principal = kind_ == DocumentKind::trust || kind_ == DocumentKind::resource;
    if (needs_principal && !statement_.has_principal) return malformed("Missing required field Principal");
    const bool needs_resource = kind_ == DocumentKind::identity || kind_ == DocumentKind::resource;
    if (needs_resource && !statement_.has_resource)
      return malformed("Policy statement must contain resources.");
    return ok();
  }

  DocumentKind kind_;
  Pattern::Variables variables_;
  Statement statement_;
  bool has_effect_ = false, has_action_ = false;
};

// " at position (line, column)", both from 1.
std::string position(std::string_view text, size_t at) {
  const std::string_view before = text.substr(0, at);
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const size_t line_start = before.rfind('\n') == std::string_view::npos ? 0 : before.rfind('\n') + 1;
  return " at position (" + std::to_string(line) + ", " + std::to_string(before.size() - line_start + 1) +
         ")";
}

Result<json::object> parse_object(std::string_view text) {
  json::error_code failed;
  json::stream_parser parser;
  const size_t read = parser.write_some(text.data(), text.size(), failed);
  if (!failed && read < text.size()) failed = json::error::extra_data;
  if (!failed) parser.finish(failed);
  if (failed) {
    return malformed("This policy contains invalid Json: " + failed.message() + position(text, read) + ".");
  }
  const json::value root = parser.release();
  if (!root.is_object()) return malformed("Syntax errors in policy: a policy is an object.");
  return root.get_object();
}

Status read_head(const json::object& root, Document& document) {
  for (const auto& [key, value] : root) {
    if (key == "Statement") continue;
    if (key != "Version" && key != "Id") {
      return malformed("Syntax errors in policy: unknown element " + std::string(key) + ".");
    }
    if (!value.is_string())
      return malformed("Syntax errors in policy: " + std::string(key) + " must be a string.");
    (key == "Version" ? document.version : document.id) = view(value.get_string());
  }
  if (!document.version.empty() && document.version != "2012-10-17" && document.version != "2008-10-17") {
    return malformed("Syntax errors in policy: Version must be 2012-10-17 or 2008-10-17.");
  }
  return ok();
}

}  // namespace

Result<DocumentPtr> parse_document(std::string_view text, DocumentKind kind) {
  MEKONG_TRY_ASSIGN(const json::object root, parse_object(text));
  auto document = std::make_shared<Document>();
  MEKONG_TRY(read_head(root, *document));
  const json::value* statements = root.if_contains("Statement");
  if (statements == nullptr) return malformed("Syntax errors in policy: Missing required field Statement");
  const auto variables =
      document->version == "2012-10-17" ? Pattern::Variables::substituted : Pattern::Variables::none;
  std::set<std::string> sids;
  auto add = [&](const json::value& value) -> Status {
    MEKONG_TRY_ASSIGN(Statement statement, StatementReader(kind, variables).read(value));
    if (!statement.sid.empty() && !sids.insert(statement.sid).second) {
      return malformed("Statement IDs (SID) in a single policy must be unique.");
    }
    document->statements.push_back(std::move(statement));
    return ok();
  };
  if (!statements->is_array()) {
    MEKONG_TRY(add(*statements));
  } else {
    for (const json::value& value : statements->get_array()) MEKONG_TRY(add(value));
  }
  if (document->statements.empty()) return malformed("Syntax errors in policy: Statement is empty.");
  return DocumentPtr(std::move(document));
}

std::vector<std::string> context_keys(const Document& document) {
  std::vector<std::string> out;
  auto add = [&](const std::string& key) {
    const bool known =
        std::any_of(out.begin(), out.end(), [&](const std::string& k) { return lower(k) == lower(key); });
    if (!known) out.push_back(key);
  };
  auto add_variables = [&](const Pattern& pattern) {
    for (const std::string& key : pattern.variables()) add(key);
  };
  for (const Statement& statement : document.statements) {
    for (const Condition& condition : statement.conditions) {
      add(condition.written);
      std::for_each(condition.values.begin(), condition.values.end(), add_variables);
    }
    std::for_each(statement.resources.begin(), statement.resources.end(), add_variables);
  }
  return out;
}

size_t counted_size(std::string_view json) {
  return static_cast<size_t>(std::count_if(
      json.begin(), json.end(), [](char c) { return c != ' ' && c != '\t' && c != '\n' && c != '\r'; }));
}

}  // namespace mekong::policy
