#include "api/call.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "codec/text.h"

namespace mekong::api {
namespace {

// The string at a path of member names; null where something on the way is absent.
const std::string* find_string(const Shape& root, const void* value, std::string_view path) {
  const Shape* shape = &root;
  while (value != nullptr) {
    auto part = path.substr(0, path.find('.'));
    const Member* member = nullptr;
    for (size_t i = 0; i < shape->member_count; ++i) {
      if (part == shape->members[i].name) member = &shape->members[i];
    }
    if (member == nullptr) return nullptr;
    value = member->get(value);
    shape = member->shape;
    if (part.size() == path.size()) {
      return shape->kind == Kind::string ? static_cast<const std::string*>(value) : nullptr;
    }
    path.remove_prefix(part.size() + 1);
  }
  return nullptr;
}

bool all_utf8(const Pairs& pairs) {
  return std::all_of(pairs.begin(), pairs.end(), [](const auto& pair) {
    return codec::valid_utf8(pair.first) && codec::valid_utf8(pair.second);
  });
}

Status find_query_operation(Call& call, std::string_view body) {
  auto pairs = codec::parse_query(body, true);
  if (!pairs || !all_utf8(*pairs) || !all_utf8(call.query))
    return Error{"SerializationException", "the body is not a form in UTF-8"};
  for (auto& [name, value] : call.query) call.form.emplace(name, value);
  for (auto& [name, value] : *pairs) call.form.insert_or_assign(std::move(name), std::move(value));
  auto action = call.form.find("Action");
  if (action == call.form.end()) {
    return Error{"MissingAction", "The request is missing an action or a required parameter."};
  }
  call.operation_name = action->second;
  return {};
}

// /service/{name}/operation/{name}
Status find_rpc_operation(Call& call, std::string_view path) {
  constexpr std::string_view kService = "/service/", kOperation = "/operation/";
  const auto middle = path.rfind(kOperation);
  const bool fits = path.starts_with(kService) && middle != std::string_view::npos &&
                    path.substr(kService.size(), middle - kService.size()) == call.table().target_prefix;
  if (!fits) {
    return Error{"UnknownOperationException",
                 fmt::format("{} has no operation at {}", call.table().name, path), 404};
  }
  call.operation_name = path.substr(middle + kOperation.size());
  return {};
}

Status find_rest_operation(Call& call, const std::string& raw_path) {
  auto match = call.router->match(call.head.method, raw_path, call.query, call.head.headers);
  if (!match) {
    if (call.table().protocol == Protocol::rest_xml) {
      return Error{"MethodNotAllowed", "The specified method is not allowed against this resource."};
    }
    return Error{
        "UnknownOperationException",
        fmt::format("{} has no operation {} {}", call.table().name, call.head.method, call.head.raw_path),
        404};
  }
  const bool readable = std::all_of(match->labels.begin(), match->labels.end(),
                                    [](const auto& label) { return codec::valid_utf8(label.second); });
  // S3 has a code of its own for keys.
  if (call.table().protocol == Protocol::rest_json && !(readable && all_utf8(call.query)))
    return Error{"SerializationException", "the path or the query string is not UTF-8"};
  call.operation_name = match->route->name;
  call.labels = std::move(match->labels);
  return {};
}

}  // namespace

Status refuse_old_signatures(const Call& call) {
  const auto* header = find_header(call.head.headers, "authorization");
  const bool by_header = header != nullptr && header->starts_with("AWS ");
  const bool by_query =
      find_header(call.query, "AWSAccessKeyId") != nullptr && find_header(call.query, "Signature") != nullptr;
  if (!by_header && !by_query) return {};
  return Error{"InvalidRequest",
               "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.",
               400};
}

ErrorTarget Call::error_target() const {
  ErrorTarget target;
  target.resource = head.raw_path;
  if (operation != nullptr) target.operation = operation->operation;
  if (service != nullptr) {
    target.table = service->table;
    target.protocol = protocol;
  } else if (find_header(head.headers, "x-amz-target") != nullptr) {
    target.protocol = Protocol::json;
  } else if (const auto* type = find_header(head.headers, "content-type")) {
    if (type->starts_with("application/x-www-form-urlencoded")) target.protocol = Protocol::query;
  }
  return target;
}

Status find_operation(Call& call, std::string_view target, const std::string& raw_path,
                      std::string_view body) {
  switch (call.protocol) {
    case Protocol::rpc_cbor:
      return find_rpc_operation(call, raw_path);
    case Protocol::aws_cbor:
    case Protocol::json: {
      auto dot = target.rfind('.');
      if (dot == std::string_view::npos) {
        return Error{"UnknownOperationException", "The request has no X-Amz-Target header."};
      }
      call.operation_name = target.substr(dot + 1);
      return {};
    }
    case Protocol::query:
    case Protocol::ec2:
      return find_query_operation(call, body);
    default:
      return find_rest_operation(call, raw_path);
  }
}

Status bind_operation(Call& call) {
  for (const auto& binding : call.service->operations) {
    if (call.operation_name != binding.operation->name) continue;
    call.operation = &binding;
    return {};
  }
  const auto& table = call.table();
  for (size_t i = 0; i < table.route_count; ++i) {
    if (call.operation_name != table.routes[i].name) continue;
    return Error{"NotImplemented",
                 fmt::format("{}:{} is not implemented by this server.", table.name, call.operation_name),
                 501};
  }
  if (call.protocol == Protocol::query || call.protocol == Protocol::ec2) {
    return Error{"InvalidAction", fmt::format("Could not find operation {} for version {}",
                                              call.operation_name, table.api_version)};
  }
  return Error{"UnknownOperationException",
               fmt::format("{} has no operation {}", table.name, call.operation_name)};
}

void fill_context(Call& call, const Authoriser& authoriser, int64_t now_ms) {
  auto& context = call.context;
  context.principal = call.auth.principal;
  if (context.principal != nullptr) context.account = context.principal->account;
  context.region = call.auth.region;
  context.request_id = call.request_id;
  context.service = call.table().name;
  context.source_ip = call.head.source_ip;
  if (const auto* agent = find_header(call.head.headers, "user-agent")) context.user_agent = *agent;
  context.secure = call.head.secure;
  context.headers = &call.head.headers;
  context.authoriser = &authoriser;
  const bool s3 = std::string_view(call.table().signing_name) == "s3";
  call.keys.emplace(RequestKeys::From{call.head, call.query, call.auth, call.via, s3, now_ms});
  context.known = &*call.keys;
}

Result<Value> decode(Call& call, const Validator& validator, std::string_view body) {
  const Operation& operation = *call.operation->operation;
  Value input = call.operation->make_input();
  Violations violations;
  InputParts parts{call.head.headers, call.query, call.labels, call.form, body};
  MEKONG_TRY(decode_input(call.protocol, call.table(), operation, parts, input.get(), violations));
  // S3 checks its values one by one, under codes of their own. Missing members have no values to check.
  if (call.table().protocol != Protocol::rest_xml && violations.empty())
    validator.check(*operation.input, input.get(), violations);
  if (!violations.empty()) return validation_error(call.protocol, call.table(), operation, violations);
  return input;
}

std::string expand(std::string_view text, const Call& call, const void* input, bool& found) {
  std::string out;
  found = true;
  while (true) {
    auto open = text.find('{');
    out += text.substr(0, open);
    if (open == std::string_view::npos) return out;
    auto close = text.find('}', open);
    auto name = text.substr(open + 1, close - open - 1);
    text.remove_prefix(close + 1);
    if (name == "region") {
      out += call.context.region.value;
    } else if (name == "account") {
      out += call.context.account.value;
    } else {
      auto colon = name.find(':');
      const auto* value = find_string(*call.operation->operation->input, input, name.substr(0, colon));
      if (value != nullptr) {
        out += *value;
      } else {
        found = false;
        out += colon == std::string_view::npos ? "*" : name.substr(colon + 1);
      }
    }
  }
}

Status authorise(Call& call, const void* input) {
  const Operation& operation = *call.operation->operation;
  auto& context = call.context;
  context.action = operation.action;
  bool found = false;
  for (size_t i = 0; i < operation.condition_count; ++i) {
    auto value = expand(operation.conditions[i].value, call, input, found);
    if (found) context.conditions[operation.conditions[i].key] = {std::move(value)};
  }
  if (operation.permission == Permission::none) context.authorised = true;
  for (size_t i = 0; i < operation.resource_count; ++i) {
    MEKONG_TRY(context.authorise(expand(operation.resources[i], call, input, found)));
  }
  if (operation.pass_role.role == nullptr) return {};
  auto role = expand(operation.pass_role.role, call, input, found);
  if (!found) return {};
  ConditionContext handed{{"iam:PassedToService", {operation.pass_role.service}}};
  // What the role is handed over for; of many things, the operation's own.
  const auto arn = operation.resource_count == 0 ? "" : expand(operation.resources[0], call, input, found);
  if (arn.starts_with("arn:")) handed["iam:AssociatedResourceArn"] = {arn};
  return context.authorise_action("iam:PassRole", role, std::move(handed));
}

}  // namespace mekong::api
