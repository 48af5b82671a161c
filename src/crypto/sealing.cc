#include "crypto/sealing.h"

#include <sodium.h>

#include <algorithm>

#include "base/check.h"
#include "crypto/digest.h"
#include "crypto/hmac.h"

namespace weir::crypto {
namespace {

constexpr size_t key_bytes = crypto_aead_xchacha20poly1305_ietf_KEYBYTES;
constexpr size_t nonce_bytes = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
constexpr size_t tag_bytes = crypto_aead_xchacha20poly1305_ietf_ABYTES;
static_assert(nonce_bytes + tag_bytes == sealing_overhead_bytes);

void start_sodium() {
  static const bool started = ::sodium_init() >= 0;
  WEIR_CHECK(started, "libsodium cannot start: the system gives no random numbers");
}

unsigned char* bytes_of(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }
const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

bool blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

}  // namespace

struct SealingKey::Bytes {
  unsigned char* data = nullptr;

  Bytes() {
    start_sodium();
    data = static_cast<unsigned char*>(::sodium_malloc(key_bytes));
    WEIR_CHECK(data != nullptr, "there is no memory for a key");
  }
  ~Bytes() { ::sodium_free(data); }  // wipes
  Bytes(const Bytes&) = delete;
  Bytes& operator=(const Bytes&) = delete;
};

SealingKey::SealingKey(std::unique_ptr<Bytes> bytes) : bytes_(std::move(bytes)) {}
SealingKey::SealingKey(SealingKey&&) noexcept = default;
SealingKey& SealingKey::operator=(SealingKey&&) noexcept = default;
SealingKey::~SealingKey() = default;

SealingKey SealingKey::generate() {
  auto bytes = std::make_unique<Bytes>();
  ::crypto_aead_xchacha20poly1305_ietf_keygen(bytes->data);
  return SealingKey(std::move(bytes));
}

Result<SealingKey> SealingKey::from_text(std::string_view text) {
  const std::string_view digits = trimmed(text);
  auto bytes = std::make_unique<Bytes>();
  size_t length = 0;
  const char* end = nullptr;
  if (digits.size() != key_bytes * 2 ||
      ::sodium_hex2bin(bytes->data, key_bytes, digits.data(), digits.size(), nullptr, &length,
                       &end) != 0 ||
      length != key_bytes) {
    return fail(ErrorCode::invalid_input, "a key is 64 hexadecimal digits, and this is not",
                "copy it whole");
  }
  return SealingKey(std::move(bytes));
}

std::string SealingKey::to_text() const {
  return to_hex({reinterpret_cast<const char*>(bytes_->data), key_bytes});
}

std::string SealingKey::id() const {
  const std::string_view key(reinterpret_cast<const char*>(bytes_->data), key_bytes);
  return to_hex(hmac_sha256(key, "weir key id")).substr(0, 16);
}

std::string seal(const SealingKey& key, std::string_view value, std::string_view bound) {
  std::string sealed(nonce_bytes + value.size() + tag_bytes, '\0');
  unsigned char* const nonce = bytes_of(sealed);
  ::randombytes_buf(nonce, nonce_bytes);
  ::crypto_aead_xchacha20poly1305_ietf_encrypt(nonce + nonce_bytes, nullptr, bytes_of(value),
                                               value.size(), bytes_of(bound), bound.size(), nullptr,
                                               nonce, key.bytes_->data);
  return sealed;
}

Result<std::string> open_sealed(const SealingKey& key, std::string_view sealed,
                                std::string_view bound) {
  const auto refused = [] {
    return fail(ErrorCode::invalid_input,
                "what is sealed was changed, or was sealed with another key");
  };
  if (sealed.size() < sealing_overhead_bytes) return refused();
  std::string value(sealed.size() - sealing_overhead_bytes, '\0');
  const unsigned char* const nonce = bytes_of(sealed);
  if (::crypto_aead_xchacha20poly1305_ietf_decrypt(
          bytes_of(value), nullptr, nullptr, nonce + nonce_bytes, sealed.size() - nonce_bytes,
          bytes_of(bound), bound.size(), nonce, key.bytes_->data) != 0) {
    return refused();
  }
  return value;
}

}  // namespace weir::crypto
