#include "scheduler/verdict_journal.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/log.h"

namespace weir::scheduler {
namespace {

using std::chrono::milliseconds;

constexpr RetryPolicy insisting{
    .times = 0, .backoff = milliseconds(100), .longest = milliseconds(5000)};

std::string one_line(std::string text) {
  std::ranges::replace(text, '\n', ' ');
  return text;
}

}  // namespace

std::vector<size_t> VerdictJournal::write(const Verdicts& verdicts) {
  if (!verdicts.read.empty()) {
    const PipelineName& pipeline = verdicts.ended.front().run.pipeline;
    if (const auto known = log_.remember(pipeline, verdicts.read); !known) {
      log::warning("what was read will be looked at again: {}", known.error().to_string());
    }
  }
  for (const RepeatedRun& run : verdicts.repeated) write_repeated(run);
  if (!verdicts.put_back.empty()) {
    insist(fmt::format("queue {} runs again", verdicts.put_back.size()),
           [&] { return log_.requeue(verdicts.put_back); });
  }
  return finish(verdicts.ended);
}

void VerdictJournal::write_repeated(const RepeatedRun& run) {
  const Timestamp now = clock_.now();
  std::string message = one_line(run.error.to_string());
  if (run.delay.count() > 0) message += fmt::format("; next try in {} ms", run.delay.count());
  const runlog::LogLine line{now, "warning", std::move(message)};
  insist(fmt::format("queue run {} again", run.run.id.value()),
         [&] { return log_.retry_later(run.run.id, now, now + run.delay, line, run.attempt); });
}

std::vector<size_t> VerdictJournal::finish(std::span<const EndedRun> ended) {
  std::vector<size_t> written;
  if (ended.empty()) return written;
  std::vector<runlog::FinishedRun> runs;
  for (const EndedRun& run : ended) runs.push_back(run.finished);
  const auto finish_some = [&](size_t first, size_t count) {
    const std::span some = std::span(runs).subspan(first, count);
    const bool done = insist(fmt::format("write down {} finished runs", count),
                             [&] { return log_.finish(some, clock_.now()); });
    for (size_t i = first; done && i < first + count; ++i) written.push_back(i);
    return done;
  };
  // A run that the log does not know must not keep the others from being written.
  if (!finish_some(0, runs.size()) && runs.size() > 1) {
    for (size_t i = 0; i < runs.size(); ++i) finish_some(i, 1);
  }
  return written;
}

bool VerdictJournal::insist(const std::string& what, const std::function<Result<void>()>& write) {
  for (int tries = 1;; ++tries) {
    const auto written = write();
    if (written) return true;
    log::error("cannot {}: {}", what, written.error().to_string());
    if (!written.error().retryable() || !pause_(retry_delay(insisting, tries, 0.5))) return false;
  }
}

}  // namespace weir::scheduler
