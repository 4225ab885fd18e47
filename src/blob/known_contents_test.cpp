#include "blob/known_contents.h"

#include <gtest/gtest.h>

namespace mekong::blob {
namespace {

KnownContents::Content content(size_t bytes) {
  return std::make_shared<const std::string>(bytes, 'c');
}

TEST(KnownContents, the_longest_unused_make_room) {
  KnownContents known(10'000);
  for (const char* id : {"a", "b", "c"}) known.keep(id, content(3'000));
  EXPECT_NE(known.find("a"), nullptr);
  known.keep("d", content(3'000));
  EXPECT_EQ(known.find("b"), nullptr);
  for (const char* id : {"a", "c", "d"}) EXPECT_EQ(known.find(id)->size(), 3'000u);
  EXPECT_LE(known.bytes(), 10'000u);
}

TEST(KnownContents, what_is_larger_than_all_is_not_kept) {
  KnownContents known(10'000);
  known.keep("a", content(20'000));
  EXPECT_EQ(known.find("a"), nullptr);
  EXPECT_EQ(known.bytes(), 0u);
  known.keep("b", content(10));
  known.keep("b", content(20));  // two read it at once: the same
  EXPECT_EQ(known.find("b")->size(), 10u);
  known.forget("b");
  known.forget("b");
  EXPECT_EQ(known.find("b"), nullptr);
  EXPECT_EQ(known.bytes(), 0u);
}

}  // namespace
}  // namespace mekong::blob
