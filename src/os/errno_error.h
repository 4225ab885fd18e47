// The Error of a failed system call: the code is errno's name ("ENOENT"), the message says what was tried.
#pragma once
#include <string_view>

#include "base/result.h"

namespace mekong::os {

Error errno_error(int number, std::string_view call, std::string_view subject);

}  // namespace mekong::os
