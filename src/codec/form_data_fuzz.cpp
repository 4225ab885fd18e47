// Any bytes as a browser's form, in pieces of a size that the first byte chooses: what is read does not hang
// on the pieces, and no more is kept of fields than may be.
#include <cstdint>

#include "codec/form_data.h"

namespace mekong::codec {
namespace {

constexpr size_t fields_bytes_max = 4'096;

struct Read {
  std::string error, file, filename;
  std::vector<std::pair<std::string, std::string>> fields;
  bool operator==(const Read&) const = default;
};

Read read(std::string_view bytes, size_t piece_bytes) {
  FormReader form("B", fields_bytes_max);
  Read out;
  while (!bytes.empty() && out.error.empty() && !form.done()) {
    const auto piece = bytes.substr(0, piece_bytes);
    bytes.remove_prefix(piece.size());
    const auto added = form.add(piece);
    if (!added.ok()) out.error = added.error().code;
    out.file += form.take_file();
  }
  if (!out.error.empty()) return {.error = "refused"};  // which rule it broke first is a matter of pieces
  out.fields = form.fields();
  out.filename = form.filename();
  return out;
}

}  // namespace
}  // namespace mekong::codec

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size_bytes) {
  using namespace mekong::codec;
  if (size_bytes == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size_bytes - 1);
  const auto whole = read(bytes, bytes.size() + 1), parts = read(bytes, data[0] % 64U + 1);
  size_t kept = 0;
  for (const auto& [name, value] : whole.fields) kept += name.size() + value.size();
  if (kept > fields_bytes_max || whole != parts) __builtin_trap();
  return 0;
}
