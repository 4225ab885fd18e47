#include "api/errors.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "api/cbor_wire.h"
#include "api/json_wire.h"
#include "api/protocol.h"
#include "api/rest_wire.h"

namespace mekong::api {
namespace {

struct Rename {
  const char* from;
  const char* json;
  const char* query;
  const char* s3;
  const char* ec2 = nullptr;  // where query's is not its own
};
// One cause, its spellings. Null: as it is.
constexpr Rename kRenames[] = {
    {"AccessDenied", "AccessDeniedException", nullptr, nullptr, "UnauthorizedOperation"},
    {"SignatureDoesNotMatch", "InvalidSignatureException", nullptr, nullptr},
    {"InvalidClientTokenId", "UnrecognizedClientException", nullptr, "InvalidAccessKeyId", "AuthFailure"},
    {"InvalidAccessKeyId", "UnrecognizedClientException", "InvalidClientTokenId", nullptr, "AuthFailure"},
    {"MissingAuthenticationToken", "MissingAuthenticationTokenException", nullptr, "AccessDenied"},
    {"IncompleteSignature", "IncompleteSignatureException", nullptr, "AuthorizationHeaderMalformed"},
    {"ExpiredToken", "ExpiredTokenException", nullptr, nullptr},
    {"RequestExpired", "InvalidSignatureException", nullptr, "RequestTimeTooSkewed"},
    {"RequestTimeTooSkewed", "InvalidSignatureException", "RequestExpired", nullptr},
    {"XAmzContentSHA256Mismatch", "InvalidSignatureException", "SignatureDoesNotMatch", nullptr},
    {"SerializationException", nullptr, "MalformedInput", "MalformedXML"},
    {"InternalFailure", nullptr, nullptr, "InternalError"},
};

struct StatusOf {
  const char* code;
  int status;
};
// Codes outside of the models. https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html and the
// "Common errors" page of each service.
constexpr StatusOf kStatuses[] = {
    {"AccessDenied", 403},
    {"UnauthorizedOperation", 403},
    {"AuthFailure", 401},
    {"SignatureDoesNotMatch", 403},
    {"InvalidClientTokenId", 403},
    {"InvalidAccessKeyId", 403},
    {"MissingAuthenticationToken", 403},
    {"RequestExpired", 403},
    {"RequestTimeTooSkewed", 403},
    {"NotImplemented", 501},
    {"NotImplementedException", 501},
    {"InternalFailure", 500},
    {"InternalError", 500},
    {"ServiceUnavailable", 503},
    {"InsufficientStorage", 503},
    {"SlowDown", 503},
    {"NoSuchBucket", 404},
    {"NoSuchKey", 404},
    {"NoSuchUpload", 404},
    {"NoSuchVersion", 404},
    {"NoSuchBucketPolicy", 404},
    {"BucketAlreadyExists", 409},
    {"BucketAlreadyOwnedByYou", 409},
    {"BucketNotEmpty", 409},
    {"OperationAborted", 409},
    {"MethodNotAllowed", 405},
    {"MissingContentLength", 411},
    {"PreconditionFailed", 412},
    {"InvalidRange", 416},
    {"NotModified", 304},
    {"RequestEntityTooLarge", 413},
    {"NoSuchEntity", 404},
    {"EntityAlreadyExists", 409},
};
// rest-json services answer these with 403, JSON-RPC ones with 400.
constexpr const char* kForbiddenInRest[] = {
    "AccessDeniedException",       "InvalidSignatureException",
    "UnrecognizedClientException", "MissingAuthenticationTokenException",
    "ExpiredTokenException",       "IncompleteSignatureException"};

const ErrorShape* find_shape(const Operation* operation, const std::string& code) {
  if (operation == nullptr) return nullptr;
  for (size_t i = 0; i < operation->error_count; ++i) {
    if (code == operation->errors[i]->code || code == operation->errors[i]->name) return operation->errors[i];
  }
  return nullptr;
}

std::string spelled(const ErrorTarget& target, const std::string& code) {
  for (const auto& rename : kRenames) {
    if (code != rename.from) continue;
    const bool query = target.protocol == Protocol::query || target.protocol == Protocol::ec2;
    if (target.protocol == Protocol::ec2 && rename.ec2 != nullptr) return rename.ec2;
    const char* name = query ? rename.query : target.protocol == Protocol::rest_xml ? rename.s3 : rename.json;
    return name == nullptr ? code : name;
  }
  return code;
}

int status_of(const ErrorTarget& target, const Error& error, const ErrorShape* shape) {
  if (error.http_status != 0) return error.http_status;
  // What awsQueryCompatible models say of status is for the query wire; elsewhere the fault alone counts.
  const bool query_only = target.table != nullptr && target.table->query_compatible;
  const bool other = target.protocol != Protocol::query && target.protocol != Protocol::ec2;
  if (shape != nullptr && query_only && other) return shape->sender_fault ? 400 : 500;
  if (shape != nullptr) return shape->http_status;
  if (target.protocol == Protocol::rest_json &&
      std::find(std::begin(kForbiddenInRest), std::end(kForbiddenInRest), error.code) !=
          std::end(kForbiddenInRest)) {
    return 403;
  }
  if (target.protocol == Protocol::query && error.code == "ExpiredToken") return 403;
  for (const auto& entry : kStatuses) {
    if (error.code == entry.code) return entry.status;
  }
  return 400;
}

std::string validation_code(Protocol protocol, const ServiceTable& table, const Operation& operation) {
  if (*table.validation_code != 0) return table.validation_code;
  for (const char* code : {"ValidationException", "InvalidRequestException", "BadRequestException"}) {
    if (find_shape(&operation, code) != nullptr) return code;
  }
  if (protocol == Protocol::query) return "ValidationError";
  return protocol == Protocol::rest_xml ? "InvalidRequest" : "ValidationException";
}

// What an error says besides its code, its detail's members included.
struct Told {
  const Error& error;
  const ErrorShape* shape;
  const char* message_key;
  // Of the detail; null where there is none.
  const Shape* members;
  const void* detail;
};

Told told(const Error& error, const ErrorShape* shape) {
  const bool detailed = shape != nullptr && error.detail != nullptr;
  return {error, shape, shape == nullptr ? "message" : shape->message_key, detailed ? shape->shape : nullptr,
          error.detail.get()};
}

bool has_message(const Told& what) {
  return what.members == nullptr || !what.error.message.empty();
}

std::string json_body(const Told& what, bool with_type) {
  std::string body;
  codec::JsonWriter out(body);
  out.begin_object();
  if (with_type) {
    out.key("__type");
    out.value(std::string_view(what.error.code));
  }
  if (has_message(what)) {
    out.key(what.message_key);
    out.value(std::string_view(what.error.message));
  }
  for (const auto& [name, value] : what.error.fields) {
    out.key(name);
    out.value(std::string_view(value));
  }
  if (what.members != nullptr) write_json_pairs(out, *what.members, what.detail, what.message_key);
  out.end_object();
  return body;
}

std::string cbor_body(const Told& what, CborTime time) {
  std::string body;
  codec::CborWriter out(body);
  const size_t own = 1 + (has_message(what) ? 1 : 0) + what.error.fields.size();
  out.map(own +
          (what.members == nullptr ? 0 : count_cbor_pairs(*what.members, what.detail, what.message_key)));
  out.text("__type");
  out.text(what.error.code);
  if (has_message(what)) {
    out.text(what.message_key);
    out.text(what.error.message);
  }
  for (const auto& [name, value] : what.error.fields) {
    out.text(name);
    out.text(value);
  }
  if (what.members != nullptr) write_cbor_pairs(out, *what.members, time, what.detail, what.message_key);
  return body;
}

void write_xml_error(codec::XmlWriter& out, const Told& what) {
  out.element("Code", what.error.code);
  out.element("Message", what.error.message);
  for (const auto& [name, value] : what.error.fields) out.element(name, value);
  if (what.members != nullptr) write_xml_members(out, *what.members, what.detail, what.message_key);
}

std::string query_body(const ErrorTarget& target, const Told& what, bool sender,
                       const std::string& request_id) {
  std::string body;
  codec::XmlWriter out(body);
  out.begin("ErrorResponse");
  if (target.table != nullptr) out.attribute("xmlns", target.table->xml_namespace);
  out.begin("Error");
  out.element("Type", sender ? "Sender" : "Receiver");
  write_xml_error(out, what);
  out.end();
  out.element("RequestId", request_id);
  out.end();
  return body;
}

std::string ec2_body(const Told& what, const std::string& request_id) {
  std::string body;
  codec::XmlWriter out(body);
  out.declaration();
  out.begin("Response");
  out.begin("Errors");
  out.begin("Error");
  write_xml_error(out, what);
  out.end();
  out.end();
  out.element("RequestID", request_id);
  out.end();
  return body;
}

std::string s3_body(const ErrorTarget& target, const Told& what, const std::string& request_id) {
  std::string body;
  codec::XmlWriter out(body);
  out.declaration();
  out.begin("Error");
  write_xml_error(out, what);
  if (!target.resource.empty()) out.element("Resource", target.resource);
  out.element("RequestId", request_id);
  out.element("HostId", request_id);
  out.end();
  return body;
}

// rest-xml: S3 alone sends <Error> without a wrapper.
void write_rest_xml(const ErrorTarget& target, const Told& what, bool sender, const std::string& request_id,
                    Response& response) {
  // A 304 has no body: its fields are headers (ETag, Last-Modified).
  if (response.status == 304) {
    response.headers = what.error.fields;
    return;
  }
  const bool s3 = target.table == nullptr || std::string_view(target.table->endpoint_prefix) == "s3";
  response.body = s3 ? s3_body(target, what, request_id) : query_body(target, what, sender, request_id);
  response.headers = {{"Content-Type", "application/xml"}};
}

void write_error(const ErrorTarget& target, const Told& what, bool sender, const std::string& request_id,
                 Response& response) {
  response.headers = {{"Content-Type", content_type(target.protocol, target.table)}};
  switch (target.protocol) {
    case Protocol::json:
    case Protocol::rest_json:
      response.body = json_body(what, target.protocol == Protocol::json);
      response.headers.emplace_back("x-amzn-ErrorType", what.error.code);
      break;
    case Protocol::rpc_cbor:
      response.body = cbor_body(what, CborTime::seconds);
      response.headers.emplace_back("smithy-protocol", "rpc-v2-cbor");
      break;
    case Protocol::aws_cbor:
      response.body = cbor_body(what, CborTime::milliseconds);
      response.headers.emplace_back("x-amzn-ErrorType", what.error.code);
      break;
    case Protocol::query:
      response.body = query_body(target, what, sender, request_id);
      break;
    case Protocol::ec2:
      response.body = ec2_body(what, request_id);
      break;
    case Protocol::rest_xml:
      write_rest_xml(target, what, sender, request_id, response);
      break;
  }
}

bool in_xml(Protocol protocol) {
  return protocol == Protocol::query || protocol == Protocol::ec2 || protocol == Protocol::rest_xml;
}

}  // namespace

Error outward(Error error) {
  const bool of_the_system =
      error.code.size() > 2 && error.code[0] == 'E' &&
      error.code.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == error.code.npos;
  if (error.code == "ENOSPC" || error.code == "EDQUOT" || error.code == "InsufficientStorage") {
    return {"InsufficientStorage", "The server's disk is full: nothing was stored."};
  }
  if (error.code == "EMFILE" || error.code == "ENFILE" || error.code == "ENOMEM") {
    return {"ServiceUnavailable",
            "The server has run out of a resource of its machine (" + error.code + ")."};
  }
  if (of_the_system || error.code == "StorageFailed" || error.code == "ContentCorrupt" ||
      error.code == "ContentMissing") {
    return {"InternalFailure", "The server's storage failed; its log says how."};
  }
  return error;
}

std::string wire_code(const ErrorTarget& target, const std::string& code) {
  auto name = find_shape(target.operation, code) == nullptr ? spelled(target, code) : code;
  const ErrorShape* shape = find_shape(target.operation, name);
  if (shape == nullptr) return name;
  // Shapes of JSON go by their name, those of XML by the code that the model gives them.
  return in_xml(target.protocol) ? shape->code : shape->name;
}

Response error_response(const ErrorTarget& target, Error error, const std::string& request_id) {
  const std::string given = std::exchange(error.code, wire_code(target, error.code));
  const ErrorShape* shape = find_shape(target.operation, error.code);
  Response response;
  response.status = status_of(target, error, shape);
  const bool sender = shape == nullptr ? response.status < 500 : shape->sender_fault;
  const auto what = told(error, shape);
  write_error(target, what, sender, request_id, response);
  if (what.members != nullptr) {
    for (size_t i = 0; i < what.members->member_count; ++i) {
      const void* value = what.members->members[i].get(what.detail);
      if (value != nullptr) write_located(what.members->members[i], value, response);
    }
  }
  // For clients that knew the service when it spoke query: the code it had then.
  if (target.table != nullptr && target.table->query_compatible && !in_xml(target.protocol)) {
    response.headers.emplace_back(
        "x-amzn-query-error", (shape == nullptr ? given : shape->code) + (sender ? ";Sender" : ";Receiver"));
  }
  return response;
}

Error validation_error(Protocol protocol, const ServiceTable& table, const Operation& operation,
                       const Violations& violations) {
  if (protocol == Protocol::ec2) {
    const auto& first = violations.front();
    if (first.missing)
      return Error{"MissingParameter", fmt::format("The request must contain the parameter {}", first.at)};
    return Error{"InvalidParameterValue", fmt::format("Value ({}) for parameter {} is invalid. {}",
                                                      first.value, first.at, first.constraint)};
  }
  std::string text =
      fmt::format("{} validation error{} detected: ", violations.size(), violations.size() == 1 ? "" : "s");
  for (const auto& violation : violations) {
    text += fmt::format("{}Value {} at '{}' failed to satisfy constraint: {}",
                        &violation == &violations.front() ? "" : "; ", violation.value, violation.at,
                        violation.constraint);
  }
  return Error{validation_code(protocol, table, operation), text};
}

}  // namespace mekong::api
