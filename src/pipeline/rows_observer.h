#pragma once

#include <optional>
#include <span>
#include <vector>

#include "base/clock.h"
#include "model/receipt.h"
#include "pipeline/phase_times.h"
#include "trace/trace_context.h"

namespace weir::pipeline {

struct RowsRequest;

/// Requests whose rows were committed together.
struct RowsCommit {
  std::span<const RowsRequest* const> requests;
  std::span<const Receipt> receipts;  ///< one for each
  std::span<const Phase> phases;      ///< of the work on all of them; where there are traces
  Timestamp begun{}, ended{};
};

/// Is told of group commits. Calls come from RowRequests' threads, several at once, before anybody
/// is answered: they must be short.
class RowsObserver {
 public:
  virtual ~RowsObserver() = default;
  /// The commit's span, where there is one, which the requests' answers name.
  virtual std::optional<trace::TraceContext> committed(const RowsCommit& commit) = 0;
};

}  // namespace weir::pipeline
