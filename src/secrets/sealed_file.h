#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "crypto/sealing.h"

namespace weir::secrets {

/// One secret in the file. What is in clear text is bound to the sealed value.
struct SealedEntry {
  std::string name;
  std::string set_at;  ///< as format_timestamp writes it
  std::string sealed;  ///< crypto::seal of the value

  size_t value_bytes() const { return sealed.size() - crypto::sealing_overhead_bytes; }
};

/// The text of `weir.secrets`, version 1 (docs/reference/sealed-file.md), taken apart but not yet
/// proven: which secrets there are can be read without the key, and is true only once
/// verify() said so.
struct SealedFile {
  std::string environment;
  std::string key_id;                ///< of the key that sealed all of it
  std::vector<SealedEntry> entries;  ///< by name

  const SealedEntry* find(std::string_view name) const;
};

inline constexpr size_t largest_sealed_file_bytes = 4u << 20;
inline constexpr size_t largest_secret_bytes = 64u << 10;

/// Takes exactly what write_sealed_file() writes. Errors: invalid_input with the line; what stands
/// there is not quoted.
Result<SealedFile> parse_sealed_file(std::string_view text, const std::string& file_name);

/// That the whole file is as the key's holder left it, for this environment: nothing changed, cut
/// off, taken away, put in or brought from another file. Errors: invalid_input.
Result<void> verify_sealed_file(std::string_view text, const SealedFile& file,
                                const crypto::SealingKey& key, const std::string& environment,
                                const std::string& file_name);

/// The file's text, sealed as a whole by `key`, whose id becomes the file's.
std::string write_sealed_file(const SealedFile& file, const crypto::SealingKey& key);

/// A new entry. `environment` as in the file it is for.
SealedEntry seal_entry(const std::string& environment, std::string name, std::string_view value,
                       std::string set_at, const crypto::SealingKey& key);
/// The entry's value: a secret, to be wiped. Errors: invalid_input.
Result<std::string> open_entry(const std::string& environment, const SealedEntry& entry,
                               const crypto::SealingKey& key, const std::string& file_name);

}  // namespace weir::secrets
