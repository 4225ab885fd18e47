// RFC 2047's encoded words: text that is not ASCII in the value of a header.
#pragma once
#include <string>
#include <string_view>

namespace mekong::codec {

// `utf8` as it is where it is printable ASCII, else as one word "=?UTF-8?B?…?=".
std::string encode_words(std::string_view utf8);

// A header's value as UTF-8: words in UTF-8, US-ASCII or ISO-8859-1 are decoded (white space between two of
// them goes), bytes outside of them are ISO-8859-1. What is not a correct word stays as it is.
std::string decode_words(std::string_view value);

}  // namespace mekong::codec
