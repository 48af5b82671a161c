#pragma once

#include <span>
#include <vector>

#include "base/clock.h"
#include "pipeline/plain_load.h"
#include "pipeline/request_lanes.h"
#include "pipeline/request_ledger.h"

namespace weir::pipeline {

/// Requests of a batch whose rows are all plainly good.
struct PlainBatch {
  std::vector<size_t> waiters;        ///< their places in the batch, ascending
  std::vector<Receipt> receipts;      ///< of each
  std::vector<StoredRequest> stored;  ///< what those with an idempotency key leave
  std::chrono::steady_clock::time_point begun;
};

/// Takes the rows of those that can be taken into `load`. Their bodies stay where they are until it
/// is cleared.
PlainBatch take_plain(PlainLoad& load, std::span<const Waiter> waiters,
                      const PipelineName& pipeline, Timestamp now);

/// Tells them that their rows are committed, in which traced commit, and takes them out.
void answer_plain(PlainBatch taken, std::vector<Waiter>& waiters,
                  const std::optional<trace::TraceContext>& commit);

/// Takes out what stands at these places, which ascend.
void erase_places(std::vector<Waiter>& waiters, std::span<const size_t> places);

}  // namespace weir::pipeline
