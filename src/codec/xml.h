// XML without namespaces resolved: a tree for reading (parsed by pugixml) and a writer that appends.
#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace mekong::codec {

struct XmlNode {
  std::string name;                                             // without its prefix
  std::vector<std::pair<std::string, std::string>> attributes;  // names as written: "xsi:type"
  std::string text;                                             // all character data directly inside
  std::vector<XmlNode> children;

  const XmlNode* child(std::string_view child_name) const;  // the first, or null
  const std::string* attribute(std::string_view attribute_name) const;
};

// The root element. Errors: "InvalidXml". Document types, entities of one's own and what is not UTF-8 are
// refused.
Result<XmlNode> parse_xml(std::string_view text);

class XmlWriter {
 public:
  explicit XmlWriter(std::string& out) : out_(out) {}
  void declaration() { out_ += "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"; }
  // An element is open for attributes until its first content.
  void begin(std::string_view name);
  void attribute(std::string_view name, std::string_view value);
  void text(std::string_view value);
  void end();
  void element(std::string_view name, std::string_view value);

 private:
  void close_tag();
  std::string& out_;
  std::vector<std::string> open_;
  bool in_tag_ = false;
};

}  // namespace mekong::codec
