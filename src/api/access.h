// The accessors that generated tables point at, one a C++ type. Included by generated code only.
#pragma once
#include <string>

#include "api/shape.h"

namespace mekong::api {

// F: std::optional<T> or Box<T>.
template <class F>
inline constexpr Access optional_access = {
    [](const void* field) -> const void* {
      const F& value = *static_cast<const F*>(field);
      return value.has_value() ? static_cast<const void*>(&*value) : nullptr;
    },
    [](void* field) -> void* { return &static_cast<F*>(field)->emplace(); },
};

template <class L>
inline constexpr ListAccess list_access = {
    [](const void* list) { return static_cast<const L*>(list)->size(); },
    [](const void* list, size_t index) -> const void* { return &(*static_cast<const L*>(list))[index]; },
    [](void* list) -> void* { return &static_cast<L*>(list)->emplace_back(); },
};

template <class M>
inline constexpr MapAccess map_access = {
    [](const void* map) { return static_cast<const M*>(map)->size(); },
    [](const void* map, void* context, void (*visit)(void*, const std::string&, const void*)) {
      for (const auto& [key, value] : *static_cast<const M*>(map)) visit(context, key, &value);
    },
    [](void* map, const std::string& key) -> void* { return &(*static_cast<M*>(map))[key]; },
};

}  // namespace mekong::api
