#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "secrets/key_file.h"

namespace weir::secrets {

/// Gives the values behind `${secret:name}`. Thread-safe.
class SecretStore {
 public:
  virtual ~SecretStore() = default;

  /// The value as it is now: a secret set while weir runs is seen at its next use. It is known to
  /// redact() (base/redaction.h) before this returns. Errors: not_found (with the command that
  /// sets it), invalid_input, usage (no name), io; they never quote a value.
  virtual Result<std::string> get(std::string_view name) = 0;
};

/// The environment (WEIR_SECRET_NAME), then the sealed file.
std::unique_ptr<SecretStore> open_secret_store(SecretPlaces places);

/// `text` with each `${secret:name}` replaced by its value; other references stay. What a value
/// holds is not looked at again. Errors: those of get().
Result<std::string> fill_in(std::string_view text, SecretStore& secrets);

}  // namespace weir::secrets
