#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace weir::crypto {

/// 32 random bytes that seal and open secrets. They lie in memory that is kept out of swap and
/// core dumps where the system allows it, and that is wiped at the end.
class SealingKey {
 public:
  /// From the system's random numbers.
  static SealingKey generate();
  /// The form to_text() gives; blanks around it do not matter. Errors: invalid_input, which never
  /// quotes the text.
  static Result<SealingKey> from_text(std::string_view text);

  SealingKey(SealingKey&&) noexcept;
  SealingKey& operator=(SealingKey&&) noexcept;
  ~SealingKey();

  /// 64 lowercase hexadecimal digits: a secret. Who takes it wipes it.
  std::string to_text() const;
  /// 16 hexadecimal digits that tell this key from others and nothing about its bytes.
  std::string id() const;

 private:
  struct Bytes;
  explicit SealingKey(std::unique_ptr<Bytes> bytes);
  friend std::string seal(const SealingKey&, std::string_view, std::string_view);
  friend Result<std::string> open_sealed(const SealingKey&, std::string_view, std::string_view);

  std::unique_ptr<Bytes> bytes_;
};

/// What sealing adds to a value's length: the nonce and the authentication tag.
inline constexpr size_t sealing_overhead_bytes = 24 + 16;

/// XChaCha20-Poly1305 (libsodium) with a random nonce in front. `bound` is not part of the result,
/// but opening needs the same text: what the value belongs to.
std::string seal(const SealingKey& key, std::string_view value, std::string_view bound);

/// The value, or invalid_input when the key, `bound` or any byte is another one. The value is a
/// secret: who takes it wipes it.
Result<std::string> open_sealed(const SealingKey& key, std::string_view sealed,
                                std::string_view bound);

}  // namespace weir::crypto
