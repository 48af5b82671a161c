#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "crypto/sealing.h"

namespace weir::secrets {

/// Value of an environment variable; none when it is not set.
using Variables = std::function<std::optional<std::string>(const std::string& name)>;
std::optional<std::string> process_variable(const std::string& name);

/// Where a project's secrets of one environment are.
struct SecretPlaces {
  std::filesystem::path root;  ///< the folder of weir.yaml
  std::string environment = "default";
  Variables variable = process_variable;

  /// "weir.secrets", "weir.prod.secrets": beside weir.yaml, safe to commit.
  std::string file_name() const;
  std::filesystem::path file() const { return root / file_name(); }
  std::filesystem::path state_dir() const { return root / ".weir" / environment; }
  std::filesystem::path key_file() const { return state_dir() / "secret.key"; }
  /// The key a rotation is on its way to.
  std::filesystem::path next_key_file() const { return state_dir() / "secret.key.next"; }
  /// " --env prod", or nothing: for the commands that messages advise.
  std::string environment_option() const;
};

enum class KeySource { environment, file, next_file };
struct FoundKey {
  crypto::SealingKey key;
  KeySource source;
};

/// The key in that file. Errors: not_found; invalid_input (others may read it, it belongs to
/// somebody else, it is no key); io. No error quotes what is in it.
Result<crypto::SealingKey> read_key_file(const std::filesystem::path& path);
/// Writes it with mode 0600, and sees that `.weir` is not taken into version control. Errors: io.
Result<void> write_key_file(const std::filesystem::path& path, const crypto::SealingKey& key);

/// The key whose id is `key_id`: WEIR_SECRET_KEY, or the key file, or the file a rotation that was
/// cut short left behind. Errors: as read_key_file; not_found when there is none, invalid_input
/// when there are only others.
Result<FoundKey> find_key(const SecretPlaces& places, std::string_view key_id);

}  // namespace weir::secrets
