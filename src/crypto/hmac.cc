#include "crypto/hmac.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/check.h"

namespace weir::crypto {

Sha256Digest hmac_sha256(std::string_view key, std::string_view message) {
  Sha256Digest digest;
  unsigned int length = 0;
  // A null key would mean "the key of the call before": an empty one must not be null.
  const char* const key_bytes = key.empty() ? "" : key.data();
  const unsigned char* const made = HMAC(EVP_sha256(), key_bytes, static_cast<int>(key.size()),
                                         reinterpret_cast<const unsigned char*>(message.data()),
                                         message.size(), digest.data(), &length);
  WEIR_CHECK(made != nullptr && length == digest.size(), "OpenSSL cannot compute HMAC-SHA256");
  return digest;
}

bool equal_in_constant_time(std::string_view left, std::string_view right) {
  return left.size() == right.size() && CRYPTO_memcmp(left.data(), right.data(), left.size()) == 0;
}

}  // namespace weir::crypto
