#include "api/errors.h"

#include <algorithm>

#include "codec/json.h"
#include "codec/xml.h"

namespace mekong::api {
namespace {

struct Rename {
  const char* from;
  const char* json;
  const char* query;
  const char* s3;
};
// One cause, three spellings. Null: as it is.
constexpr Rename kRenames[] = {
    {"AccessDenied", "AccessDeniedException", nullptr, nullptr},
    {"SignatureDoesNotMatch", "InvalidSignatureException", nullptr, nullptr},
    {"InvalidClientTokenId", "UnrecognizedClientException", nullptr, "InvalidAccessKeyId"},
    {"InvalidAccessKeyId", "UnrecognizedClientException", "InvalidClientTokenId", nullptr},
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
    const char* name = target.protocol == Protocol::query      ? rename.query
                       : target.protocol == Protocol::rest_xml ? rename.s3
                                                               : rename.json;
    return name == nullptr ? code : name;
  }
  return code;
}

int status_of(const ErrorTarget& target, const Error& error, const ErrorShape* shape) {
  if (error.http_status != 0) return error.http_status;
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

std::string json_body(const Error& error, const ErrorShape* shape, bool with_type) {
  std::string body;
  codec::JsonWriter out(body);
  out.begin_object();
  if (with_type) {
    out.key("__type");
    out.value(std::string_view(error.code));
  }
  out.key(shape == nullptr ? "message" : shape->message_key);
  out.value(std::string_view(error.message));
  for (const auto& [name, value] : error.fields) {
    out.key(name);
    out.value(std::string_view(value));
  }
  out.end_object();
  return body;
}

std::string query_body(const ErrorTarget& target, const Error& error, bool sender,
                       const std::string& request_id) {
  std::string body;
  codec::XmlWriter out(body);
  out.begin("ErrorResponse");
  if (target.table != nullptr) out.attribute("xmlns", target.table->xml_namespace);
  out.begin("Error");
  out.element("Type", sender ? "Sender" : "Receiver");
  out.element("Code", error.code);
  out.element("Message", error.message);
  for (const auto& [name, value] : error.fields) out.element(name, value);
  out.end();
  out.element("RequestId", request_id);
  out.end();
  return body;
}

std::string s3_body(const ErrorTarget& target, const Error& error, const std::string& request_id) {
  std::string body;
  codec::XmlWriter out(body);
  out.declaration();
  out.begin("Error");
  out.element("Code", error.code);
  out.element("Message", error.message);
  for (const auto& [name, value] : error.fields) out.element(name, value);
  if (!target.resource.empty()) out.element("Resource", target.resource);
  out.element("RequestId", request_id);
  out.element("HostId", request_id);
  out.end();
  return body;
}

}  // namespace

Response error_response(const ErrorTarget& target, Error error, const std::string& request_id) {
  if (find_shape(target.operation, error.code) == nullptr) error.code = spelled(target, error.code);
  const ErrorShape* shape = find_shape(target.operation, error.code);
  if (shape != nullptr) error.code = shape->code;
  Response response;
  response.status = status_of(target, error, shape);
  switch (target.protocol) {
    case Protocol::json:
      response.body = json_body(error, shape, true);
      response.headers = {
          {"Content-Type", std::string("application/x-amz-json-") +
                               (target.table == nullptr ? "1.1" : target.table->json_version)},
          {"x-amzn-ErrorType", error.code}};
      break;
    case Protocol::rest_json:
      response.body = json_body(error, shape, false);
      response.headers = {{"Content-Type", "application/json"}, {"x-amzn-ErrorType", error.code}};
      break;
    case Protocol::query: {
      bool sender = shape == nullptr ? response.status < 500 : shape->sender_fault;
      response.body = query_body(target, error, sender, request_id);
      response.headers = {{"Content-Type", "text/xml"}};
      break;
    }
    case Protocol::rest_xml:
      // A 304 has no body: its fields are headers (ETag, Last-Modified).
      if (response.status == 304) {
        response.headers = error.fields;
      } else {
        response.body = s3_body(target, error, request_id);
        response.headers = {{"Content-Type", "application/xml"}};
      }
      break;
  }
  return response;
}

std::string validation_code(const ServiceTable& table, const Operation& operation) {
  for (const char* code : {"ValidationException", "InvalidRequestException", "BadRequestException"}) {
    if (find_shape(&operation, code) != nullptr) return code;
  }
  if (table.protocol == Protocol::query) return "ValidationError";
  return table.protocol == Protocol::rest_xml ? "InvalidRequest" : "ValidationException";
}

}  // namespace mekong::api
