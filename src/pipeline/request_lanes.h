#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/names.h"
#include "pipeline/row_requests.h"

namespace weir::pipeline {

/// A request that waits, and who is told.
struct Waiter {
  RowsRequest request;
  RowsDone done;

  void answer(RowsAnswer::Kind kind, Receipt receipt) { done({kind, std::move(receipt), {}}); }
};

/// Requests that wait, a lane for each pipeline, handed out in batches in the order in which they
/// came. Of requests under one idempotency key never two are at work, whatever their lanes: the
/// second is answered by what the first leaves. Thread-safe.
class RequestLanes {
 public:
  struct Limits {
    size_t most_requests = 0;  ///< that wait
    uint64_t most_bytes = 0;   ///< of their bodies
  };
  explicit RequestLanes(Limits limits) : limits_(limits) {}

  struct Batch {
    PipelineName pipeline;
    std::vector<Waiter> waiters;    ///< those still to be answered
    std::vector<std::string> keys;  ///< idempotency keys of all that were handed out
    bool plain = true;              ///< whether to try the quick way: it went well lately
  };
  /// How the quick way went with a batch.
  enum class Plain { untried, went_well, met };

  /// Errors: busy (too much waits), cancelled (it drains).
  Result<void> submit(RowsRequest request, RowsDone done);
  /// Waits for requests. None: it was stopped.
  std::optional<Batch> take();
  /// After take(), once. A batch whose rows met others is followed by some that do not try; the
  /// more of these, the more often it happens in a row.
  void finish(const Batch& batch, Plain plain);
  /// So many batches of the lane may be at work at once, where enough waits to be worth another
  /// transaction; before it is said: one.
  void set_width(const PipelineName& pipeline, size_t width);

  RowRequests::Waiting waiting() const;
  /// Of batches that were taken and are not finished.
  std::set<std::string> keys_at_work() const;
  /// Takes no more, waits `grace` for what is there, then stops. Gives what is left.
  std::vector<Waiter> drain(std::chrono::milliseconds grace);

 private:
  struct Lane {
    std::deque<Waiter> waiting;
    uint64_t bytes = 0;  // of those
    size_t width = 1;
    size_t at_work = 0;     // batches
    bool is_ready = false;  // stands in ready_
    uint32_t pause = 0;     // batches that do not try the quick way
    uint32_t next_pause = 1;
  };

  Batch take_batch(const PipelineName& name, Lane& lane);
  void make_ready(const PipelineName& name, Lane& lane);

  const Limits limits_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::map<PipelineName, Lane> lanes_;  // guarded by mutex_, like all below
  std::deque<PipelineName> ready_;      // lanes that a worker may take from
  std::set<std::string> keys_at_work_;
  RowRequests::Waiting waiting_;
  size_t at_work_ = 0;
  bool draining_ = false, stopping_ = false;
};

/// What must not share its transaction when it is judged: what is taken back by itself, what
/// replaces all rows, and what may be refused as a whole.
bool goes_alone(const RowsRequest& request);

}  // namespace weir::pipeline
