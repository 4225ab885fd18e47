// The AWS protocol test suites (botocore's form of Smithy's), with the roles reversed: what a client sends is
// decoded here, what a client understands is written here. Cases of expected_failures.txt must fail, all
// others pass.
//
//   input:  decode(serialized) is params
//   output: decode(response) is result, and decode(encode(result)) is result: the reader, held against the
//   suite,
//           then holds the writer. Order, white space and the spelling of numbers stay free.
//   errors: the same, with the code, the message and the members that a client finds.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>

#include "api/cbor_wire.h"
#include "api/errors.h"
#include "api/json_wire.h"
#include "api/protocol.h"
#include "codec/text.h"
#include "tests/conformance/suites.h"

namespace mekong::conformance {
namespace {

using api::Kind;
using api::Member;
using api::Shape;
using codec::Json;

std::string read_file(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// ---- a typed value from and to the suites' JSON, by the model's names ------------------------------------

Json text_json(std::string text) {
  Json json;
  json.kind = Json::Kind::string;
  json.string = std::move(text);
  return json;
}
Json number_json(double value) {
  if (std::isnan(value)) return text_json("NaN");
  if (std::isinf(value)) return text_json(value > 0 ? "Infinity" : "-Infinity");
  Json json;
  json.kind = Json::Kind::real;
  json.real = value;
  return json;
}

Json dump(const Member& member, const void* value);

Json dump_members(const Shape& shape, const void* value) {
  Json json;
  json.kind = Json::Kind::object;
  for (size_t i = 0; i < shape.member_count; ++i) {
    const void* field = shape.members[i].get(value);
    if (field != nullptr) json.object.push_back({shape.members[i].name, dump(shape.members[i], field)});
  }
  return json;
}

Json dump_container(const Shape& shape, const void* value) {
  Json json;
  if (shape.kind == Kind::list) {
    json.kind = Json::Kind::array;
    for (size_t i = 0; i < shape.list->size(value); ++i)
      json.array.push_back(dump(*shape.value, shape.list->at(value, i)));
    return json;
  }
  json.kind = Json::Kind::object;
  std::pair<const Shape*, Json*> visit{&shape, &json};
  shape.map->each(value, &visit, [](void* context, const std::string& key, const void* element) {
    auto& to = *static_cast<std::pair<const Shape*, Json*>*>(context);
    to.second->object.push_back({key, dump(*to.first->value, element)});
  });
  return json;
}

Json dump(const Member& member, const void* value) {
  const Shape& shape = *member.shape;
  switch (shape.kind) {
    case Kind::structure:
      return dump_members(shape, value);
    case Kind::list:
    case Kind::map:
      return dump_container(shape, value);
    case Kind::string:
    case Kind::blob:
      return text_json(*static_cast<const std::string*>(value));
    case Kind::timestamp:
      return number_json(static_cast<double>(static_cast<const api::Timestamp*>(value)->ms) / 1000);
    case Kind::boolean: {
      Json json;
      json.kind = Json::Kind::boolean;
      json.boolean = *static_cast<const bool*>(value);
      return json;
    }
    case Kind::int32:
      return number_json(*static_cast<const int32_t*>(value));
    case Kind::int64:
      return number_json(static_cast<double>(*static_cast<const int64_t*>(value)));
    case Kind::float32:
      return number_json(*static_cast<const float*>(value));
    case Kind::float64:
      return number_json(*static_cast<const double*>(value));
    case Kind::document:
      return codec::parse_json(static_cast<const api::Document*>(value)->json).value();
    case Kind::stream:
      break;
  }
  return {};
}

void load(const Json& json, const Member& member, void* out);

void load_members(const Json& json, const Shape& shape, void* out) {
  for (size_t i = 0; i < shape.member_count; ++i) {
    const Json* value = json.find(shape.members[i].name);
    if (value != nullptr && !value->is_null()) load(*value, shape.members[i], shape.members[i].set(out));
  }
}

void load(const Json& json, const Member& member, void* out) {
  const Shape& shape = *member.shape;
  switch (shape.kind) {
    case Kind::structure:
      return load_members(json, shape, out);
    case Kind::list:
      for (const auto& element : json.array) load(element, *shape.value, shape.list->append(out));
      return;
    case Kind::map:
      for (const auto& [key, element] : json.object) load(element, *shape.value, shape.map->insert(out, key));
      return;
    case Kind::blob:
      *static_cast<std::string*>(out) = json.string;
      return;
    case Kind::timestamp:
      static_cast<api::Timestamp*>(out)->ms = std::llround(json.real * 1000);
      return;
    default: {
      api::Violations none;
      auto read = api::read_json_value(json.dump(), member, out, nullptr, none);
      EXPECT_TRUE(read.ok()) << read.error().message;
    }
  }
}

bool same(const Json& a, const Json& b) {
  if (a.is_number() && b.is_number())
    return std::abs(a.real - b.real) <= 1e-6 * std::max(1.0, std::abs(a.real));
  if (a.kind != b.kind) return false;
  if (a.kind == Json::Kind::array) {
    return std::equal(a.array.begin(), a.array.end(), b.array.begin(), b.array.end(), same);
  }
  if (a.kind != Json::Kind::object) return a.string == b.string && a.boolean == b.boolean;
  auto covered = [](const Json& x, const Json& y) {
    for (const auto& [key, value] : x.object) {
      const Json* other = y.find(key);
      if (!value.is_null() && (other == nullptr || !same(value, *other))) return false;
    }
    return true;
  };
  return covered(a, b) && covered(b, a);
}

// ---- one case; the result is what went wrong, empty if nothing -------------------------------------------

struct Case {
  const Suite& suite;
  const Json& json;
  std::string id() const { return json.find("id")->string; }
  const api::ServiceTable& table() const { return *suite.tables->table; }
  size_t index() const {
    for (size_t i = 0; i < suite.tables->made_count; ++i) {
      if (json.find("given")->find("name")->string == suite.tables->made[i].operation) return i;
    }
    return 0;
  }
};

api::Headers headers_of(const Json* json) {
  api::Headers headers;
  if (json == nullptr) return headers;
  for (const auto& [name, value] : json->object) headers.emplace_back(codec::lower_case(name), value.string);
  return headers;
}

std::string check_value(const Json& got, const Json& wanted, const char* what) {
  if (same(got, wanted)) return "";
  constexpr size_t kShownMax = 500;
  return std::string(what) + " is " + got.dump().substr(0, kShownMax) + ", not " +
         wanted.dump().substr(0, kShownMax);
}

// CBOR bodies are in base64 in the suites.
std::string body_of(const Case& test, const Json& message) {
  const Json* body = message.find("body");
  if (body == nullptr) return "";
  if (test.table().protocol == api::Protocol::rpc_cbor) return codec::base64_decode(body->string).value();
  return body->string;
}

bool in_form(const Case& test) {
  return test.table().protocol == api::Protocol::query || test.table().protocol == api::Protocol::ec2;
}

bool is_rest(const Case& test) {
  return test.table().protocol == api::Protocol::rest_json ||
         test.table().protocol == api::Protocol::rest_xml;
}

std::string run_input(const Case& test) {
  const auto& operation = test.table().operations[test.index()];
  const Json& sent = *test.json.find("serialized");
  std::string uri = sent.find("uri") == nullptr ? "/" : sent.find("uri")->string;
  auto path = uri.substr(0, uri.find('?'));
  auto query = codec::parse_query(path.size() == uri.size() ? "" : uri.substr(path.size() + 1), false);
  auto headers = headers_of(sent.find("headers"));
  auto body = body_of(test, sent);
  auto labels = std::map<std::string, std::string>();
  api::Form form;
  if (api::spoken(test.table(), headers) != test.table().protocol) return "taken for another protocol";
  if (in_form(test)) {
    auto pairs = codec::parse_query(body, true);
    for (auto& [name, value] : *pairs) form[name] = value;
  } else if (is_rest(test)) {
    auto match = api::RestRouter(test.table()).match(sent.find("method")->string, path, *query, headers);
    if (!match) return "no route for " + uri;
    if (std::string(match->route->name) != operation.name)
      return std::string("routed to ") + match->route->name;
    labels = match->labels;
  }
  auto value = test.suite.tables->made[test.index()].input();
  api::Violations violations;
  auto decoded = api::decode_input(test.table().protocol, test.table(), operation,
                                   {headers, *query, labels, form, body}, value.get(), violations);
  if (!decoded.ok()) return decoded.error().message;
  const Json* params = test.json.find("params");
  Json wanted = params == nullptr ? Json{.kind = Json::Kind::object} : *params;
  if (operation.streaming_input) return "";  // the body is not decoded; the rest was
  return check_value(dump_members(*operation.input, value.get()), wanted, "input");
}

// ---- replies, read as a client does, with the readers of requests ----------------------------------------

// Replies have no query and no path: what a shape binds to those is in the body.
struct ReplyShape {
  std::vector<Member> members;
  Shape shape;
  explicit ReplyShape(const Shape& of) : members(of.members, of.members + of.member_count), shape(of) {
    for (auto& member : members) {
      if (member.location != api::Location::uri && member.location != api::Location::query) continue;
      member.location = api::Location::body;
      member.wire = member.name;
    }
    shape.members = members.data();
  }
};

api::Headers lower(const api::Headers& headers) {
  api::Headers out;
  for (const auto& [name, text] : headers) out.emplace_back(codec::lower_case(name), text);
  return out;
}

Status read_xml_reply(const Case& test, const api::Response& reply, void* out) {
  const auto& operation = test.table().operations[test.index()];
  if (reply.body.empty()) return {};
  auto root = codec::parse_xml(reply.body);
  if (!root.ok()) return std::move(root).error();
  const auto* result = test.table().protocol == api::Protocol::ec2
                           ? &*root
                           : root->child(std::string(operation.name) + "Result");
  if (result == nullptr) return {};
  api::Seen seen(*operation.output);
  api::Violations violations;
  return api::read_xml_members(*result, *operation.output, out, nullptr, seen, violations);
}

std::string read_reply(const Case& test, const api::Response& reply, Json& out) {
  const auto& operation = test.table().operations[test.index()];
  auto value = test.suite.tables->made[test.index()].output();
  api::Violations violations;
  Status read;
  if (in_form(test)) {
    read = read_xml_reply(test, reply, value.get());
  } else {
    ReplyShape shape(*operation.output);
    api::Operation as_input = operation;
    as_input.input = &shape.shape;
    as_input.streaming_input = false;
    read = api::decode_input(test.table().protocol, test.table(), as_input,
                             {lower(reply.headers), {}, {}, {}, reply.body}, value.get(), violations);
    for (size_t i = 0; i < operation.output->member_count; ++i) {
      const auto& member = operation.output->members[i];
      if (member.location == api::Location::status_code)
        *static_cast<int32_t*>(member.set(value.get())) = reply.status;
    }
  }
  if (!read.ok()) return read.error().message;
  out = dump_members(*operation.output, value.get());
  return "";
}

api::Response given_reply(const Case& test) {
  const Json& response = *test.json.find("response");
  api::Response given;
  given.status = static_cast<int>(response.find("status_code")->integer);
  given.headers = headers_of(response.find("headers"));
  given.body = body_of(test, response);
  return given;
}

std::string run_output(const Case& test) {
  const auto& operation = test.table().operations[test.index()];
  const Json& wanted = *test.json.find("result");
  if (operation.streaming_output) return "";
  const auto given = given_reply(test);
  Json read;
  auto trouble = read_reply(test, given, read);
  if (trouble.empty()) trouble = check_value(read, wanted, "the suite's reply");
  if (!trouble.empty()) return trouble;
  auto value = test.suite.tables->made[test.index()].output();
  load_members(wanted, *operation.output, value.get());
  auto reply = api::encode_output(test.table().protocol, test.table(), operation, value.get(), "request");
  if (reply.status != given.status) return "status is " + std::to_string(reply.status);
  trouble = read_reply(test, reply, read);
  if (trouble.empty()) trouble = check_value(read, wanted, "our reply");
  return trouble.empty() ? "" : trouble + " in " + reply.body;
}

// ---- errors, read as a client does -----------------------------------------------------------------------

struct ReadError {
  std::string code, message;
  Json members;  // where the shape has some
};

// "aws.protocoltests#FooError:http://…" is FooError.
std::string bare_code(std::string text) {
  text = text.substr(0, text.find_first_of(":;"));
  return text.substr(text.rfind('#') == std::string::npos ? 0 : text.rfind('#') + 1);
}

std::string read_json_error(const std::string& body, ReadError& out) {
  if (body.empty()) return "";
  auto json = codec::parse_json(body);
  if (!json.ok()) return "not JSON: " + body;
  for (const char* key : {"code", "__type"}) {
    if (const Json* text = json->find(key)) out.code = bare_code(text->string);
  }
  for (const char* key : {"message", "Message"}) {
    if (const Json* text = json->find(key)) out.message = text->string;
  }
  return "";
}

std::string read_cbor_error(const std::string& body, ReadError& out) {
  codec::CborReader in(body);
  auto pairs = in.open(codec::CborReader::Kind::map);
  while (in.more(pairs)) {
    std::string key(in.text());
    if (key == "__type") {
      out.code = bare_code(std::string(in.text()));
    } else if (codec::equal_no_case(key, "message")) {
      out.message = in.text();
    } else {
      in.skip();
    }
  }
  return in.failed() || !in.at_end() ? "not one CBOR map" : "";
}

std::string read_xml_error(const codec::XmlNode& root, const codec::XmlNode*& error, ReadError& out) {
  const auto* errors = root.child("Errors");
  error = root.name == "Error" ? &root : (errors == nullptr ? root : *errors).child("Error");
  if (error == nullptr || error->child("Code") == nullptr) return "no Error in " + root.name;
  out.code = error->child("Code")->text;
  if (const auto* message = error->child("Message")) out.message = message->text;
  return "";
}

// Members of the modelled error, from headers and body.
Status read_error_members(const Case& test, const Shape& shape, const api::Response& reply,
                          const codec::XmlNode* xml, void* out) {
  const auto protocol = test.table().protocol;
  api::Seen seen(shape);
  api::Violations violations;
  if (is_rest(test)) {
    api::Operation headers_only;
    headers_only.input = &shape;
    MEKONG_TRY(api::decode_input(protocol, test.table(), headers_only, {lower(reply.headers), {}, {}, {}, ""},
                                 out, violations));
  }
  if (xml != nullptr) return api::read_xml_members(*xml, shape, out, nullptr, seen, violations);
  if (reply.body.empty()) return {};
  if (protocol == api::Protocol::rpc_cbor)
    return api::read_cbor_members(reply.body, shape, api::CborTime::seconds, out, seen, violations);
  return api::read_json_members(reply.body, shape, out, seen, violations);
}

std::string read_error(const Case& test, const api::ErrorShape& error, const api::Response& reply,
                       api::Value detail, ReadError& out) {
  const auto headers = lower(reply.headers);
  const auto protocol = test.table().protocol;
  const bool json = protocol == api::Protocol::json || protocol == api::Protocol::rest_json;
  std::string trouble;
  codec::XmlNode root;
  const codec::XmlNode* xml = nullptr;
  if (json) {
    trouble = read_json_error(reply.body, out);
    if (const auto* type = api::find_header(headers, "x-amzn-errortype")) out.code = bare_code(*type);
  } else if (protocol == api::Protocol::rpc_cbor) {
    trouble = read_cbor_error(reply.body, out);
  } else {
    auto parsed = codec::parse_xml(reply.body);
    if (!parsed.ok()) return "not XML: " + reply.body;
    root = std::move(*parsed);
    trouble = read_xml_error(root, xml, out);
  }
  if (const auto* query = api::find_header(headers, "x-amzn-query-error")) out.code = bare_code(*query);
  if (!trouble.empty() || error.shape == nullptr) return trouble;
  auto read = read_error_members(test, *error.shape, reply, xml, detail.get());
  if (!read.ok()) return read.error().message;
  out.members = dump_members(*error.shape, detail.get());
  return "";
}

std::string check_error(const Case& test, const api::ErrorShape& error, const ReadError& got) {
  const Json* message = test.json.find("errorMessage");
  if (got.code != test.json.find("errorCode")->string) return "code is " + got.code;
  if (message != nullptr && got.message != message->string) return "message is " + got.message;
  return error.shape == nullptr ? "" : check_value(got.members, *test.json.find("error"), "error");
}

api::Value make_error(const Case& test, const api::ErrorShape& error) {
  for (const auto* made = test.suite.tables->errors; made->make != nullptr; ++made) {
    if (std::string(made->shape) == error.name) return made->make();
  }
  return api::Value(nullptr, [](void*) {});
}

std::string run_error(const Case& test) {
  const auto& operation = test.table().operations[test.index()];
  const auto& name = test.json.find("given")->find("errors")->array[0].find("shape")->string;
  const api::ErrorShape* shape = nullptr;
  for (size_t i = 0; i < operation.error_count; ++i) {
    if (name == operation.errors[i]->name) shape = operation.errors[i];
  }
  if (shape == nullptr) return "no error shape " + name;
  const auto given = given_reply(test);
  ReadError read;
  auto trouble = read_error(test, *shape, given, make_error(test, *shape), read);
  if (trouble.empty()) trouble = check_error(test, *shape, read);
  if (!trouble.empty()) return "the suite's reply: " + trouble;
  const Json* message = test.json.find("errorMessage");
  Error error{name, message == nullptr ? "" : message->string};
  if (shape->shape != nullptr) {
    auto detail = make_error(test, *shape);
    load_members(*test.json.find("error"), *shape->shape, detail.get());
    error.detail = std::shared_ptr<const void>(std::move(detail));
  }
  const api::ErrorTarget target{test.table().protocol, test.suite.tables->table, &operation, "/"};
  const auto reply = api::error_response(target, error, "request");
  if (reply.status != given.status) return "status is " + std::to_string(reply.status);
  read = {};
  trouble = read_error(test, *shape, reply, make_error(test, *shape), read);
  if (trouble.empty()) trouble = check_error(test, *shape, read);
  return trouble.empty() ? "" : "our reply: " + trouble + " in " + reply.body;
}

std::map<std::string, std::string> expected_failures() {
  std::ifstream file(MEKONG_SOURCE_DIR "/tests/conformance/expected_failures.txt");
  std::map<std::string, std::string> out;
  std::string line;
  while (std::getline(file, line)) {
    auto space = line.find(' ');
    if (!line.empty() && line[0] != '#') out[line.substr(0, space)] = line.substr(space + 1);
  }
  return out;
}

TEST(Conformance, ProtocolSuites) {
  const auto expected = expected_failures();
  int passed = 0, failed = 0;
  for (const auto& suite : suites()) {
    auto file = codec::parse_json(
        read_file(std::string(MEKONG_SUITES) + "/" + suite.direction + "/" + suite.protocol + ".json"));
    ASSERT_TRUE(file.ok());
    for (const auto& json : file->array[suite.index].find("cases")->array) {
      Case test{suite, json};
      auto trouble = suite.tables == nullptr             ? suite.why_not
                     : suite.direction == "input"        ? run_input(test)
                     : json.find("errorCode") != nullptr ? run_error(test)
                                                         : run_output(test);
      auto known = expected.contains(test.id());
      ++(trouble.empty() ? passed : failed);
      EXPECT_EQ(trouble.empty(), !known) << suite.direction << " " << suite.protocol << " " << test.id()
                                         << ": " << (known ? "listed as a failure, and passes" : trouble);
    }
  }
  printf("%d cases pass, %d fail as listed or not\n", passed, failed);
}

}  // namespace
}  // namespace mekong::conformance
