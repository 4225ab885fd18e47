// What this process lets others see of itself.
#pragma once
#include "base/result.h"

namespace mekong::os {

// No core is ever written of it, into a file or to a program, and nobody without root's rights reads its
// memory, environment or descriptors: they hold keys. What it starts is not concerned. Errors: errno's names.
Status keep_memory_private();

}  // namespace mekong::os
