#include "cli/answer.h"
#include "cli/asked_runs.h"
#include "cli/frames.h"
#include "cli/wait_for_runs.h"

namespace weir::cli {

Result<void> answer_run(const text::Json& args, Services& services, owner::FrameSink& sink) {
  if (args.has("runs")) {
    scheduler::Dispatcher& dispatcher = *WEIR_TRY(services.dispatcher());
    WEIR_TRY(wait_for_runs(accepted_runs(args), dispatcher, sink));
    return {};
  }
  const std::vector<Run> runs = WEIR_TRY(asked_runs(args, services)).runs;
  if (runs.empty()) {
    sink.send(accepted_frame({}));
    return {};
  }
  scheduler::Dispatcher& dispatcher = *WEIR_TRY(services.dispatcher());
  WEIR_TRY(wait_for_runs(distinct(WEIR_TRY(dispatcher.submit(runs))), dispatcher, sink));
  return {};
}

}  // namespace weir::cli
