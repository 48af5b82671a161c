#pragma once

#include <string>
#include <string_view>

#include "base/location.h"

namespace weir {

/// Who has to act. Decides exit codes, retries and HTTP statuses.
enum class ErrorCategory {
  user,       ///< the input, the project file or the command line is wrong; a retry changes nothing
  transient,  ///< the outside world failed (disk, network, lock); the same call may succeed later
  internal,   ///< weir broke a promise of its own
};

/// Every code some caller reacts to. X(code, category): one line each, here and nowhere else.
#define WEIR_ERROR_TABLE(X)                                                         \
  X(usage, user)              /* command line does not fit */                       \
  X(invalid_project, user)    /* weir.yaml does not validate */                     \
  X(invalid_input, user)      /* bytes, rows or values do not fit their format */   \
  X(not_found, user)          /* object, table, run, pipeline ... does not exist */ \
  X(already_exists, user)     /* would overwrite what is there */                   \
  X(not_yet, user)            /* known to the design, not built */                  \
  X(too_many_rejects, user)   /* stop_at or on_bad_row: fail was reached */         \
  X(sql, user)                /* SQL does not parse, bind or run */                 \
  X(input_changed, transient) /* the object changed while it was read */            \
  X(io, transient)            /* the operating system refused a file operation */   \
  X(busy, transient)          /* somebody else holds what is needed */              \
  X(unavailable, transient)   /* a database, bucket or owner cannot be reached */   \
  X(cancelled, transient)     /* stopped on request, work was rolled back */        \
  X(internal, internal)       /* a bug in weir */

enum class ErrorCode {
#define X(code, category) code,
  WEIR_ERROR_TABLE(X)
#undef X
};

ErrorCategory category(ErrorCode code);
/// The code's name as written in the table, e.g. "invalid_project"; stable, part of JSON output.
std::string_view name(ErrorCode code);

/// What went wrong, where, and what mends it. `message` is one sentence without a final stop;
/// `fix` is what the reader should do, or empty.
struct Error {
  ErrorCode code = ErrorCode::internal;
  std::string message;
  std::string fix = {};
  Location location = {};

  /// "file:line:col: message; fix", leaving out what is empty.
  std::string to_string() const;
  bool retryable() const { return category(code) == ErrorCategory::transient; }
};

}  // namespace weir
