#include "scheduler/guarded_execution.h"

#include <exception>
#include <iterator>
#include <new>

#include "base/check.h"
#include "base/log.h"

namespace weir::scheduler {
namespace {

/// What the exception being handled means. Memory may be there later.
Error current_error(const std::string& what) {
  try {
    throw;
  } catch (const std::bad_alloc&) {
    return {ErrorCode::busy, what + " broke off: there was no memory for it",
            "give the machine more, or lower 'memory' or 'concurrency'"};
  } catch (const std::exception& error) {
    return {ErrorCode::internal, what + " broke off: " + error.what(), "please report it"};
  }
}

pipeline::RunOutcome failed(const Run& run, Error error) {
  pipeline::RunOutcome outcome;
  outcome.receipt.run = run.id;
  outcome.receipt.pipeline = run.pipeline;
  outcome.receipt.object = run.object;
  outcome.receipt.status = RunState::failed;
  outcome.receipt.error = std::move(error);
  return outcome;
}

}  // namespace

std::vector<pipeline::RunOutcome> guarded_execute(pipeline::Executor& executor,
                                                  std::span<const Run> runs,
                                                  pipeline::Progress& progress) {
  try {
    auto outcomes = executor.execute(runs, progress);
    WEIR_CHECK(outcomes.size() == runs.size(), "every run has an outcome");
    return outcomes;
  } catch (const std::exception&) {
    Error error = current_error("the run");
    if (runs.size() == 1) {
      std::vector<pipeline::RunOutcome> outcomes;
      outcomes.push_back(failed(runs.front(), std::move(error)));
      return outcomes;
    }
    log::error("a batch of {} runs is executed one by one: {}", runs.size(), error.to_string());
  }
  std::vector<pipeline::RunOutcome> outcomes;
  for (const Run& run : runs) {
    auto one = guarded_execute(executor, {&run, 1}, progress);
    outcomes.push_back(std::move(one.front()));
  }
  return outcomes;
}

Result<void> guarded_reach(pipeline::Executor& executor, const DatabaseName& database) {
  try {
    return executor.reach(database);
  } catch (const std::exception&) {
    return fail(current_error("opening database '" + database.value() + "'"));
  }
}

}  // namespace weir::scheduler
