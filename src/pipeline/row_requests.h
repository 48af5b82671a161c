#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "model/pipeline.h"
#include "model/project.h"
#include "model/receipt.h"
#include "pipeline/resources.h"
#include "pipeline/rows_observer.h"

namespace weir::pipeline {

/// Rows that somebody sends, and waits for what becomes of them.
struct RowsRequest {
  enum class Keep {
    good_rows,       ///< bad rows are rejected, the others load
    all_or_nothing,  ///< one bad row, and nothing loads
    nothing,         ///< all is done and rolled back, to see what would happen
  };

  RunId id;  ///< stands in the receipt, and in the lineage of its rows
  TableName table;
  LoadMode mode = LoadMode::append;
  Format format = Format::json;  ///< json (an array, lines, one object) or csv
  Keep keep = Keep::good_rows;
  std::string body;
  uint64_t max_rows = 0;  ///< more, and nothing loads: invalid_input
  /// Who sends the same again under the same key gets the receipt of the first; empty: none.
  std::string idempotency_key = {};
  std::optional<trace::TraceContext> span = {};  ///< of who asks, where there are traces
};

struct RowsAnswer {
  enum class Kind {
    done,           ///< what the receipt says is committed (or, with Keep::nothing, would be)
    repeated,       ///< the receipt is that of an earlier request under the same key
    too_many_rows,  ///< nothing is loaded, like below
    all_refused,    ///< Keep::all_or_nothing, and a row was rejected: the receipt says which
    reused_key,     ///< the idempotency key stands for other rows
    failed,         ///< the receipt has the error
  };
  Kind kind = Kind::done;
  Receipt receipt;
  std::optional<trace::TraceContext> commit = {};  ///< the span of the commit it took part in
};

/// Called once, from a thread of RowRequests; must not wait.
using RowsDone = std::function<void(RowsAnswer)>;

/// Loads the rows of requests. Those for one table that wait share a transaction: each has its own
/// receipt, nobody's bad row harms another's, and who is answered is committed. Thread-safe.
class RowRequests {
 public:
  struct Options {
    size_t workers = 2;
    size_t most_requests = 20'000;                   ///< that wait; beyond: busy
    uint64_t most_bytes = 128u << 20;                ///< of their bodies; likewise
    std::chrono::milliseconds remember{86'400'000};  ///< idempotency keys
    RowsObserver* observer = nullptr;                ///< is told of commits; null: nobody
  };
  struct Waiting {
    size_t requests = 0;
    uint64_t bytes = 0;
  };

  virtual ~RowRequests() = default;
  /// Never waits. Errors, with `done` not called: busy (too much waits), cancelled (it drains).
  virtual Result<void> submit(RowsRequest request, RowsDone done) = 0;
  virtual Waiting waiting() const = 0;
  /// Takes no more; answers what waits within `grace`, the rest with `cancelled`.
  virtual void drain(std::chrono::milliseconds grace) = 0;
};

/// All must outlive it.
std::unique_ptr<RowRequests> make_row_requests(const Project& project, Resources& resources,
                                               const Clock& clock, RowRequests::Options options);

}  // namespace weir::pipeline
