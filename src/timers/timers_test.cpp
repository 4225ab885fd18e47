#include "timers/timers.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <future>
#include <random>
#include <set>
#include <tuple>

#include "meta/full_disk.h"
#include "timers/service_clock.h"

namespace mekong::timers {
namespace {

class Quiet final : public Logger {
 public:
  void write(Level, std::string_view, std::string_view, std::initializer_list<LogField>) override {}
};

constexpr int64_t hour_ms = 3'600'000;

struct Timing : ::testing::Test {
  Timing() : wall(1'000'000), clock(wall), meta(meta::make_memory_store()) { reopen(); }

  void reopen() {
    timers = std::move(Timers::open(*meta, clock, logger).value());
    timers->handle("test", [this](const Timer& timer, Change& change) { return on_timer(timer, change); });
    service_clock = std::make_unique<ServiceClock>(*meta, clock, *timers, nullptr);
  }

  Status on_timer(const Timer& timer, Change& change) {
    if (handler) return handler(timer, change);
    change.after([this, id = timer.id] { fired.push_back(id); });
    return ok();
  }

  void schedule(std::string id, int64_t due_ms, std::string payload = "") {
    Change change;
    change.schedule({"test", std::move(id), due_ms, std::move(payload)});
    ASSERT_TRUE(timers->commit(std::move(change)).ok());
  }

  Quiet logger;
  os::ManualClock wall;
  os::MovableClock clock;
  std::unique_ptr<meta::Store> meta;
  std::unique_ptr<Timers> timers;
  std::unique_ptr<ServiceClock> service_clock;
  Handler handler;
  std::vector<std::string> fired;
};

// What was looked at before does not hide what comes to lie before it.
TEST_F(Timing, ATimerOfThePastFiresAfterLaterOnesWereSeen) {
  schedule("far", 9'000'000);
  ASSERT_TRUE(timers->fire_due().ok());
  ASSERT_EQ(timers->next_due_ms().value(), 9'000'000);
  schedule("near", 1'000'000);
  schedule("past", 5);
  EXPECT_EQ(timers->next_due_ms().value(), 5);
  EXPECT_EQ(timers->owed().value(), 2);
  ASSERT_TRUE(timers->fire_due().ok());
  EXPECT_EQ(fired, (std::vector<std::string>{"past", "near"}));
  EXPECT_EQ(timers->next_due_ms().value(), 9'000'000);
}

// Calls `before` between the making of a batch and its being there.
class Slow final : public meta::ForwardingStore {
 public:
  Slow(meta::Store& inner, std::function<void()> before)
      : ForwardingStore(inner), before_(std::move(before)) {}
  Future<Status> commit(meta::Batch batch) override {
    before_();
    return ForwardingStore::commit(std::move(batch));
  }

 private:
  const std::function<void()> before_;
};

TEST_F(Timing, WhoLooksWhileATimerIsWrittenDoesNotHideIt) {
  schedule("far", 9'000'000);
  schedule("later", 2'000'000);
  Slow slow(*meta, [&] {
    if (timers != nullptr) ASSERT_TRUE(timers->next_due_ms().ok());
  });
  timers = Timers::open(slow, clock, logger).value();
  timers->handle("test", [this](const Timer& timer, Change& change) { return on_timer(timer, change); });
  handler = [&](const Timer& timer, Change& change) {
    fired.push_back(timer.id);
    if (timer.payload == "again") change.schedule({"test", timer.id, 1'500'000, ""});
    return ok();
  };
  schedule("near", 1'000'000, "again");
  EXPECT_EQ(timers->next_due_ms().value(), 1'000'000);
  ASSERT_TRUE(timers->fire_due().ok());
  EXPECT_EQ(timers->next_due_ms().value(), 1'500'000);
  EXPECT_EQ(fired, (std::vector<std::string>{"near"}));
  timers.reset();
}

TEST_F(Timing, FiresInTheOrderOfTimeThenOfScheduling) {
  schedule("late", 1'000'300);
  schedule("tie-1", 1'000'200);
  schedule("tie-0", 1'000'200);
  schedule("first", 1'000'100);
  ASSERT_TRUE(timers->fire_due().ok());
  EXPECT_TRUE(fired.empty());
  wall.advance_ms(200);
  EXPECT_EQ(timers->owed().value(), 3);
  ASSERT_TRUE(timers->fire_due().ok());
  EXPECT_EQ(fired, (std::vector<std::string>{"first", "tie-1", "tie-0"}));
  EXPECT_EQ(timers->owed().value(), 0);
  EXPECT_EQ(timers->next_due_ms().value(), 1'000'300);
}

TEST_F(Timing, ReplacedAndCancelledDoNotFire) {
  schedule("moved", 1'000'100);
  schedule("moved", 1'000'500);
  schedule("gone", 1'000'100);
  Change change;
  change.cancel("test", "gone");
  ASSERT_TRUE(timers->commit(std::move(change)).ok());
  wall.advance_ms(400);
  ASSERT_TRUE(timers->fire_due().ok());
  EXPECT_TRUE(fired.empty());
  EXPECT_EQ(timers->find("test", "moved").value()->due_ms, 1'000'500);
  EXPECT_FALSE(timers->find("test", "gone").value());
  wall.advance_ms(100);
  ASSERT_TRUE(timers->fire_due().ok());
  EXPECT_EQ(fired, std::vector<std::string>{"moved"});
  EXPECT_TRUE(meta->scan(meta_family, {.begin = "d", .end = "e", .after = {}}).value().empty());
}

TEST_F(Timing, WhatWasDueWhileDownFiresAfterwards) {
  schedule("a", 1'000'100, "payload");
  timers.reset();
  wall.advance_ms(10 * hour_ms);
  std::string payload;
  handler = [&](const Timer& timer, Change&) {
    payload = timer.payload;
    return ok();
  };
  reopen();
  ASSERT_TRUE(timers->fire_due().ok());
  EXPECT_EQ(payload, "payload");
}

TEST_F(Timing, TheHandlersWritesAndTheRemovalAreOneBatch) {
  schedule("a", 1'000'000);
  int calls = 0;
  handler = [&](const Timer&, Change& change) {
    ++calls;
    // Somebody else changes the state that the handler read, the first time.
    if (calls == 1) {
      meta::Batch other;
      other.put("state", "k", "1");
      EXPECT_TRUE(meta->commit(std::move(other)).get().ok());
      change.batch.expect_absent("state", "k");
    }
    change.batch.put("state", "fired", std::to_string(calls));
    return ok();
  };
  ASSERT_TRUE(timers->fire_due().ok());
  EXPECT_EQ(calls, 2);
  EXPECT_EQ(meta->get("state", "fired").value(), "2");
  EXPECT_FALSE(timers->next_due_ms().value());
}

TEST_F(Timing, AFailureWaitsAndDoesNotHoldUpOthers) {
  schedule("bad", 1'000'000);
  schedule("good", 1'000'001);
  bool broken = true;
  handler = [&](const Timer& timer, Change& change) -> Status {
    if (timer.id == "bad" && broken) return Error{"Broken", "not now"};
    change.after([this, id = timer.id] { fired.push_back(id); });
    return ok();
  };
  wall.advance_ms(1);
  ASSERT_TRUE(timers->fire_due().ok());
  EXPECT_EQ(fired, std::vector<std::string>{"good"});
  EXPECT_EQ(timers->owed().value(), 1);
  broken = false;
  wall.advance_ms(1000);
  ASSERT_TRUE(timers->fire_due().ok());
  EXPECT_EQ(fired, (std::vector<std::string>{"good", "bad"}));
}

TEST_F(Timing, OnAFullDiskATimerWaitsForRoom) {
  meta::FullDisk disk(*meta, false);
  timers = std::move(Timers::open(disk, clock, logger).value());
  timers->handle("test", [this](const Timer& timer, Change& change) { return on_timer(timer, change); });
  schedule("a", 1'000'000);
  disk.full = true;
  EXPECT_TRUE(timers->fire_due().ok());
  EXPECT_EQ(timers->owed().value(), 1);
  disk.full = false;
  wall.advance_ms(100);
  EXPECT_TRUE(timers->fire_due().ok());
  EXPECT_EQ(fired, std::vector<std::string>{"a"});
}

// Counts the looks at what is due.
class Counted final : public meta::ForwardingStore {
 public:
  using ForwardingStore::ForwardingStore;
  Result<std::vector<meta::KeyValue>> scan(std::string_view family,
                                           const meta::ScanRange& range) const override {
    ++looks;
    return ForwardingStore::scan(family, range);
  }
  mutable std::atomic<int> looks = 0;
};

TEST_F(Timing, WhatWasReplacedWhileItFailedIsNotLookedForAgain) {
  Counted disk(*meta);
  timers = std::move(Timers::open(disk, clock, logger).value());
  std::promise<void> failed;
  timers->handle("test", [&](const Timer& timer, Change&) -> Status {
    schedule(timer.id, 9'000'000);
    failed.set_value();
    return Error{"ConditionFailed", "somebody was faster"};
  });
  schedule("a", 1'000'000);
  timers->start();
  failed.get_future().wait();
  const int before = disk.looks;
  // It looked thousands of times in this while.
  std::mutex mutex;
  std::condition_variable never;
  std::unique_lock lock(mutex);
  never.wait_for(lock, std::chrono::milliseconds(100));
  EXPECT_LT(disk.looks - before, 20);
  timers->stop();
}

TEST_F(Timing, AnAdvanceThatACrashEndsLeavesTheClockRunning) {
  schedule("a", 1'000'100);
  schedule("b", 1'000'200);
  int moments = 0;
  service_clock = std::make_unique<ServiceClock>(*meta, clock, *timers, [&] {
    os::MovableClock after(wall);
    ASSERT_TRUE(restore_clock(*meta, after).ok());
    EXPECT_FALSE(after.state().frozen);
    EXPECT_EQ(after.service_ms(), clock.service_ms());
    ++moments;
  });
  ASSERT_TRUE(service_clock->advance(1000).ok());
  EXPECT_EQ(moments, 2);
  // Nor does it go on for a server that stops.
  schedule("c", 1'002'000);
  timers->stop();
  EXPECT_EQ(service_clock->advance(5000).error().code, "Cancelled");
}

TEST_F(Timing, AMonthOfHourlyTimersPassesInOrder) {
  std::vector<std::pair<std::string, int64_t>> seen;
  handler = [&](const Timer& timer, Change& change) {
    seen.emplace_back(timer.id, clock.service_ms());
    change.schedule({"test", timer.id, timer.due_ms + hour_ms, ""});
    return ok();
  };
  schedule("x", 1'000'000 + hour_ms);
  schedule("y", 1'000'000 + hour_ms + 1);
  auto reading = service_clock->advance(30 * 24 * hour_ms + 5);
  ASSERT_TRUE(reading.ok());
  EXPECT_EQ(reading->service_ms, 1'000'000 + 30 * 24 * hour_ms + 5);
  EXPECT_FALSE(reading->frozen);
  ASSERT_EQ(seen.size(), 2U * 30 * 24);
  for (size_t i = 0; i < seen.size(); ++i) {
    EXPECT_EQ(seen[i].first, i % 2 == 0 ? "x" : "y");
    EXPECT_EQ(seen[i].second, static_cast<int64_t>(1'000'000 + (i / 2 + 1) * hour_ms + i % 2));
  }
}

TEST_F(Timing, TheClockIsKeptAndNeverGoesBack) {
  ASSERT_TRUE(service_clock->advance(hour_ms).ok());
  ASSERT_TRUE(service_clock->freeze().ok());
  wall.advance_ms(500);
  os::MovableClock again(wall);
  ASSERT_TRUE(restore_clock(*meta, again).ok());
  EXPECT_EQ(again.service_ms(), 1'000'000 + hour_ms);
  ASSERT_TRUE(service_clock->resume().ok());
  wall.advance_ms(500);
  EXPECT_EQ(clock.service_ms(), 1'000'500 + hour_ms);
  wall.advance_ms(-400);
  EXPECT_EQ(clock.service_ms(), 1'000'500 + hour_ms);
  EXPECT_EQ(service_clock->advance(-1).error().code, "InvalidArgument");
  os::MovableClock third(wall);
  ASSERT_TRUE(restore_clock(*meta, third).ok());
  EXPECT_EQ(third.service_ms(), 1'000'100 + hour_ms);
}

TEST_F(Timing, TheThreadFiresWhatIsScheduledForNow) {
  std::promise<std::string> done;
  handler = [&](const Timer& timer, Change& change) {
    change.after([&done, id = timer.id] { done.set_value(id); });
    return ok();
  };
  timers->start();
  schedule("now", 1'000'000);
  EXPECT_EQ(done.get_future().get(), "now");
  timers->stop();
}

// Random schedules, replacements, cancels and moves of the clock against a plain map.
TEST_F(Timing, RandomLivesAgreeWithAModel) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  struct Entry {
    int64_t due_ms;
    int order;
    std::string id;
    bool operator<(const Entry& other) const {
      return std::tie(due_ms, order) < std::tie(other.due_ms, other.order);
    }
  };
  std::set<Entry> model;
  const auto forget = [&](const std::string& id) {
    std::erase_if(model, [&](const Entry& entry) { return entry.id == id; });
  };
  for (int round = 0; round < 3000; ++round) {
    const std::string id = std::to_string(random() % 40);
    const unsigned what = random() % 10;
    if (what < 6) {
      const int64_t due_ms = clock.service_ms() + random() % 50;
      forget(id);
      model.insert({due_ms, round, id});
      schedule(id, due_ms);
    } else if (what < 8) {
      forget(id);
      Change change;
      change.cancel("test", id);
      ASSERT_TRUE(timers->commit(std::move(change)).ok());
    } else {
      std::vector<std::string> expected;
      fired.clear();
      if (what == 8) {
        ASSERT_TRUE(service_clock->advance(random() % 30).ok());
      } else {
        reopen();
        wall.advance_ms(random() % 30);
        ASSERT_TRUE(timers->fire_due().ok());
      }
      while (!model.empty() && model.begin()->due_ms <= clock.service_ms()) {
        expected.push_back(model.begin()->id);
        model.erase(model.begin());
      }
      ASSERT_EQ(fired, expected) << "round " << round;
    }
  }
}

}  // namespace
}  // namespace mekong::timers
