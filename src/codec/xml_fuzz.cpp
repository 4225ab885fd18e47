// Any bytes as XML: refused, or a tree that is written and read alike.
#include <string>
#include <string_view>

#include "codec/xml.h"

namespace mekong::codec {
namespace {

void write(XmlWriter& out, const XmlNode& node) {
  out.begin(node.name);
  for (const auto& [name, value] : node.attributes) out.attribute(name, value);
  out.text(node.text);
  for (const auto& child : node.children) write(out, child);
  out.end();
}

std::string written(const XmlNode& node) {
  std::string out;
  XmlWriter writer(out);
  write(writer, node);
  return out;
}

}  // namespace
}  // namespace mekong::codec

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size_bytes) {
  using namespace mekong::codec;
  const auto root = parse_xml(std::string_view(reinterpret_cast<const char*>(data), size_bytes));
  if (!root.ok()) return 0;
  const auto first = written(*root);
  const auto again = parse_xml(first);
  if (!again.ok() || written(*again) != first) __builtin_trap();
  return 0;
}
