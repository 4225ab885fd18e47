#include "os/errno_error.h"

#include <cstring>

namespace mekong::os {

Error errno_error(int number, std::string_view call, std::string_view subject) {
  const char* name = strerrorname_np(number);
  char text[256];
  const char* why = strerror_r(number, text, sizeof(text));
  return Error{name != nullptr ? name : "EUNKNOWN",
               std::string(call) + " " + std::string(subject) + ": " + why};
}

}  // namespace mekong::os
