#include <simdjson.h>

#include "codec/text.h"

namespace mekong::codec {

bool valid_utf8(std::string_view text) {
  return simdjson::validate_utf8(text.data(), text.size());
}

}  // namespace mekong::codec
