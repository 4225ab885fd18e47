// One request on its way through the pipeline: the steps that need no waiting. Internal to api.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "api/errors.h"
#include "api/pipeline.h"
#include "api/protocol.h"
#include "api/request_keys.h"
#include "api/router.h"
#include "api/validate.h"

namespace mekong::api {

struct Call {
  const RequestHead& head;
  Executor& home;                      // where all that needs no waiting happens
  const RequestHead& received = head;  // as it came and was signed: presigned.h
  Status amended = {};                 // whether `head` could be made of it
  Pairs query;
  std::string request_id;
  Protocol protocol = Protocol::rest_json;  // what the request speaks, once its service is known
  const ServiceBinding* service = nullptr;
  const RestRouter* router = nullptr;
  const OperationBinding* operation = nullptr;
  std::string operation_name;  // also of one that is not listed
  std::map<std::string, std::string> labels;
  Form form;
  iam::Authentication auth;
  std::string_view via = {};  // the service that calls for the principal, where one does
  std::optional<RequestKeys> keys = {};
  Context context = {};
  std::string error_code;  // of the reply; empty while all goes well

  const ServiceTable& table() const { return *service->table; }
  ErrorTarget error_target() const;
};

// Sets operation_name and labels, for query services from `body` too. Errors: "UnknownOperationException",
// "InvalidAction", "MethodNotAllowed", "SerializationException".
Status find_operation(Call& call, std::string_view target, const std::string& raw_path,
                      std::string_view body);
// Signature version 2, by header or query. Errors: "InvalidRequest".
Status refuse_old_signatures(const Call& call);
// Sets operation. Errors: "NotImplemented", naming it.
Status bind_operation(Call& call);
// Fills the context's own members from the head and the authentication; the call stays where it is from here.
void fill_context(Call& call, const Authoriser& authoriser, int64_t now_ms);
Result<Value> decode(Call& call, const Validator& validator, std::string_view body);
// The table's permissions on the decoded input. Errors: "AccessDenied".
Status authorise(Call& call, const void* input);
// "arn:…/{Member.Path:default}" with its members; `found` tells whether all were there.
std::string expand(std::string_view text, const Call& call, const void* input, bool& found);

}  // namespace mekong::api
