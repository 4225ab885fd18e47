// The watches of a store: shared by every implementation, so that they cannot differ.
#pragma once
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "meta/store.h"

namespace mekong::meta {

// One commit's changes, gathered while it is evaluated, told once it is durable.
struct FamilyChange {
  std::string family;
  Change change;
};

class Watchers {
 public:
  Watchers();
  ~Watchers();
  std::unique_ptr<Watch> add(std::string family, std::string prefix,
                             std::function<void(std::span<const Change>)> seen);
  // Whether changes of this key are to be gathered. Any thread.
  bool wants(std::string_view family, std::string_view key) const;
  // One thread at a time, in the order of commits.
  void tell(std::span<const FamilyChange> commit);

 private:
  struct State;
  class Held;
  std::shared_ptr<State> state_;
};

}  // namespace mekong::meta
