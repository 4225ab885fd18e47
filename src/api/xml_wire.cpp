#include "api/xml_wire.h"

#include "api/types.h"

namespace mekong::api {
namespace {

using codec::XmlNode;
using codec::XmlWriter;

std::string_view local_name(std::string_view name) {
  auto colon = name.find(':');
  return colon == std::string_view::npos ? name : name.substr(colon + 1);
}

Status read_entry(const XmlNode& entry, const Shape& shape, void* out, const Path* at,
                  Violations& violations) {
  const XmlNode* key = entry.child(shape.key->wire);
  const XmlNode* value = entry.child(shape.value->wire);
  if (key == nullptr || value == nullptr)
    return Error{"SerializationException", "an entry has no key or value"};
  return read_xml_value(*value, *shape.value, shape.map->insert(out, key->text), at, violations);
}

// One element of a flattened list or map.
Status read_flat(const XmlNode& node, const Member& member, void* out, const Path* at,
                 Violations& violations) {
  const Shape& shape = *member.shape;
  if (shape.kind == Kind::map) return read_entry(node, shape, out, at, violations);
  Path path{at, {}, shape.list->size(out) + 1};
  return read_xml_value(node, *shape.value, shape.list->append(out), &path, violations);
}

Status read_attribute(const XmlNode& node, const Member& member, void* out, Seen& seen) {
  for (const auto& [name, value] : node.attributes) {
    if (name != member.wire && local_name(name) != local_name(member.wire)) continue;
    seen.mark(member);
    return parse_scalar(member, value, TimeFormat::iso8601, member.set(out));
  }
  return {};
}

void write_map(XmlWriter& out, std::string_view entry_name, const Shape& shape, const void* value) {
  struct Visit {
    XmlWriter& out;
    const Shape& shape;
    std::string_view entry;
  } visit{out, shape, entry_name};
  shape.map->each(value, &visit, [](void* context, const std::string& key, const void* element) {
    auto& to = *static_cast<Visit*>(context);
    to.out.begin(to.entry);
    to.out.element(to.shape.key->wire, key);
    write_xml_member(to.out, to.shape.value->wire, *to.shape.value, element);
    to.out.end();
  });
}

void write_namespace(XmlWriter& out, const Member& member) {
  std::string_view uri = member.xml_namespace, prefix = member.xml_prefix;
  if (uri.empty()) uri = member.shape->xml_namespace, prefix = member.shape->xml_prefix;
  if (uri.empty()) return;
  out.attribute(prefix.empty() ? "xmlns" : "xmlns:" + std::string(prefix), uri);
}

}  // namespace

Status read_xml_members(const XmlNode& node, const Shape& shape, void* out, const Path* at, Seen& seen,
                        Violations& violations) {
  for (size_t i = 0; i < shape.member_count; ++i) {
    const Member& member = shape.members[i];
    if (member.location != Location::body) continue;
    if (member.attribute) {
      MEKONG_TRY(read_attribute(node, member, out, seen));
      continue;
    }
    bool flat = member.flattened || member.shape->flattened;
    auto wire = local_name(member.wire);
    void* field = nullptr;
    for (const auto& child : node.children) {
      if (child.name != wire) continue;
      Path path{at, member.name};
      if (field == nullptr || !flat) field = member.set(out);
      seen.mark(member);
      MEKONG_TRY(flat ? read_flat(child, member, field, &path, violations)
                      : read_xml_value(child, member, field, &path, violations));
    }
  }
  return {};
}

Status read_xml_value(const XmlNode& node, const Member& member, void* out, const Path* at,
                      Violations& violations) {
  const Shape& shape = *member.shape;
  if (shape.kind == Kind::structure) {
    Seen seen(shape);
    MEKONG_TRY(read_xml_members(node, shape, out, at, seen, violations));
    seen.report(at, violations);
    return {};
  }
  if (shape.kind == Kind::list) {
    size_t index = 0;
    for (const auto& child : node.children) {
      Path path{at, {}, ++index};
      MEKONG_TRY(read_xml_value(child, *shape.value, shape.list->append(out), &path, violations));
    }
    return {};
  }
  if (shape.kind == Kind::map) {
    for (const auto& child : node.children) MEKONG_TRY(read_entry(child, shape, out, at, violations));
    return {};
  }
  return parse_scalar(member, node.text, TimeFormat::iso8601, out);
}

void write_xml_members(XmlWriter& out, const Shape& shape, const void* value, std::string_view without) {
  for (bool attributes : {true, false}) {  // attributes stand in the opening tag
    for (size_t i = 0; i < shape.member_count; ++i) {
      const Member& member = shape.members[i];
      if (!written_in_body(member) || member.attribute != attributes) continue;
      const void* field = member.get(value);
      if (field == nullptr || without == member.wire) continue;
      if (attributes) {
        out.attribute(member.wire, format_scalar(member, field, TimeFormat::iso8601));
      } else {
        write_xml_member(out, member.wire, member, field);
      }
    }
  }
}

void write_xml_member(XmlWriter& out, std::string_view name, const Member& member, const void* value) {
  const Shape& shape = *member.shape;
  bool flat = member.flattened || shape.flattened;
  if (flat && shape.kind == Kind::list) {
    for (size_t i = 0; i < shape.list->size(value); ++i) {
      write_xml_member(out, name, *shape.value, shape.list->at(value, i));
    }
    return;
  }
  if (flat && shape.kind == Kind::map) return write_map(out, name, shape, value);
  out.begin(name);
  write_namespace(out, member);
  if (shape.kind == Kind::structure) {
    write_xml_members(out, shape, value);
  } else if (shape.kind == Kind::list) {
    for (size_t i = 0; i < shape.list->size(value); ++i) {
      write_xml_member(out, shape.value->wire, *shape.value, shape.list->at(value, i));
    }
  } else if (shape.kind == Kind::map) {
    write_map(out, "entry", shape, value);
  } else {
    out.text(format_scalar(member, value, TimeFormat::iso8601));
  }
  out.end();
}

}  // namespace mekong::api
