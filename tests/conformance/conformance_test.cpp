// The AWS protocol test suites (botocore's form of Smithy's), with the roles reversed: what a client sends is
// decoded here, what a client understands is written here. Cases of expected_failures.txt must fail, all
// others pass.
//
//   input:  decode(serialized) is params
//   output: decode(response) is result, and decode(encode(result)) is result: the reader, held against the
//   suite,
//           then holds the writer. Order, white space and the spelling of numbers stay free.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>

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
      auto read = api::read_json_value(json, member, out, nullptr, none);
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
  return std::string(what) + " is " + got.dump() + ", not " + wanted.dump();
}

std::string run_input(const Case& test) {
  const auto& operation = test.table().operations[test.index()];
  const Json& sent = *test.json.find("serialized");
  std::string uri = sent.find("uri") == nullptr ? "/" : sent.find("uri")->string;
  auto path = uri.substr(0, uri.find('?'));
  auto query = codec::parse_query(path.size() == uri.size() ? "" : uri.substr(path.size() + 1), false);
  auto headers = headers_of(sent.find("headers"));
  auto body = sent.find("body") == nullptr ? "" : sent.find("body")->string;
  auto labels = std::map<std::string, std::string>();
  api::Form form;
  if (test.table().protocol == api::Protocol::query) {
    auto pairs = codec::parse_query(body, true);
    for (auto& [name, value] : *pairs) form[name] = value;
  } else if (test.table().protocol != api::Protocol::json) {
    auto match = api::RestRouter(test.table()).match(sent.find("method")->string, path, *query, headers);
    if (!match) return "no route for " + uri;
    if (std::string(match->route->name) != operation.name)
      return std::string("routed to ") + match->route->name;
    labels = match->labels;
  }
  auto value = test.suite.tables->made[test.index()].input();
  api::Violations violations;
  auto decoded = api::decode_input(test.table(), operation, {headers, *query, labels, form, body},
                                   value.get(), violations);
  if (!decoded.ok()) return decoded.error().message;
  const Json* params = test.json.find("params");
  Json wanted = params == nullptr ? Json{.kind = Json::Kind::object} : *params;
  if (operation.streaming_input) return "";  // the body is not decoded; the rest was
  return check_value(dump_members(*operation.input, value.get()), wanted, "input");
}

// Reads a reply as a client does, with the readers of requests.
std::string read_reply(const Case& test, const api::Response& reply, Json& out) {
  const auto& operation = test.table().operations[test.index()];
  auto value = test.suite.tables->made[test.index()].output();
  api::Violations violations;
  Status read;
  if (test.table().protocol == api::Protocol::query) {
    if (!reply.body.empty()) {
      auto root = codec::parse_xml(reply.body);
      if (!root.ok()) return root.error().message;
      const auto* result = root->child(std::string(operation.name) + "Result");
      api::Seen seen(*operation.output);
      if (result != nullptr)
        read = api::read_xml_members(*result, *operation.output, value.get(), nullptr, seen, violations);
    }
  } else {
    api::Operation as_input = operation;
    as_input.input = operation.output;
    as_input.streaming_input = false;
    api::Headers headers;
    for (const auto& [name, text] : reply.headers) headers.emplace_back(codec::lower_case(name), text);
    read =
        api::decode_input(test.table(), as_input, {headers, {}, {}, {}, reply.body}, value.get(), violations);
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

std::string run_output(const Case& test) {
  const auto& operation = test.table().operations[test.index()];
  const Json& response = *test.json.find("response");
  const Json& wanted = *test.json.find("result");
  if (operation.streaming_output) return "";
  api::Response given;
  given.status = static_cast<int>(response.find("status_code")->integer);
  given.headers = headers_of(response.find("headers"));
  if (response.find("body") != nullptr) given.body = response.find("body")->string;
  Json read;
  auto trouble = read_reply(test, given, read);
  if (trouble.empty()) trouble = check_value(read, wanted, "the suite's reply");
  if (!trouble.empty()) return trouble;
  auto value = test.suite.tables->made[test.index()].output();
  load_members(wanted, *operation.output, value.get());
  auto reply = api::encode_output(test.table(), operation, value.get(), "request");
  if (reply.status != given.status) return "status is " + std::to_string(reply.status);
  trouble = read_reply(test, reply, read);
  if (trouble.empty()) trouble = check_value(read, wanted, "our reply");
  return trouble.empty() ? "" : trouble + " in " + reply.body;
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
  int passed = 0, failed = 0, errors = 0;
  for (const auto& suite : suites()) {
    auto file = codec::parse_json(
        read_file(std::string(MEKONG_SUITES) + "/" + suite.direction + "/" + suite.protocol + ".json"));
    ASSERT_TRUE(file.ok());
    for (const auto& json : file->array[suite.index].find("cases")->array) {
      Case test{suite, json};
      if (json.find("error") != nullptr || json.find("errorCode") != nullptr) {
        ++errors;  // how errors look is tested in src/front
        continue;
      }
      auto trouble = suite.tables == nullptr      ? suite.why_not
                     : suite.direction == "input" ? run_input(test)
                                                  : run_output(test);
      auto known = expected.contains(test.id());
      ++(trouble.empty() ? passed : failed);
      EXPECT_EQ(trouble.empty(), !known) << suite.direction << " " << suite.protocol << " " << test.id()
                                         << ": " << (known ? "listed as a failure, and passes" : trouble);
    }
  }
  printf("%d cases pass, %d fail as listed or not, %d are error shapes\n", passed, failed, errors);
}

}  // namespace
}  // namespace mekong::conformance
