#include "scheduler/verdicts.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"
#include "base/log.h"
#include "text/receipt_json.h"

namespace weir::scheduler {
namespace {

using std::chrono::milliseconds;

/// How long an input that changed under the reader is left alone.
constexpr RetryPolicy resting{
    .times = 0, .backoff = milliseconds(250), .longest = milliseconds(30'000)};

bool is_final(RunState state) { return state != RunState::queued && state != RunState::running; }

std::string one_line(std::string text) {
  std::ranges::replace(text, '\n', ' ');
  return text;
}

/// A person has to look at what failed; not at a replay, which somebody has just asked for.
RunState state_of(const Run& run, const Receipt& receipt) {
  const bool waits = receipt.status == RunState::failed && run.trigger != replay_trigger;
  return waits ? RunState::parked : receipt.status;
}

}  // namespace

Verdicts Judge::judge(std::span<const Run> runs, std::vector<pipeline::RunOutcome> outcomes,
                      Draining draining) const {
  Verdicts verdicts;
  for (size_t i = 0; i < runs.size(); ++i) {
    pipeline::RunOutcome& outcome = outcomes[i];
    const auto& error = outcome.receipt.error;
    const bool cancelled = error && error->code == ErrorCode::cancelled;
    if (outcome.down) verdicts.down.emplace(*outcome.down, error.value_or(Error{}));
    verdicts.worked = verdicts.worked || (!outcome.down && !cancelled);
    if (draining == Draining::yes && (cancelled || outcome.requeue)) {
      verdicts.put_back.push_back(runs[i].id);
    } else if (auto again = repeated(runs[i], outcome)) {
      verdicts.repeated.push_back(*std::move(again));
    } else {
      WEIR_CHECK(is_final(outcome.receipt.status), "an executed run has a verdict");
      // What the watcher queued, it has remembered itself.
      if (outcome.seen && runs[i].trigger != "watch") {
        const objects::ObjectStat& stat = *outcome.seen;
        verdicts.read.push_back(
            {*runs[i].object, stat.size_bytes, stat.mtime_ns, stat.ctime_ns, stat.inode});
      }
      verdicts.ended.push_back(ended(runs[i], std::move(outcome.receipt)));
    }
  }
  return verdicts;
}

std::optional<RepeatedRun> Judge::repeated(const Run& run,
                                           const pipeline::RunOutcome& outcome) const {
  using runlog::Attempt;
  const auto& error = outcome.receipt.error;
  if (outcome.requeue) {
    const Error changed{ErrorCode::input_changed, "the input changed while it was read"};
    return RepeatedRun{run, error.value_or(changed), retry_delay(resting, run.tries, dice_.roll()),
                       Attempt::uncounted, false};
  }
  if (outcome.down) {  // its lane of the queue is closed until the database is up
    return RepeatedRun{run, error.value_or(Error{}), milliseconds(0), Attempt::uncounted, true};
  }
  if (outcome.receipt.status != RunState::failed || !error || !error->retryable()) return {};
  RetryPolicy policy = rules_.of(run.pipeline).retry;
  if (run.failures >= policy.times) return {};
  if (outcome.retry_after) {  // no sooner than whoever was asked wants to be asked again
    const milliseconds least = *outcome.retry_after * 5 / 4;  // a wait may be a fifth shorter
    policy.backoff = std::max(policy.backoff, least);
    policy.longest = std::max(policy.longest, least);
  }
  return RepeatedRun{run, *error, retry_delay(policy, run.failures + 1, dice_.roll()),
                     Attempt::failed, false};
}

EndedRun Judge::ended(const Run& run, Receipt receipt) const {
  runlog::FinishedRun finished;
  finished.id = run.id;
  finished.state = state_of(run, receipt);
  finished.receipt = text::to_json(receipt).to_string();
  if (receipt.error) finished.error = one_line(receipt.error->to_string());
  if (receipt.status == RunState::failed) {
    finished.log.push_back({clock_.now(), "error", finished.error});
    if (receipt.error && receipt.error->retryable() && run.failures > 0) {
      finished.log.push_back(
          {clock_.now(), "error", fmt::format("given up: all {} retries failed", run.failures)});
    }
    const log::With id("run", run.id.value());
    const log::With pipeline("pipeline", run.pipeline.value());
    log::warning("{} run of {}{}: {}", to_string(finished.state), run.pipeline.value(),
                 run.object ? " on " + run.object->to_string() : "", finished.error);
  } else if (receipt.status == RunState::partial) {
    finished.log.push_back(
        {clock_.now(), "warning", fmt::format("{} rows were rejected", receipt.rows.rejected)});
  }
  if (notices_for_) finished.notices = notices_for_(run, receipt, finished.state);
  return {run, std::move(receipt), std::move(finished)};
}

}  // namespace weir::scheduler
