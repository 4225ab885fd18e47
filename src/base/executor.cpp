#include "base/executor.h"

namespace mekong {
namespace {
thread_local Executor* current_executor = nullptr;
}

Executor* Executor::current() {
  return current_executor;
}
Executor::Scope::Scope(Executor* executor) : before_(current_executor) {
  current_executor = executor;
}
Executor::Scope::~Scope() {
  current_executor = before_;
}

}  // namespace mekong
