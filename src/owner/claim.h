#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <variant>

#include "base/result.h"
#include "owner/client.h"
#include "owner/lock_file.h"
#include "owner/state_directory.h"

namespace weir::owner {

enum class Role {
  either,      ///< the owner when there is none, else its client
  owner_only,  ///< `weir up`: waits for the lock
};

struct ClaimOptions {
  Role role = Role::either;
  int interrupt_fd = -1;  ///< becomes readable: give up
  /// Told once when the claim has to wait: who holds the lock, if known.
  std::function<void(const std::optional<Identity>&)> on_wait = [](const auto&) {};
  std::chrono::milliseconds quiet{500};  ///< waiting shorter than this is not told
};

/// What a claim ends in: the lock (its holder is the owner), or a connection to who holds it.
using Claim = std::variant<LockFile, Client>;

/// The verb a lasting owner writes down; a second one is refused, anybody else is waited for.
inline constexpr const char* lasting_verb = "up";

/// Becomes the owner of `directory` or its client; waits without spinning while an owner comes or
/// goes. Errors: busy (owner_only, and another `weir up` runs), cancelled (interrupted), io,
/// unavailable.
Result<Claim> claim(const StateDirectory& directory, const Identity& self,
                    const ClaimOptions& options);

}  // namespace weir::owner
