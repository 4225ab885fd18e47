// Generated structs as XML (restXml bodies both ways, replies of query services) and as query forms (input
// only).
#pragma once
#include <map>
#include <string>

#include "api/decode.h"
#include "codec/xml.h"

namespace mekong::api {

Status read_xml_members(const codec::XmlNode& node, const Shape& shape, void* out, const Path* at, Seen& seen,
                        Violations& violations);
Status read_xml_value(const codec::XmlNode& node, const Member& member, void* out, const Path* at,
                      Violations& violations);

// The body members of `value` as children (and attributes) of the element that is open.
// Not the one called `without`.
void write_xml_members(codec::XmlWriter& out, const Shape& shape, const void* value,
                       std::string_view without = {});
void write_xml_member(codec::XmlWriter& out, std::string_view name, const Member& member, const void* value);

// "A.B.1.C" → value, decoded; sorted, so that what belongs together stands together.
using Form = std::map<std::string, std::string, std::less<>>;
// Members named `prefix` + wire name. Lists are prefix.member.N (or prefix.N when flattened), maps
// .entry.N.key.
Status read_query_members(const Form& form, std::string_view prefix, const Shape& shape, void* out,
                          const Path* at, Seen& seen, Violations& violations);
// The same as EC2 spells it: capitals, and every list flattened.
Status read_ec2_members(const Form& form, std::string_view prefix, const Shape& shape, void* out,
                        const Path* at, Seen& seen, Violations& violations);

}  // namespace mekong::api
