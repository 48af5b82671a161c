#include "crypto/random.h"

#include <sodium.h>

#include "base/check.h"

namespace weir::crypto {

std::string random_bytes(size_t count) {
  WEIR_CHECK(sodium_init() >= 0, "the system has random numbers");
  std::string bytes(count, '\0');
  ::randombytes_buf(bytes.data(), bytes.size());
  return bytes;
}

}  // namespace weir::crypto
