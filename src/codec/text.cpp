#include "codec/text.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace mekong::codec {
namespace {

constexpr size_t usual_pairs = 32;

constexpr char kBase64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// The value of a character, shifted to its place in a group of four; kNoBase64 for what is none. Four
// tables, so that a group costs four loads and three ors.
constexpr uint32_t kNoBase64 = 0x01000000;
using Base64Table = std::array<uint32_t, 256>;
constexpr Base64Table make_base64_table(int shift) {
  Base64Table table{};
  for (auto& entry : table) entry = kNoBase64;
  for (uint32_t i = 0; i < 64; ++i) table[static_cast<uint8_t>(kBase64[i])] = i << shift;
  return table;
}
constexpr Base64Table kBase64Places[] = {make_base64_table(18), make_base64_table(12), make_base64_table(6),
                                         make_base64_table(0)};

uint32_t base64_group(const char* text) {
  return kBase64Places[0][static_cast<uint8_t>(text[0])] | kBase64Places[1][static_cast<uint8_t>(text[1])] |
         kBase64Places[2][static_cast<uint8_t>(text[2])] | kBase64Places[3][static_cast<uint8_t>(text[3])];
}

void put_group(uint32_t group, char* out) {
  out[0] = static_cast<char>(group >> 16);
  out[1] = static_cast<char>(group >> 8);
  out[2] = static_cast<char>(group);
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

constexpr std::array<bool, 256> make_unreserved() {
  std::array<bool, 256> table{};
  for (int c = 0; c < 256; ++c) {
    table[static_cast<size_t>(c)] = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                                    (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
  }
  return table;
}
constexpr std::array<bool, 256> kUnreserved = make_unreserved();

bool unreserved(char c) {
  return kUnreserved[static_cast<uint8_t>(c)];
}

}  // namespace

std::string hex_encode(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out(bytes.size() * 2, '\0');
  char* to = out.data();
  for (const unsigned char c : bytes) {
    *to++ = kDigits[c >> 4];
    *to++ = kDigits[c & 15];
  }
  return out;
}

std::optional<std::string> hex_decode(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  std::string out;
  out.reserve(text.size() / 2);
  for (size_t i = 0; i < text.size(); i += 2) {
    int high = hex_digit(text[i]), low = hex_digit(text[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    out += static_cast<char>(high * 16 + low);
  }
  return out;
}

std::string base64_encode(std::string_view bytes) {
  std::string out((bytes.size() + 2) / 3 * 4, '=');
  char* to = out.data();
  size_t i = 0;
  auto byte = [&](size_t at) { return static_cast<uint32_t>(static_cast<uint8_t>(bytes[at])); };
  for (; i + 3 <= bytes.size(); i += 3, to += 4) {
    uint32_t group = byte(i) << 16 | byte(i + 1) << 8 | byte(i + 2);
    to[0] = kBase64[group >> 18];
    to[1] = kBase64[group >> 12 & 63];
    to[2] = kBase64[group >> 6 & 63];
    to[3] = kBase64[group & 63];
  }
  if (i < bytes.size()) {
    bool two = i + 2 == bytes.size();
    uint32_t group = byte(i) << 16 | (two ? byte(i + 1) << 8 : 0);
    to[0] = kBase64[group >> 18];
    to[1] = kBase64[group >> 12 & 63];
    if (two) to[2] = kBase64[group >> 6 & 63];
  }
  return out;
}

std::optional<std::string> base64_decode(std::string_view text) {
  std::string out;
  return base64_decode_to(text, out) ? std::optional(std::move(out)) : std::nullopt;
}

bool base64_decode_to(std::string_view text, std::string& out) {
  if (text.size() % 4 != 0) return false;
  const size_t padding = text.ends_with("==") ? 2 : text.ends_with("=") ? 1 : 0;
  const size_t whole = padding == 0 ? text.size() : text.size() - 4;
  out.resize(text.size() / 4 * 3 - padding);
  uint32_t seen = 0;
  char* to = out.data();
  for (size_t i = 0; i < whole; i += 4, to += 3) {
    const uint32_t group = base64_group(text.data() + i);
    seen |= group;
    put_group(group, to);
  }
  if (padding > 0) {
    char last[4] = {text[whole], text[whole + 1], padding == 1 ? text[whole + 2] : 'A', 'A'};
    const uint32_t group = base64_group(last);
    seen |= group;
    char bytes[3];
    put_group(group, bytes);
    for (size_t i = 0; i < 3 - padding; ++i) to[i] = bytes[i];
  }
  return (seen & kNoBase64) == 0;
}

std::string percent_encode(std::string_view text, bool keep_slash) {
  std::string out;
  out.reserve(text.size());
  percent_encode_to(text, keep_slash, out);
  return out;
}

// In runs: most of what comes needs no coding.
void percent_encode_to(std::string_view text, bool keep_slash, std::string& out) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  size_t plain = 0;  // where what was not copied yet begins
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (unreserved(c) || (keep_slash && c == '/')) continue;
    out.append(text, plain, i - plain);
    const char coded[] = {'%', kDigits[static_cast<uint8_t>(c) >> 4], kDigits[static_cast<uint8_t>(c) & 15]};
    out.append(coded, sizeof(coded));
    plain = i + 1;
  }
  out.append(text, plain);
}

std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space) {
  // Most of what comes has nothing to decode.
  const size_t first = std::min({text.find('%'), plus_is_space ? text.find('+') : text.npos, text.size()});
  std::string out(text.substr(0, first));
  if (first == text.size()) return out;
  out.reserve(text.size());
  for (size_t i = first; i < text.size(); ++i) {
    if (text[i] == '%') {
      if (i + 2 >= text.size()) return std::nullopt;
      const int high = hex_digit(text[i + 1]), low = hex_digit(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      out += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      out += plus_is_space && text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

std::optional<std::vector<std::pair<std::string, std::string>>> parse_query(std::string_view text,
                                                                            bool plus_is_space) {
  std::vector<std::pair<std::string, std::string>> out;
  // No more than is usual: of '&' alone there may be millions.
  if (!text.empty()) out.reserve(std::min<size_t>(usual_pairs, std::ranges::count(text, '&') + 1));
  while (!text.empty()) {
    auto part = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(text.size(), part.size() + 1));
    if (part.empty()) continue;
    auto equals = part.find('=');
    auto name = percent_decode(part.substr(0, equals), plus_is_space);
    auto value = equals == std::string_view::npos ? std::optional<std::string>("")
                                                  : percent_decode(part.substr(equals + 1), plus_is_space);
    if (!name || !value) return std::nullopt;
    out.emplace_back(std::move(*name), std::move(*value));
  }
  return out;
}

std::string lower_case(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = lower(c);
  return out;
}

bool equal_no_case(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (lower(a[i]) != lower(b[i])) return false;
  }
  return true;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

}  // namespace mekong::codec
