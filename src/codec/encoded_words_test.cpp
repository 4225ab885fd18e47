#include "codec/encoded_words.h"

#include <gtest/gtest.h>

namespace mekong::codec {
namespace {

TEST(EncodedWords, AsciiStaysAsItIs) {
  for (const char* text :
       {"", "plain text", "=?", "a=?UTF-8?B?", "=?UTF-8?B?!?=", "=?klingon?B?YQ==?=", "=?UTF-8?Q?=zz?="})
    EXPECT_EQ(decode_words(text), text);
  EXPECT_EQ(encode_words("plain text"), "plain text");
}

TEST(EncodedWords, BothCodingsAndThreeCharsets) {
  EXPECT_EQ(decode_words("=?UTF-8?B?w4RNw4Ra?="), "ÄMÄZ");
  EXPECT_EQ(decode_words("=?utf-8?q?a_=C3=84?= b"), "a Ä b");
  EXPECT_EQ(decode_words("=?ISO-8859-1?Q?=C4?="), "Ä");
  EXPECT_EQ(decode_words("=?US-ASCII?Q?x?="), "x");
}

TEST(EncodedWords, SpaceBetweenWordsGoes) {
  EXPECT_EQ(decode_words("=?UTF-8?Q?a?=  =?UTF-8?Q?b?= c "), "ab c ");
}

TEST(EncodedWords, WhatIsEncodedIsReadBack) {
  for (const char* text : {"ÄMÄZÕÑ S3", "日本語", "tab\there"})
    EXPECT_EQ(decode_words(encode_words(text)), text);
}

// The example of https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html: raw bytes in a
// header are ISO-8859-1, whatever the client meant.
TEST(EncodedWords, RawBytesAreLatin1AsS3TakesThem) {
  EXPECT_EQ(encode_words(decode_words("ÄMÄZÕÑ S3")), "=?UTF-8?B?w4PChE3Dg8KEWsODwpXDg8KRIFMz?=");
}

}  // namespace
}  // namespace mekong::codec
