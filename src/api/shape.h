// What the generator knows of a service, as data: shapes with the places of their members, operations with
// their wire form, errors and permissions. Walked by the codecs, the validator and the pipeline; constant,
// lives as long as the process.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>

namespace mekong::api {

enum class Kind : uint8_t {
  string,
  blob,
  boolean,
  int32,
  int64,
  float32,
  float64,
  timestamp,
  list,
  map,
  structure,
  document,
  stream
};
enum class Location : uint8_t { body, uri, query, header, headers, status_code };
// iso8601_millis: whole seconds, written "….000Z", as S3's bodies have them.
enum class TimeFormat : uint8_t { unset, iso8601, iso8601_millis, rfc822, epoch };

// How to reach the value in an optional or Box field: get gives null where it is absent.
struct Access {
  const void* (*get)(const void* field);
  void* (*emplace)(void* field);
};
struct ListAccess {
  size_t (*size)(const void* list);
  const void* (*at)(const void* list, size_t index);
  void* (*append)(void* list);
};
struct MapAccess {
  size_t (*size)(const void* map);
  void (*each)(const void* map, void* context,
               void (*visit)(void* context, const std::string& key, const void* value));
  void* (*insert)(void* map, const std::string& key);
};

struct Shape;

// A member of a structure, the element of a list, the key or value of a map.
struct Member {
  const char* name = "";        // in the model
  const char* wire = "";        // in bodies, or the name of the header or query parameter
  const char* query_name = "";  // ec2: in forms, where it is not `wire` with a capital
  const Shape* shape = nullptr;
  const Access* access = nullptr;  // null: the field is the value
  uint32_t offset = 0;
  Location location = Location::body;
  TimeFormat time_format = TimeFormat::unset;
  bool required = false;
  bool flattened = false;  // XML: no element around the list
  bool attribute = false;  // XML: an attribute
  bool payload = false;    // REST: this member is the body
  bool idempotency_token = false;
  bool json_value = false;     // header: JSON text in base64
  bool event_header = false;   // of an event: travels in the frame's headers
  bool event_payload = false;  // of an event: is the frame's whole payload
  const char* xml_namespace = "";
  const char* xml_prefix = "";

  const void* get(const void* structure) const {
    const void* field = static_cast<const char*>(structure) + offset;
    return access == nullptr ? field : access->get(field);
  }
  void* set(void* structure) const {
    void* field = static_cast<char*>(structure) + offset;
    return access == nullptr ? field : access->emplace(field);
  }
};

struct Shape {
  const char* name = "";
  Kind kind = Kind::string;
  const Member* members = nullptr;  // structure
  size_t member_count = 0;
  bool is_union = false;
  bool event_stream = false;      // a union whose members are events
  const Member* key = nullptr;    // map
  const Member* value = nullptr;  // map: value, list: element
  const ListAccess* list = nullptr;
  const MapAccess* map = nullptr;
  bool flattened = false;
  TimeFormat time_format = TimeFormat::unset;
  const char* xml_namespace = "";
  const char* xml_prefix = "";
  const char* xml_name = "";  // the element's name where the shape is a body of its own
  // Constraints: value, length or count, by kind.
  const char* const* enum_values = nullptr;
  size_t enum_count = 0;
  bool has_min = false, has_max = false;
  double min = 0, max = 0;
  const char* pattern = nullptr;  // matched whole, in RE2's syntax
};

struct ErrorShape {
  const char* name = "";  // the shape's
  const char* code = "";  // on the wire; usually the same
  int http_status = 400;
  bool sender_fault = true;
  const char* message_key = "message";  // its message member on the wire
  const Shape* shape = nullptr;         // of Error::detail
};

// rpc_cbor: Smithy RPC v2; aws_cbor: CBOR 1.1 in the place of json, as SDKs for Java speak to Kinesis.
enum class Protocol : uint8_t { json, query, ec2, rest_json, rest_xml, rpc_cbor, aws_cbor };
enum class Permission : uint8_t { none, resources, handler };

// iam:PassRole on the role that `role` names, towards `service`.
struct PassRole {
  const char* role = nullptr;  // a template
  const char* service = nullptr;
};

// A condition key whose value is a member of the input, e.g. s3:prefix={Prefix}.
struct Condition {
  const char* key = nullptr;
  const char* value = nullptr;  // a template
};

// What tells an operation from its neighbours, for all operations of the model, listed or not.
struct Route {
  const char* name;
  const char* method;
  const char* uri;       // "/{Bucket}/{Key+}?uploads"
  const char* required;  // query parameters ("?partNumber") and headers it cannot do without, by spaces
};

struct Operation {
  const char* name = "";
  const char* method = "POST";
  const char* uri = "/";  // "/{Bucket}/{Key+}?partNumber"
  int http_status = 200;
  const Shape* input = nullptr;
  const Shape* output = nullptr;
  const char* input_root = "";  // rest-xml: element and namespace of a body made of all members
  const char* input_namespace = "";
  const char* result_wrapper = "";  // query
  const char* output_root = "";     // rest-xml: the root element, where not the shape's own name
  bool unwrapped_output = false;  // rest-xml: the root holds the text of the only member (GetBucketLocation)
  bool streaming_input = false;
  bool streaming_output = false;
  // Event streams: the member of input or output that is one.
  const Member* event_input = nullptr;
  const Member* event_output = nullptr;
  bool checksum_required = false;
  bool anonymous = false;    // answers requests without a signature (AssumeRoleWithWebIdentity)
  bool never_waits = false;  // its handler only looks into memory, briefly: it may run on an I/O thread
  const ErrorShape* const* errors = nullptr;
  size_t error_count = 0;
  // Permissions (models/<service>.txt). Resources are templates: "arn:aws:s3:::{Bucket}/{Key}".
  Permission permission = Permission::handler;
  const char* action = "";
  const char* const* resources = nullptr;
  size_t resource_count = 0;
  const Condition* conditions = nullptr;
  size_t condition_count = 0;
  PassRole pass_role = {};
};

struct ServiceTable {
  const char* name = "";          // of the model, e.g. "emr-serverless"
  const char* signing_name = "";  // credential scope
  const char* target_prefix = "";
  Protocol protocol = Protocol::json;  // what the model names first
  uint32_t protocols = 0;              // all that it speaks, a bit each; see speaks()
  bool query_compatible = false;       // answers errors with x-amzn-query-error as well
  const char* validation_code = "";    // of broken constraints, where the operation's errors do not tell
  const char* endpoint_prefix = "";    // first label of the real service's host names
  const char* json_version = "1.1";
  const char* api_version = "";
  const char* xml_namespace = "";
  const Operation* operations = nullptr;
  size_t operation_count = 0;
  const Route* routes = nullptr;
  size_t route_count = 0;

  bool speaks(Protocol other) const {
    return other == protocol || (protocols >> static_cast<unsigned>(other) & 1) != 0;
  }
};

}  // namespace mekong::api
