#include "base/task.h"

#include <gtest/gtest.h>

#include <stdexcept>

#include "base/thread_pool.h"

namespace mekong {
namespace {

Task<int> twice(Future<int> future) {
  int value = co_await future;
  co_return 2 * value;
}

TEST(TaskTest, awaits_a_value_set_from_another_thread) {
  ThreadPool pool("test", 1);
  Promise<int> promise;
  pool.post([promise] { promise.set(21); });
  EXPECT_EQ(sync_wait(twice(promise.future())), 42);
}

TEST(TaskTest, resumes_on_the_executor_it_suspended_on) {
  ThreadPool pool("test", 1);
  Promise<int> value;
  Promise<bool> same;
  auto body = [](ThreadPool& pool, Future<int> future, Promise<bool> same) -> Task<void> {
    co_await future;
    same.set(Executor::current() == &pool);
  };
  spawn(pool, body(pool, value.future(), same));
  value.set(1);
  EXPECT_TRUE(same.future().get());
}

TEST(TaskTest, the_second_set_loses) {
  Promise<int> promise;
  promise.set(1);
  promise.set(2);
  EXPECT_EQ(promise.future().get(), 1);
}

Task<int> fails() {
  throw std::runtime_error("lost");
  co_return 0;
}

Task<int> catches() {
  int caught = 0;
  try {
    caught = co_await fails();
  } catch (const std::runtime_error&) {
    caught = 7;
  }
  co_return caught;
}

TEST(TaskTest, an_exception_reaches_the_awaiting_parent) {
  EXPECT_EQ(sync_wait(catches()), 7);
}

}  // namespace
}  // namespace mekong
