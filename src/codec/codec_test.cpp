#include <gtest/gtest.h>

#include "codec/hash.h"
#include "codec/json.h"
#include "codec/text.h"
#include "codec/time.h"
#include "codec/xml.h"

namespace mekong::codec {
namespace {

TEST(Json, ReadsWhatItWrites) {
  constexpr auto kText = R"({"a":[1,-2.5,true,null,"x\"\n\u0001é"],"b":{"c":{}}})";
  auto json = parse_json(kText);
  ASSERT_TRUE(json.ok());
  EXPECT_EQ(json->dump(), kText);
  EXPECT_EQ(json->find("a")->array[0].integer, 1);
  EXPECT_EQ(json->find("zzz"), nullptr);
}

TEST(Json, RefusesWhatIsNotOneDocument) {
  for (auto text : {"", "{", "{}x", "[1,]", "'a'", "nan"}) EXPECT_FALSE(parse_json(text).ok()) << text;
  EXPECT_FALSE(parse_json(std::string(100'000, '[')).ok());
}

TEST(Text, Base64) {
  for (std::string text : {"", "f", "fo", "foo", "foob", "\xff\xfe\xfd"}) {
    EXPECT_EQ(base64_decode(base64_encode(text)), text);
  }
  EXPECT_EQ(base64_encode("foobar"), "Zm9vYmFy");
  for (auto bad : {"Zg", "Zg=", "Z===", "Zm9v!mFy", "=Zm9"}) EXPECT_FALSE(base64_decode(bad)) << bad;
}

TEST(Text, PercentCoding) {
  EXPECT_EQ(percent_encode("a b/ü~"), "a%20b%2F%C3%BC~");
  EXPECT_EQ(percent_encode("a/b", true), "a/b");
  EXPECT_EQ(percent_decode("a%20b+c"), "a b+c");
  EXPECT_EQ(percent_decode("a+b", true), "a b");
  EXPECT_FALSE(percent_decode("%2"));
  EXPECT_FALSE(percent_decode("%zz"));
  auto query = parse_query("a=1&b&c=x%3Dy&&a=2", true);
  ASSERT_TRUE(query);
  ASSERT_EQ(query->size(), 4u);
  EXPECT_EQ((*query)[2].second, "x=y");
}

TEST(Hash, KnownDigests) {
  EXPECT_EQ(hex_encode(sha256("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(hex_encode(md5("abc")), "900150983cd24fb0d6963f7d28e17f72");
  EXPECT_EQ(crc32("123456789"), 0xcbf43926u);
  Hasher hasher(Hasher::Algorithm::sha256);
  hasher.update("a");
  hasher.update("bc");
  EXPECT_EQ(hasher.finish(), sha256("abc"));
  EXPECT_EQ(hex_encode(hmac_sha256("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST(Time, FormatsAndParses) {
  constexpr int64_t kMs = 1'767'323'045'678;
  EXPECT_EQ(format_iso8601(kMs), "2026-01-02T03:04:05.678Z");
  EXPECT_EQ(format_iso8601(kMs - 678), "2026-01-02T03:04:05Z");
  EXPECT_EQ(format_rfc822(kMs), "Fri, 02 Jan 2026 03:04:05 GMT");
  EXPECT_EQ(format_amz_date(kMs), "20260102T030405Z");
  EXPECT_EQ(format_epoch_seconds(kMs), "1767323045.678");
  EXPECT_EQ(format_epoch_seconds(-500), "-0.5");
  EXPECT_EQ(parse_iso8601("2026-01-02T10:04:05.678+07:00"), kMs);
  EXPECT_EQ(parse_iso8601(format_iso8601(kMs)), kMs);
  EXPECT_EQ(parse_rfc822(format_rfc822(kMs)), kMs - 678);
  EXPECT_EQ(parse_amz_date("20260102T030405Z"), kMs - 678);
  EXPECT_EQ(parse_epoch_seconds("1767323045.678"), kMs);
  EXPECT_EQ(format_iso8601(-1000), "1969-12-31T23:59:59Z");
  for (auto bad : {"", "2026-13-02T03:04:05Z", "2026-01-02T03:04:05", "2026-01-02"}) {
    EXPECT_FALSE(parse_iso8601(bad)) << bad;
  }
}

TEST(Xml, WritesAndReads) {
  std::string out;
  XmlWriter writer(out);
  writer.begin("A");
  writer.attribute("xmlns:xsi", "u\"");
  writer.element("B", "x<&>\r\n y ");
  writer.element("Empty", "");
  writer.end();
  EXPECT_EQ(out, "<A xmlns:xsi=\"u&quot;\"><B>x&lt;&amp;&gt;&#xD;\n y </B><Empty></Empty></A>");
  auto root = parse_xml(out);
  ASSERT_TRUE(root.ok());
  EXPECT_EQ(root->child("B")->text, "x<&>\r\n y ");
  EXPECT_EQ(*root->attribute("xmlns:xsi"), "u\"");
}

TEST(Xml, RefusesDocumentTypesAndRubbish) {
  EXPECT_FALSE(parse_xml("<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>").ok());
  EXPECT_FALSE(parse_xml("<a><b></a>").ok());
  EXPECT_FALSE(parse_xml("").ok());
  EXPECT_FALSE(parse_xml("<a><b:/></a>").ok());
  EXPECT_FALSE(parse_xml("<a><?b/></a>").ok());
  EXPECT_FALSE(parse_xml("<a 1=\"x\"/>").ok());
  EXPECT_TRUE(parse_xml("<a:b-c.d_1 e:f=\"x\"/>").ok());
}

TEST(Json, WritesLargeNumbersThatAreReadBack) {
  const auto read = parse_json("[211111111111111111111.5, 1e15, 12.0, 1e300, -0.0, 0.0]");
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->dump(), "[211111111111111114752.0,1e+15,12,1e+300,-0.0,0]");
  EXPECT_EQ(parse_json(read->dump())->dump(), read->dump());
}

}  // namespace
}  // namespace mekong::codec
