#include "api/protocol.h"

#include "api/cbor_wire.h"
#include "api/json_wire.h"
#include "api/rest_wire.h"
#include "codec/text.h"

namespace mekong::api {
namespace {

CborTime cbor_time(Protocol protocol) {
  return protocol == Protocol::rpc_cbor ? CborTime::seconds : CborTime::milliseconds;
}

Response write_query(const ServiceTable& table, const Operation& operation, const void* output,
                     const std::string& request_id) {
  Response response;
  codec::XmlWriter out(response.body);
  out.begin(std::string(operation.name) + "Response");
  out.attribute("xmlns", table.xml_namespace);
  std::string wrapper = operation.result_wrapper;
  if (wrapper.empty() && operation.output->member_count > 0) wrapper = std::string(operation.name) + "Result";
  if (!wrapper.empty()) {
    out.begin(wrapper);
    write_xml_members(out, *operation.output, output);
    out.end();
  }
  out.begin("ResponseMetadata");
  out.element("RequestId", request_id);
  out.end();
  out.end();
  return response;
}

// https://smithy.io/2.0/aws/protocols/aws-ec2-query-protocol.html
Response write_ec2(const ServiceTable& table, const Operation& operation, const void* output,
                   const std::string& request_id) {
  Response response;
  codec::XmlWriter out(response.body);
  out.begin(std::string(operation.name) + "Response");
  if (*table.xml_namespace != 0) out.attribute("xmlns", table.xml_namespace);
  out.element("requestId", request_id);
  write_xml_members(out, *operation.output, output);
  out.end();
  return response;
}

Response write_body(Protocol protocol, const Operation& operation, const void* output) {
  Response response;
  if (operation.event_output != nullptr) return response;  // the members are in the stream's first frame
  if (protocol == Protocol::json) {
    codec::JsonWriter out(response.body);
    write_json_members(out, *operation.output, output);
  } else {
    codec::CborWriter out(response.body);
    write_cbor_members(out, *operation.output, cbor_time(protocol), output);
  }
  return response;
}

}  // namespace

Protocol spoken(const ServiceTable& table, const Headers& headers) {
  if (table.protocol == Protocol::rest_json || table.protocol == Protocol::rest_xml) return table.protocol;
  const auto* smithy = find_header(headers, "smithy-protocol");
  if (smithy != nullptr && *smithy == "rpc-v2-cbor" && table.speaks(Protocol::rpc_cbor))
    return Protocol::rpc_cbor;
  const auto* type = find_header(headers, "content-type");
  const std::string_view given = type == nullptr ? std::string_view() : std::string_view(*type);
  if (given.starts_with("application/x-amz-cbor") && table.speaks(Protocol::aws_cbor))
    return Protocol::aws_cbor;
  const bool target = find_header(headers, "x-amz-target") != nullptr;
  if (target && table.speaks(Protocol::json)) return Protocol::json;
  if (given.starts_with("application/x-www-form-urlencoded") && table.speaks(Protocol::query))
    return Protocol::query;
  return table.protocol;
}

const char* content_type(Protocol protocol, const ServiceTable* table) {
  switch (protocol) {
    case Protocol::json:
      return table != nullptr && std::string_view(table->json_version) == "1.0"
                 ? "application/x-amz-json-1.0"
                 : "application/x-amz-json-1.1";
    case Protocol::query:
      return "text/xml";
    case Protocol::ec2:
      return "text/xml;charset=UTF-8";
    case Protocol::rest_json:
      return "application/json";
    case Protocol::rest_xml:
      return "application/xml";
    case Protocol::rpc_cbor:
      return "application/cbor";
    case Protocol::aws_cbor:
      return "application/x-amz-cbor-1.1";
  }
  return "";
}

Status decode_input(Protocol protocol, const ServiceTable& table, const Operation& operation,
                    const InputParts& parts, void* out, Violations& violations) {
  const Shape& shape = *operation.input;
  Seen seen(shape);
  switch (protocol) {
    case Protocol::query:
      MEKONG_TRY(read_query_members(parts.form, "", shape, out, nullptr, seen, violations));
      break;
    case Protocol::ec2:
      MEKONG_TRY(read_ec2_members(parts.form, "", shape, out, nullptr, seen, violations));
      break;
    case Protocol::json:
      if (!codec::trim(parts.body).empty())
        MEKONG_TRY(read_json_members(parts.body, shape, out, seen, violations));
      break;
    case Protocol::rpc_cbor:
    case Protocol::aws_cbor:
      if (!parts.body.empty())
        MEKONG_TRY(read_cbor_members(parts.body, shape, cbor_time(protocol), out, seen, violations));
      break;
    case Protocol::rest_json:
    case Protocol::rest_xml:
      MEKONG_TRY(read_rest(table, operation, parts, out, seen, violations));
      break;
  }
  seen.report(nullptr, violations);
  return {};
}

Response encode_output(Protocol protocol, const ServiceTable& table, const Operation& operation,
                       const void* output, const std::string& request_id) {
  if (protocol == Protocol::rest_json || protocol == Protocol::rest_xml)
    return write_rest(table, operation, output);
  auto response = protocol == Protocol::query ? write_query(table, operation, output, request_id)
                  : protocol == Protocol::ec2 ? write_ec2(table, operation, output, request_id)
                                              : write_body(protocol, operation, output);
  response.headers = {{"Content-Type", content_type(protocol, &table)}};
  if (protocol == Protocol::rpc_cbor) response.headers.emplace_back("smithy-protocol", "rpc-v2-cbor");
  return response;
}

}  // namespace mekong::api
