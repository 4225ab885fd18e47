#include "codec/form_data.h"

#include <gtest/gtest.h>

namespace mekong::codec {
namespace {

const std::string good =
    "--b\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\nuser/x\r\n"
    "--b\r\ncontent-type: text/plain\r\ncontent-disposition: form-data; name=note\r\n\r\n\r\n"
    "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"C:\\a \\\"b\\\".txt\"\r\n"
    "Content-Type: text/plain\r\n\r\nfirst\r\n--\r\n-b\r\nlast\r\n--b--\r\nepilogue";

struct Read {
  std::string code, file, filename;
  std::vector<std::pair<std::string, std::string>> fields;
  bool done = false;
};

Read read_in(const std::string& body, size_t piece_bytes, size_t max = 1000) {
  FormReader reader("b", max);
  Read out;
  for (size_t at = 0; at < body.size(); at += piece_bytes) {
    if (auto added = reader.add(body.substr(at, piece_bytes)); !added.ok()) {
      out.code = added.error().code;
      return out;
    }
    out.file += reader.take_file();
  }
  out.fields = reader.fields();
  out.filename = reader.filename();
  out.done = reader.done();
  return out;
}

TEST(FormReader, fields_and_a_file_in_pieces_of_every_size) {
  for (size_t bytes = 1; bytes <= good.size(); ++bytes) {
    const Read read = read_in(good, bytes);
    EXPECT_EQ(read.code, "");
    EXPECT_EQ(read.fields,
              (std::vector<std::pair<std::string, std::string>>{{"key", "user/x"}, {"note", ""}}));
    EXPECT_EQ(read.filename, "C:\\a \"b\".txt");
    EXPECT_EQ(read.file, "first\r\n--\r\n-b\r\nlast") << bytes;
    EXPECT_TRUE(read.done);
  }
}

TEST(FormReader, a_cut_form_is_not_done) {
  const std::string whole = good.substr(0, good.find("\r\n--b--"));
  for (size_t bytes = 0; bytes < whole.size(); ++bytes) {
    EXPECT_FALSE(read_in(whole.substr(0, bytes), 7).done) << bytes;
  }
}

TEST(FormReader, what_is_no_form_is_refused) {
  const std::string head = "Content-Disposition: form-data; name=\"k\"\r\n\r\n";
  for (const std::string& body : {std::string("x"), std::string("--c\r\n"), "--bb" + head, "--b" + head,
                                  std::string("--b\r\nContent-Type: text/plain\r\n\r\nx\r\n--b--"),
                                  std::string("--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--"),
                                  std::string("--b\r\nContent-Disposition: inline; name=k\r\n\r\nx\r\n--b--"),
                                  std::string("--b\r\nContent-Disposition: form-data; name=\"k\r\n\r\n\r\n"),
                                  "--b\r\nContent-Disposition: form-data; name=\"j\"\r\n" + head}) {
    EXPECT_EQ(read_in(body, 3).code, "MalformedPOSTRequest") << body;
  }
}

TEST(FormReader, multipart_form_10k_parts) {
  const std::string part = "--b\r\nContent-Disposition: form-data; name=\"k\"\r\n\r\nv\r\n";
  std::string body;
  for (int i = 0; i < 10'000; ++i) body += part;
  EXPECT_EQ(read_in(body, 8192, 20 << 10).code, "MaxPostPreDataLengthExceeded");
  EXPECT_EQ(read_in("--b\r\n" + std::string(30'000, 'x'), 100, 20 << 10).code,
            "MaxPostPreDataLengthExceeded");
  EXPECT_EQ(read_in(good, 8192, 100).code, "MaxPostPreDataLengthExceeded");
}

TEST(FormReader, a_form_may_end_without_a_file) {
  FormReader reader("b", 1000);
  ASSERT_TRUE(reader.add("--b--\r\n").ok());
  EXPECT_TRUE(reader.done());
  EXPECT_FALSE(reader.has_file());
}

TEST(FormReader, boundaries_of_content_types) {
  EXPECT_EQ(form_boundary("multipart/form-data; boundary=abc"), "abc");
  EXPECT_EQ(form_boundary("Multipart/Form-Data; charset=utf-8; Boundary=\"a b\""), "a b");
  EXPECT_EQ(form_boundary("multipart/form-data; boundary="), std::nullopt);
  EXPECT_EQ(form_boundary("multipart/form-data"), std::nullopt);
  EXPECT_EQ(form_boundary("text/plain; boundary=abc"), std::nullopt);
  EXPECT_EQ(form_boundary("multipart/form-data; boundary=" + std::string(71, 'x')), std::nullopt);
}

}  // namespace
}  // namespace mekong::codec
