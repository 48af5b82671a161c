#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "secrets/key_file.h"
#include "secrets/sealed_file.h"

namespace weir::secrets {

/// One line of `weir secret list`.
struct ListedSecret {
  enum class Source { environment, file, missing };
  std::string name;
  Source source = Source::missing;
  size_t size_bytes = 0;
  std::string set_at;  ///< empty: not known
};

/// What a change did beside what it was asked for.
struct SetOutcome {
  bool replaced = false;
  bool made_key = false;
  bool hidden_by_environment = false;  ///< its variable is set, and comes first
};

/// Changes a project's sealed file. A change holds a lock against other processes; the file and the
/// key are each replaced as a whole, and whatever is killed in the middle leaves a file that opens
/// with a key that is there.
class SecretVault {
 public:
  SecretVault(SecretPlaces places, const Clock& clock)
      : places_(std::move(places)), clock_(clock) {}

  /// Makes the file, and a key when there is none. Errors: usage (name, empty or too long a value),
  /// those of find_key and verify_sealed_file, io.
  Result<SetOutcome> set(const std::string& name, std::string_view value);
  /// Errors: not_found, and those of set().
  Result<void> remove(const std::string& name);
  /// Seals everything under a new key: one that is made, or WEIR_NEW_SECRET_KEY when the present
  /// one comes from WEIR_SECRET_KEY. The new key's id. Errors: as set(), usage.
  Result<std::string> rotate();

  /// The file's secrets and those in `used`, by name. Does not need the key, but when it is there
  /// the file is verified. Errors: those of parse_sealed_file and verify_sealed_file.
  Result<std::vector<ListedSecret>> list(const std::vector<std::string>& used) const;

 private:
  struct Opened {
    SealedFile file;
    FoundKey key;
  };
  /// The file as it is, verified; none when there is none.
  Result<std::optional<Opened>> open() const;
  Result<crypto::SealingKey> first_key(SetOutcome& outcome) const;
  Result<crypto::SealingKey> new_key(KeySource present) const;
  Result<void> end_rotation() const;
  Result<void> write(const SealedFile& file, const crypto::SealingKey& key) const;

  const SecretPlaces places_;
  const Clock& clock_;
};

/// Gives the key to seal with when the present one comes from WEIR_SECRET_KEY.
inline constexpr const char* new_key_variable = "WEIR_NEW_SECRET_KEY";

}  // namespace weir::secrets
