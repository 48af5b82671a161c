#include "cli/wait_for_runs.h"

#include <chrono>
#include <set>

#include "cli/frames.h"
#include "cli/run_receipt.h"

namespace weir::cli {
namespace {

/// Sends progress, not more often than a person can look.
class ProgressFrames {
 public:
  explicit ProgressFrames(owner::FrameSink& sink) : sink_(sink) {}
  /// False: nobody reads any more.
  bool send(const RunsProgress& progress) {
    const auto now = std::chrono::steady_clock::now();
    if (now - last_ < std::chrono::milliseconds(100)) return true;
    last_ = now;
    return sink_.send(progress_frame(progress));
  }

 private:
  owner::FrameSink& sink_;
  std::chrono::steady_clock::time_point last_{};
};

}  // namespace

std::vector<RunId> distinct(const std::vector<RunId>& ids) {
  std::set<RunId> seen;
  std::vector<RunId> out;
  for (const RunId& id : ids) {
    if (seen.insert(id).second) out.push_back(id);
  }
  return out;
}

Result<bool> wait_for_runs(const std::vector<RunId>& ids, scheduler::Dispatcher& dispatcher,
                           owner::FrameSink& sink) {
  RunsProgress progress;
  progress.total = ids.size();
  ProgressFrames frames(sink);
  bool read = sink.send(accepted_frame(ids));
  std::optional<Error> put_off;
  for (const RunId& id : ids) {
    if (!read) return false;
    progress.run = id;
    progress.bytes_read = progress.bytes_total = progress.rows_read = 0;
    const auto run = dispatcher.wait(id, [&](const scheduler::RunProgress& now) {
      progress.bytes_read = now.bytes_read;
      progress.bytes_total = now.bytes_total;
      progress.rows_read = now.rows_read;
      read = read && frames.send(progress);
    });
    if (!run && run.error().code != ErrorCode::unavailable) return fail(run.error());
    ++progress.done;
    if (!run) {  // its database is down; the others' receipts are there all the same
      if (!put_off) put_off = run.error();
      continue;
    }
    read = read && sink.send(receipt_frame(receipt_of_run(*run))) && frames.send(progress);
  }
  if (put_off) return fail(*std::move(put_off));
  return read;
}

}  // namespace weir::cli
