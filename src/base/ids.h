// Distinct types for what would otherwise all be strings and integers.
#pragma once
#include <compare>
#include <cstdint>
#include <functional>
#include <string>

namespace mekong {

template <class Tag, class T>
struct Id {
  T value{};
  Id() = default;
  explicit Id(T v) : value(std::move(v)) {}
  auto operator<=>(const Id&) const = default;
};

using AccountId = Id<struct AccountIdTag, std::string>;  // 12 digits
using Region = Id<struct RegionTag, std::string>;        // e.g. us-east-1

// A service keeps its state by account and region, as AWS does.
struct Scope {
  AccountId account;
  Region region;
  auto operator<=>(const Scope&) const = default;
};

}  // namespace mekong

template <class Tag, class T>
struct std::hash<mekong::Id<Tag, T>> {
  size_t operator()(const mekong::Id<Tag, T>& id) const { return std::hash<T>()(id.value); }
};
