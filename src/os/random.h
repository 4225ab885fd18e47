// Randomness, injected so that a run can be replayed from a seed.
#pragma once
#include <cstdint>
#include <mutex>
#include <random>
#include <string>

namespace mekong::os {

class Random {
 public:
  virtual ~Random() = default;
  virtual void fill(void* out, size_t bytes) = 0;  // any thread

  uint64_t next_u64();
  std::string hex(size_t digits);                                  // lower case
  std::string from_alphabet(std::string_view alphabet, size_t n);  // unbiased
  std::string uuid();                                              // version 4, lower case, with hyphens
};

// The kernel's generator: for keys, tokens, ids.
class SystemRandom final : public Random {
 public:
  void fill(void* out, size_t bytes) override;
};

// Repeatable; never for secrets.
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(uint64_t seed) : engine_(seed) {}
  void fill(void* out, size_t bytes) override;

 private:
  std::mutex mutex_;
  std::mt19937_64 engine_;
};

}  // namespace mekong::os
