#include "codec/encoded_words.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "codec/text.h"

namespace mekong::codec {
namespace {

std::string from_latin1(std::string_view bytes) {
  std::string out;
  for (unsigned char byte : bytes) {
    if (byte < 0x80) {
      out += static_cast<char>(byte);
    } else {
      out += static_cast<char>(0xc0 | byte >> 6);
      out += static_cast<char>(0x80 | (byte & 0x3f));
    }
  }
  return out;
}

std::optional<std::string> unquoted(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '_') {
      out += ' ';
    } else if (text[i] == '=') {
      auto byte = hex_decode(text.substr(i + 1, 2));
      if (!byte || byte->size() != 1) return std::nullopt;
      out += *byte;
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

// "=?charset?B?text?=" at the front of `value`; `size`: its length there.
std::optional<std::string> word_at(std::string_view value, size_t& size) {
  if (!value.starts_with("=?")) return std::nullopt;
  const size_t charset_end = value.find('?', 2);
  if (charset_end == std::string_view::npos || charset_end + 2 >= value.size()) return std::nullopt;
  const size_t text_begin = charset_end + 3;
  if (value[charset_end + 2] != '?') return std::nullopt;
  const size_t text_end = value.find("?=", text_begin);
  if (text_end == std::string_view::npos) return std::nullopt;
  const auto charset = value.substr(2, charset_end - 2);
  const auto text = value.substr(text_begin, text_end - text_begin);
  const char coding = static_cast<char>(value[charset_end + 1] | 0x20);
  auto bytes = coding == 'b' ? base64_decode(text) : coding == 'q' ? unquoted(text) : std::nullopt;
  if (!bytes) return std::nullopt;
  size = text_end + 2;
  if (equal_no_case(charset, "iso-8859-1")) return from_latin1(*bytes);
  const bool known = equal_no_case(charset, "utf-8") || equal_no_case(charset, "us-ascii");
  return known && valid_utf8(*bytes) ? bytes : std::nullopt;
}

}  // namespace

std::string encode_words(std::string_view utf8) {
  if (std::all_of(utf8.begin(), utf8.end(), [](char c) { return c >= 0x20 && c < 0x7f; }))
    return std::string(utf8);
  return "=?UTF-8?B?" + base64_encode(utf8) + "?=";
}

std::string decode_words(std::string_view value) {
  std::string out;
  std::string_view between;  // after a word: white space that counts only if no word follows
  bool after_word = false;
  while (!value.empty()) {
    size_t size = 0;
    if (auto word = word_at(value, size)) {
      out += *word;
      value.remove_prefix(size);
      const size_t text = std::min(value.find_first_not_of(" \t"), value.size());
      between = value.substr(0, text);
      value.remove_prefix(text);
      after_word = true;
      continue;
    }
    if (after_word) out += between;
    after_word = false;
    between = {};
    out += from_latin1(value.substr(0, 1));
    value.remove_prefix(1);
  }
  return out + std::string(after_word ? between : std::string_view());
}

}  // namespace mekong::codec
