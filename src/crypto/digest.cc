#include "crypto/digest.h"

#include <openssl/evp.h>

#include "base/check.h"

namespace weir::crypto {
namespace {

// Looked up once: fetching an algorithm costs more than hashing a small file.
const EVP_MD* sha256_algorithm() {
  static const EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  WEIR_CHECK(algorithm != nullptr, "OpenSSL has no SHA-256");
  return algorithm;
}

}  // namespace

struct Sha256::Context {
  EVP_MD_CTX* handle = EVP_MD_CTX_new();
  ~Context() { EVP_MD_CTX_free(handle); }

  void start() {
    WEIR_CHECK(handle != nullptr && EVP_DigestInit_ex2(handle, sha256_algorithm(), nullptr) == 1,
               "OpenSSL cannot start SHA-256");
  }
};

Sha256::Sha256() : context_(std::make_unique<Context>()) { context_->start(); }
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::update(std::string_view bytes) {
  WEIR_CHECK(EVP_DigestUpdate(context_->handle, bytes.data(), bytes.size()) == 1,
             "OpenSSL cannot go on with SHA-256");
}

Sha256Digest Sha256::finish() {
  Sha256Digest digest;
  unsigned int length = 0;
  WEIR_CHECK(
      EVP_DigestFinal_ex(context_->handle, digest.data(), &length) == 1 && length == digest.size(),
      "OpenSSL cannot end SHA-256");
  context_->start();
  return digest;
}

Sha256Digest sha256(std::string_view bytes) {
  Sha256Digest digest;
  unsigned int length = 0;
  WEIR_CHECK(EVP_Digest(bytes.data(), bytes.size(), digest.data(), &length, sha256_algorithm(),
                        nullptr) == 1 &&
                 length == digest.size(),
             "OpenSSL cannot compute SHA-256");
  return digest;
}

std::string to_hex(std::string_view bytes) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const char byte : bytes) {
    text += digits[static_cast<unsigned char>(byte) >> 4];
    text += digits[static_cast<unsigned char>(byte) & 15];
  }
  return text;
}

std::string to_hex(const Sha256Digest& digest) {
  return to_hex({reinterpret_cast<const char*>(digest.data()), digest.size()});
}

}  // namespace weir::crypto
