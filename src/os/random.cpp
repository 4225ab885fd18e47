#include "os/random.h"

#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace mekong::os {

uint64_t Random::next_u64() {
  uint64_t value = 0;
  fill(&value, sizeof(value));
  return value;
}

std::string Random::from_alphabet(std::string_view alphabet, size_t n) {
  // Bytes at or above the largest multiple of the alphabet's size are thrown away, so that no letter is
  // favoured.
  const unsigned limit = 256 - 256 % alphabet.size();
  std::string out;
  while (out.size() < n) {
    unsigned char bytes[64];
    const size_t wanted = std::min(sizeof(bytes), n - out.size());
    fill(bytes, wanted);
    for (size_t i = 0; i < wanted; ++i) {
      if (bytes[i] < limit) out.push_back(alphabet[bytes[i] % alphabet.size()]);
    }
  }
  return out;
}

std::string Random::hex(size_t digits) {
  return from_alphabet("0123456789abcdef", digits);
}

std::string Random::uuid() {
  constexpr char digits[] = "0123456789abcdef";
  unsigned char bytes[16];
  fill(bytes, sizeof(bytes));
  bytes[6] = static_cast<unsigned char>(0x40 | (bytes[6] & 0x0f));
  bytes[8] = static_cast<unsigned char>(0x80 | (bytes[8] & 0x3f));
  std::string out("00000000-0000-0000-0000-000000000000");
  size_t at = 0;
  for (const unsigned char byte : bytes) {
    if (out[at] == '-') ++at;
    out[at++] = digits[byte >> 4];
    out[at++] = digits[byte & 15];
  }
  return out;
}

namespace {

void ask_kernel(char* at, size_t bytes) {
  while (bytes > 0) {
    const ssize_t got = getrandom(at, bytes, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) std::abort();  // no randomness: no key that could be trusted
    at += got;
    bytes -= static_cast<size_t>(got);
  }
}

}  // namespace

// Small amounts come from bytes that the kernel gave before, each handed out once: request ids are many.
void SystemRandom::fill(void* out, size_t bytes) {
  static thread_local char store[512];
  static thread_local size_t left = 0;
  if (bytes > 64) return ask_kernel(static_cast<char*>(out), bytes);
  if (bytes > left) {
    ask_kernel(store, sizeof(store));
    left = sizeof(store);
  }
  left -= bytes;
  std::memcpy(out, store + left, bytes);
  explicit_bzero(store + left, bytes);
}

void SeededRandom::fill(void* out, size_t bytes) {
  std::lock_guard lock(mutex_);
  auto* at = static_cast<char*>(out);
  for (size_t done = 0; done < bytes; done += 8) {
    const uint64_t value = engine_();
    std::memcpy(at + done, &value, bytes - done < 8 ? bytes - done : 8);
  }
}

}  // namespace mekong::os
