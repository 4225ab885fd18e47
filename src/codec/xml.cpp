#include "codec/xml.h"

#include <pugixml.hpp>

#include <algorithm>
#include <cctype>

#include "codec/text.h"

namespace mekong::codec {
namespace {

constexpr int kDepthMax = 256;

std::string_view local_name(std::string_view name) {
  auto colon = name.rfind(':');
  return colon == std::string_view::npos ? name : name.substr(colon + 1);
}

// The parser takes more names than XML 1.0 (section 2.3), even none in "<a:>"; what it takes must be writable
// again.
bool valid_name(std::string_view name) {
  const auto begins = [](unsigned char c) { return std::isalpha(c) != 0 || c == '_' || c >= 0x80; };
  const auto goes_on = [&](unsigned char c) {
    return begins(c) || std::isdigit(c) != 0 || c == '-' || c == '.';
  };
  return !name.empty() && begins(name.front()) && std::all_of(name.begin(), name.end(), goes_on);
}

Status convert(const pugi::xml_node& node, XmlNode& out, int depth) {
  if (depth > kDepthMax) return Error{"InvalidXml", "nested too deeply"};
  out.name = local_name(node.name());
  if (!node.empty() && !valid_name(out.name)) return Error{"InvalidXml", "an element without a proper name"};
  for (auto attribute : node.attributes()) {
    if (!valid_name(local_name(attribute.name())))
      return Error{"InvalidXml", "an attribute without a proper name"};
    out.attributes.emplace_back(attribute.name(), attribute.value());
  }
  for (auto child : node.children()) {
    if (child.type() == pugi::node_element) {
      MEKONG_TRY(convert(child, out.children.emplace_back(), depth + 1));
    } else if (child.type() == pugi::node_pcdata || child.type() == pugi::node_cdata) {
      out.text += child.value();
    }
  }
  return ok();
}

void append_escaped(std::string& out, std::string_view text, bool attribute) {
  for (char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += attribute ? "&quot;" : "\"";
        break;
      case '\r':
        out += "&#xD;";
        break;  // a bare one would be read back as a newline
      case '\n':
        out += attribute ? "&#xA;" : "\n";
        break;
      default:
        out += c;
    }
  }
}

}  // namespace

const XmlNode* XmlNode::child(std::string_view child_name) const {
  for (const auto& node : children) {
    if (node.name == child_name) return &node;
  }
  return nullptr;
}

const std::string* XmlNode::attribute(std::string_view attribute_name) const {
  for (const auto& [name, value] : attributes) {
    if (name == attribute_name) return &value;
  }
  return nullptr;
}

Result<XmlNode> parse_xml(std::string_view text) {
  if (!valid_utf8(text)) return Error{"InvalidXml", "not UTF-8"};
  pugi::xml_document document;
  constexpr auto kOptions =
      pugi::parse_cdata | pugi::parse_escapes | pugi::parse_eol | pugi::parse_ws_pcdata | pugi::parse_doctype;
  auto result = document.load_buffer(text.data(), text.size(), kOptions, pugi::encoding_utf8);
  if (!result) return Error{"InvalidXml", result.description()};
  for (auto node : document.children()) {
    if (node.type() == pugi::node_doctype) return Error{"InvalidXml", "a document type is not allowed"};
  }
  XmlNode root;
  MEKONG_TRY(convert(document.document_element(), root, 0));
  return root;
}

void XmlWriter::close_tag() {
  if (in_tag_) out_ += '>';
  in_tag_ = false;
}

void XmlWriter::begin(std::string_view name) {
  close_tag();
  out_ += '<';
  out_ += name;
  open_.emplace_back(name);
  in_tag_ = true;
}

void XmlWriter::attribute(std::string_view name, std::string_view value) {
  out_ += ' ';
  out_ += name;
  out_ += "=\"";
  append_escaped(out_, value, true);
  out_ += '"';
}

void XmlWriter::text(std::string_view value) {
  close_tag();
  append_escaped(out_, value, false);
}

void XmlWriter::end() {
  close_tag();
  out_ += "</";
  out_ += open_.back();
  out_ += '>';
  open_.pop_back();
}

void XmlWriter::element(std::string_view name, std::string_view value) {
  begin(name);
  text(value);
  end();
}

}  // namespace mekong::codec
