#include "app/log_book.h"

#include <gtest/gtest.h>

#include "app/stderr_logger.h"
#include "codec/json.h"
#include "os/clock.h"

namespace mekong::app {
namespace {

using Lines = std::vector<std::string>;

TEST(LogBook, KeepsTheLastLines) {
  LogBook book(3);
  for (const char* line : {"a", "b", "c", "d"}) book.add(line);
  EXPECT_EQ(book.after(0, 10, false).lines, (Lines{"b", "c", "d"}));
  EXPECT_EQ(book.after(0, 10, false).next, 4);
  EXPECT_EQ(book.after(0, 2, true).lines, (Lines{"c", "d"}));
  EXPECT_EQ(book.after(0, 2, false).lines, (Lines{"b", "c"}));
  EXPECT_EQ(book.after(0, 2, false).next, 3);
  EXPECT_EQ(book.after(3, 10, false).lines, Lines{"d"});
  EXPECT_TRUE(book.after(4, 10, false).lines.empty());
  EXPECT_EQ(book.after(99, 10, false).next, 4);  // of another run of the server
}

TEST(StderrLogger, WritesTextAndJson) {
  os::ManualClock clock{1'767'323'045'678};
  LogBook book;
  StderrLogger text(clock, LogFormat::text, book, -1), json(clock, LogFormat::json, book, -1);
  for (auto* logger : {&text, &json})
    logger->write(Level::warn, "api", "slow request", {{"operation", "Get\"It"}, {"ms", "5.0"}});
  const auto lines = book.after(0, 10, false).lines;
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0], R"(2026-01-02T03:04:05.678Z warn api: slow request operation="Get\"It" ms=5.0)");
  auto parsed = codec::parse_json(lines[1]);
  ASSERT_TRUE(parsed.ok()) << lines[1];
  EXPECT_EQ(parsed->find("time")->string, "2026-01-02T03:04:05.678Z");
  EXPECT_EQ(parsed->find("level")->string, "warn");
  EXPECT_EQ(parsed->find("module")->string, "api");
  EXPECT_EQ(parsed->find("event")->string, "slow request");
  EXPECT_EQ(parsed->find("operation")->string, "Get\"It");
}

}  // namespace
}  // namespace mekong::app
