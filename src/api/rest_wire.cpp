#include "api/rest_wire.h"

#include "api/json_wire.h"
#include "api/types.h"
#include "codec/text.h"

namespace mekong::api {
namespace {

// ---- REST input -----------------------------------------------------------------------------------------

// "a, "b,c"": commas outside quotes. Dates of RFC 822 hold a comma of their own.
std::vector<std::string> split_header(std::string_view text, bool dates) {
  std::vector<std::string> out;
  std::string current;
  bool quoted = false;
  int commas = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '"') {
      quoted = !quoted;
    } else if (c == '\\' && quoted && i + 1 < text.size()) {
      current += text[++i];
    } else if (c == ',' && !quoted && (!dates || ++commas % 2 == 0)) {
      out.emplace_back(codec::trim(current));
      current.clear();
    } else {
      current += c;
    }
  }
  out.emplace_back(codec::trim(current));
  return out;
}

Status read_header(const Member& member, const std::string& text, void* structure) {
  const Shape& shape = *member.shape;
  void* field = member.set(structure);
  if (shape.kind == Kind::list) {
    bool dates = shape.value->shape->kind == Kind::timestamp &&
                 time_format(*shape.value, TimeFormat::rfc822) == TimeFormat::rfc822;
    if (codec::trim(text).empty()) return {};
    for (const auto& part : split_header(text, dates)) {
      MEKONG_TRY(parse_scalar(*shape.value, part, TimeFormat::rfc822, shape.list->append(field)));
    }
    return {};
  }
  if (member.json_value) {
    auto json = codec::base64_decode(text);
    if (!json) return Error{"SerializationException", std::string(member.wire) + " is not base64"};
    *static_cast<std::string*>(field) = std::move(*json);
    return {};
  }
  return parse_scalar(member, text, TimeFormat::rfc822, field);
}

Status read_query(const Member& member, const Pairs& query, void* structure, Seen& seen) {
  const Shape& shape = *member.shape;
  const std::string_view wire = member.wire;
  void* field = nullptr;
  for (const auto& [name, value] : query) {
    if (shape.kind == Kind::map) {  // every parameter, also those that have a member of their own
      if (field == nullptr) field = member.set(structure);
      void* slot = shape.map->insert(field, name);
      const Shape& element = *shape.value->shape;
      MEKONG_TRY(element.kind == Kind::list
                     ? parse_scalar(*element.value, value, TimeFormat::iso8601, element.list->append(slot))
                     : parse_scalar(*shape.value, value, TimeFormat::iso8601, slot));
      continue;
    }
    if (name != wire) continue;
    if (field == nullptr) field = member.set(structure);
    MEKONG_TRY(shape.kind == Kind::list
                   ? parse_scalar(*shape.value, value, TimeFormat::iso8601, shape.list->append(field))
                   : parse_scalar(member, value, TimeFormat::iso8601, field));
  }
  if (field != nullptr) seen.mark(member);
  return {};
}

Status read_prefixed(const Member& member, const Headers& headers, void* structure, Seen& seen) {
  auto prefix = codec::lower_case(member.wire);
  void* field = nullptr;
  for (const auto& [name, value] : headers) {
    if (!name.starts_with(prefix)) continue;
    if (field == nullptr) field = member.set(structure);
    auto* slot = member.shape->map->insert(field, name.substr(prefix.size()));
    MEKONG_TRY(parse_scalar(*member.shape->value, value, TimeFormat::rfc822, slot));
  }
  if (field != nullptr) seen.mark(member);
  return {};
}

Status read_located(const Member& member, const InputParts& parts, void* out, Seen& seen) {
  switch (member.location) {
    case Location::uri: {
      auto it = parts.labels.find(member.wire);
      if (it == parts.labels.end()) return {};
      seen.mark(member);
      return parse_scalar(member, it->second, TimeFormat::iso8601, member.set(out));
    }
    case Location::header: {
      const auto* text = find_header(parts.headers, member.wire);
      if (text == nullptr) return {};
      seen.mark(member);
      return read_header(member, *text, out);
    }
    case Location::query:
      return read_query(member, parts.query, out, seen);
    case Location::headers:
      return read_prefixed(member, parts.headers, out, seen);
    default:
      return {};
  }
}

// S3 names what it could not read.
Error invalid_argument(const Member& member, const InputParts& parts) {
  const std::string wire = member.wire;
  const std::string* text = nullptr;
  if (member.location == Location::header) text = find_header(parts.headers, codec::lower_case(wire));
  if (member.location == Location::query) text = find_header(parts.query, wire);
  const Kind kind = member.shape->kind;
  const bool number = kind == Kind::int32 || kind == Kind::int64;
  return Error{"InvalidArgument",
               number ? "Provided " + wire + " not an integer or within integer range"
                      : "The value of " + wire + " is not valid.",
               400,
               {{"ArgumentName", wire}, {"ArgumentValue", text == nullptr ? "" : *text}}};
}

Status read_payload(const ServiceTable& table, const Member& member, std::string_view body, void* out,
                    Seen& seen, Violations& violations) {
  if (body.empty()) return {};
  seen.mark(member);
  void* field = member.set(out);
  Path path{nullptr, member.name};
  if (member.shape->kind == Kind::string || member.shape->kind == Kind::blob) {
    static_cast<std::string*>(field)->assign(body);
    return {};
  }
  if (table.protocol == Protocol::rest_xml) {
    auto root = codec::parse_xml(body);
    if (!root.ok()) return Error{"SerializationException", "The XML you provided was not well-formed."};
    return read_xml_value(*root, member, field, &path, violations);
  }
  return read_json_value(body, member, field, &path, violations);
}

Status read_body(const ServiceTable& table, const Shape& shape, std::string_view body, void* out, Seen& seen,
                 Violations& violations) {
  if (codec::trim(body).empty()) return {};
  if (table.protocol == Protocol::rest_xml) {
    auto root = codec::parse_xml(body);
    if (!root.ok()) return Error{"SerializationException", "The XML you provided was not well-formed."};
    return read_xml_members(*root, shape, out, nullptr, seen, violations);
  }
  return read_json_members(body, shape, out, seen, violations);
}

const Member* payload_member(const Shape& shape) {
  for (size_t i = 0; i < shape.member_count; ++i) {
    if (shape.members[i].payload) return &shape.members[i];
  }
  return nullptr;
}

bool has_body_members(const Shape& shape, bool reply) {
  for (size_t i = 0; i < shape.member_count; ++i) {
    const Member& member = shape.members[i];
    if (reply ? written_in_body(member) : member.location == Location::body) return true;
  }
  return false;
}

// ---- REST output ----------------------------------------------------------------------------------------

std::string header_text(const Member& member, const void* value) {
  if (member.json_value) return codec::base64_encode(*static_cast<const std::string*>(value));
  const Shape& shape = *member.shape;
  if (shape.kind != Kind::list) return format_scalar(member, value, TimeFormat::rfc822);
  std::string out;
  for (size_t i = 0; i < shape.list->size(value); ++i) {
    auto text = format_scalar(*shape.value, shape.list->at(value, i), TimeFormat::rfc822);
    if (shape.value->shape->kind == Kind::string && text.find_first_of(",\"") != std::string::npos) {
      std::string quoted = "\"";
      for (char c : text) quoted += c == '"' ? "\\\"" : std::string(1, c);
      text = quoted + "\"";
    }
    out += (i == 0 ? "" : ", ") + text;
  }
  return out;
}

bool has_content_type(const Response& response) {
  for (const auto& header : response.headers) {
    if (codec::equal_no_case(header.first, "content-type")) return true;
  }
  return false;
}

void set_body(Response& response, std::string body, const char* content_type) {
  response.body = std::move(body);
  if (!has_content_type(response)) response.headers.emplace_back("Content-Type", content_type);
}

std::string xml_root(const ServiceTable& table, const char* name, const Shape& shape, const void* value,
                     bool unwrapped, const char* own_namespace) {
  std::string body;
  codec::XmlWriter out(body);
  out.declaration();
  out.begin(name);
  std::string_view space = *own_namespace != 0 ? own_namespace : table.xml_namespace;
  if (!space.empty()) out.attribute("xmlns", space);
  if (unwrapped) {
    const void* only = shape.members[0].get(value);
    if (only != nullptr) out.text(format_scalar(shape.members[0], only, TimeFormat::iso8601));
  } else {
    write_xml_members(out, shape, value);
  }
  out.end();
  return body;
}

void write_payload(const ServiceTable& table, const Member& member, const void* value, Response& response) {
  const Shape& shape = *member.shape;
  if (shape.kind == Kind::string || shape.kind == Kind::blob) {
    return set_body(response, *static_cast<const std::string*>(value),
                    shape.kind == Kind::string ? "text/plain" : "application/octet-stream");
  }
  if (table.protocol == Protocol::rest_xml) {
    bool named = std::string_view(member.wire) != member.name;
    const char* name = named ? member.wire : *shape.xml_name != 0 ? shape.xml_name : shape.name;
    const char* space = *member.xml_namespace != 0 ? member.xml_namespace : shape.xml_namespace;
    return set_body(response, xml_root(table, name, shape, value, false, space), "application/xml");
  }
  std::string body;
  codec::JsonWriter out(body);
  write_json_value(out, member, value);
  set_body(response, std::move(body), "application/json");
}

void write_rest_body(const ServiceTable& table, const Operation& operation, const void* output,
                     Response& response) {
  const Shape& shape = *operation.output;
  if (table.protocol == Protocol::rest_json) {
    if (response.status == 204) return;
    std::string body;
    codec::JsonWriter out(body);
    write_json_members(out, shape, output);
    return set_body(response, std::move(body), "application/json");
  }
  if (!has_body_members(shape, true)) return;
  const char* root = *operation.output_root != 0 ? operation.output_root
                     : *shape.xml_name != 0      ? shape.xml_name
                                                 : shape.name;
  set_body(response, xml_root(table, root, shape, output, operation.unwrapped_output, shape.xml_namespace),
           "application/xml");
}

}  // namespace

void write_located(const Member& member, const void* value, Response& response) {
  if (member.location == Location::status_code) {
    response.status = *static_cast<const int32_t*>(value);
  } else if (member.location == Location::header) {
    auto text = header_text(member, value);
    if (!text.empty()) response.headers.emplace_back(member.wire, std::move(text));
  } else if (member.location == Location::headers) {
    struct Visit {
      const Member& member;
      Response& response;
    } visit{member, response};
    member.shape->map->each(value, &visit, [](void* context, const std::string& key, const void* element) {
      auto& to = *static_cast<Visit*>(context);
      to.response.headers.emplace_back(to.member.wire + key,
                                       format_scalar(*to.member.shape->value, element, TimeFormat::rfc822));
    });
  }
}

Status read_rest(const ServiceTable& table, const Operation& operation, const InputParts& parts, void* out,
                 Seen& seen, Violations& violations) {
  const Shape& shape = *operation.input;
  for (size_t i = 0; i < shape.member_count; ++i) {
    auto read = read_located(shape.members[i], parts, out, seen);
    if (!read.ok() && table.protocol == Protocol::rest_xml) return invalid_argument(shape.members[i], parts);
    MEKONG_TRY(read);
  }
  if (const Member* payload = payload_member(shape)) {
    return read_payload(table, *payload, parts.body, out, seen, violations);
  }
  if (operation.streaming_input || operation.event_input != nullptr || !has_body_members(shape, false))
    return {};
  return read_body(table, shape, parts.body, out, seen, violations);
}

Response write_rest(const ServiceTable& table, const Operation& operation, const void* output) {
  Response response;
  response.headers.reserve(16);
  response.status = operation.http_status;
  const Shape& shape = *operation.output;
  for (size_t i = 0; i < shape.member_count; ++i) {
    const void* value = shape.members[i].get(output);
    if (value != nullptr) write_located(shape.members[i], value, response);
  }
  // Part of a content (RFC 9110 section 15.3.7); no model says so.
  if (response.status == 200 && find_header(response.headers, "Content-Range") != nullptr)
    response.status = 206;
  if (operation.streaming_output || operation.event_output != nullptr) return response;
  if (const Member* payload = payload_member(shape)) {
    const void* value = payload->get(output);
    if (value != nullptr) write_payload(table, *payload, value, response);
  } else {
    write_rest_body(table, operation, output, response);
  }
  return response;
}

}  // namespace mekong::api
