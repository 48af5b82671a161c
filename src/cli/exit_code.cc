#include "cli/exit_code.h"

namespace weir::cli {

ExitCode exit_code(const Error& error) {
  switch (error.code) {
    case ErrorCode::usage:
    case ErrorCode::invalid_project:
    case ErrorCode::not_yet: return ExitCode::usage;
    default: return ExitCode::failed;
  }
}

ExitCode exit_code(RunState state) {
  switch (state) {
    case RunState::partial: return ExitCode::rejected;
    case RunState::failed:
    case RunState::parked: return ExitCode::failed;
    default: return ExitCode::done;
  }
}

ExitCode worse(ExitCode a, ExitCode b) {
  for (const ExitCode code : {ExitCode::failed, ExitCode::usage, ExitCode::rejected}) {
    if (a == code || b == code) return code;
  }
  return ExitCode::done;
}

}  // namespace weir::cli
