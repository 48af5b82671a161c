#pragma once

#include "base/result.h"

namespace weir::pipeline {

/// A transaction of a session's target. Rolled back when it goes out of scope without a commit.
class LoadTransaction {
 public:
  virtual ~LoadTransaction() = default;
  /// Errors: of the target; unavailable: it went away, and whether it committed is not known.
  virtual Result<void> commit() = 0;
};

}  // namespace weir::pipeline
