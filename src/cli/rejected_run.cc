#include "cli/rejected_run.h"

namespace weir::cli {

Result<std::optional<pipeline::RejectedRun>> find_rejected_run(const std::string& word,
                                                               Services& services) {
  auto found = pipeline::find_rejected_run(*WEIR_TRY(services.resources()), word);
  if (found) return *std::move(found);
  if (found.error().code != ErrorCode::not_found) return fail(std::move(found).error());
  if (word == "last" || WEIR_TRY(WEIR_TRY(services.run_log())->find(RunId(word)))) {
    return std::nullopt;
  }
  Error error = std::move(found).error();
  error.code = ErrorCode::usage;
  return fail(std::move(error));
}

}  // namespace weir::cli
