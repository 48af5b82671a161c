#pragma once

#include <optional>

#include "base/result.h"
#include "io/descriptor.h"
#include "owner/protocol.h"
#include "owner/state_directory.h"

namespace weir::owner {

/// `.weir/<env>/lock`. The kernel's lock on it decides who is the owner, and ends with its process
/// however that dies; what is written in it only serves messages.
class LockFile {
 public:
  /// Opens the file without locking it. Errors: io.
  static Result<LockFile> open(const StateDirectory& directory);
  LockFile(LockFile&&) = default;
  LockFile& operator=(LockFile&&) = default;
  ~LockFile();

  /// False: somebody else holds it. Errors: io.
  Result<bool> try_lock();
  /// The holder writes down who it is. Errors: io.
  Result<void> describe(const Identity& holder);
  /// Gives the lock up, as its end does.
  void release();
  /// Who holds it, as far as can be told: none when nobody wrote, or the writer is dead.
  std::optional<Identity> holder() const;

 private:
  explicit LockFile(io::Descriptor file) : file_(std::move(file)) {}

  io::Descriptor file_;
  bool locked_ = false;
};

}  // namespace weir::owner
