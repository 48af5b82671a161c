#include "pipeline/request_lanes.h"

#include <algorithm>
#include <utility>

#include "duckdb/direct_rows.h"
#include "model/api.h"

namespace weir::pipeline {
namespace {

/// Of one transaction. A row's key has 15 bits for its input.
constexpr size_t batch_requests = 1024;
constexpr uint64_t batch_bytes = 8u << 20;
/// Less is worth no transaction beside the one at work: it waits, and costs a part of the next.
constexpr uint64_t another_bytes = 32u << 10;
/// Batches that do not try the quick way, at most, before one does again.
constexpr uint32_t longest_pause = 1024;

/// No more records than this, and mostly just as many: each has a brace, or a line.
size_t most_records(const RowsRequest& request) {
  const char sign = request.format == Format::json ? '{' : '\n';
  return static_cast<size_t>(std::ranges::count(request.body, sign)) + 1;
}

/// Nothing else may be in its transaction, whichever way it goes.
bool is_its_own_batch(const RowsRequest& request) {
  return request.keep == RowsRequest::Keep::nothing || request.mode == LoadMode::replace;
}

}  // namespace

bool goes_alone(const RowsRequest& request) {
  return request.keep != RowsRequest::Keep::good_rows || request.mode == LoadMode::replace ||
         most_records(request) > request.max_rows + 1;
}

/// With mutex_ held.
void RequestLanes::make_ready(const PipelineName& name, Lane& lane) {
  if (lane.is_ready || lane.waiting.empty() || lane.at_work >= lane.width || stopping_) return;
  if (lane.at_work > 0 && lane.bytes < another_bytes) return;
  lane.is_ready = true;
  ready_.push_back(name);
}

Result<void> RequestLanes::submit(RowsRequest request, RowsDone done) {
  const PipelineName name = rows_pipeline_name(request.table, request.mode, request.format);
  request.body.reserve(request.body.size() + duckdb::DirectRows::padding);
  {
    const std::lock_guard lock(mutex_);
    if (draining_) return fail(ErrorCode::cancelled, "this weir is stopping");
    const uint64_t bytes = waiting_.bytes + request.body.size();
    if (waiting_.requests >= limits_.most_requests || bytes > limits_.most_bytes) {
      return fail(ErrorCode::busy, "too many rows wait to be loaded", "send them again later");
    }
    ++waiting_.requests;
    waiting_.bytes = bytes;
    Lane& lane = lanes_[name];
    lane.bytes += request.body.size();
    lane.waiting.push_back({std::move(request), std::move(done)});
    if (lane.is_ready) return {};
    make_ready(name, lane);
    if (!lane.is_ready) return {};
  }
  changed_.notify_one();
  return {};
}

/// With mutex_ held. Empty when the first one's key is at work elsewhere.
RequestLanes::Batch RequestLanes::take_batch(const PipelineName& name, Lane& lane) {
  Batch batch;
  batch.pipeline = name;
  uint64_t bytes = 0;
  while (!lane.waiting.empty() && batch.waiters.size() < batch_requests) {
    const RowsRequest& next = lane.waiting.front().request;
    const bool alone = is_its_own_batch(next);
    bytes += next.body.size();
    if (!batch.waiters.empty() && (alone || bytes > batch_bytes)) break;
    if (!next.idempotency_key.empty()) {
      if (!keys_at_work_.insert(next.idempotency_key).second) break;
      batch.keys.push_back(next.idempotency_key);
    }
    waiting_.bytes -= next.body.size();
    lane.bytes -= next.body.size();
    --waiting_.requests;
    batch.waiters.push_back(std::move(lane.waiting.front()));
    lane.waiting.pop_front();
    if (alone) break;
  }
  return batch;
}

std::optional<RequestLanes::Batch> RequestLanes::take() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return stopping_ || !ready_.empty(); });
    if (ready_.empty()) return std::nullopt;
    const PipelineName name = std::move(ready_.front());
    ready_.pop_front();
    Lane& lane = lanes_[name];
    lane.is_ready = false;
    Batch batch = take_batch(name, lane);
    if (batch.waiters.empty()) continue;  // finish() comes back to it
    batch.plain = lane.pause == 0;
    if (lane.pause > 0) --lane.pause;
    ++lane.at_work;
    ++at_work_;
    make_ready(name, lane);
    const bool more = !ready_.empty();
    lock.unlock();
    if (more) changed_.notify_one();
    return batch;
  }
}

void RequestLanes::finish(const Batch& batch, Plain plain) {
  {
    const std::lock_guard lock(mutex_);
    Lane& lane = lanes_[batch.pipeline];
    --lane.at_work;
    --at_work_;
    if (plain == Plain::went_well) lane.next_pause = 1;
    if (plain == Plain::met) {
      lane.pause = lane.next_pause;
      lane.next_pause = std::min(2 * lane.next_pause, longest_pause);
    }
    for (const std::string& key : batch.keys) keys_at_work_.erase(key);
    make_ready(batch.pipeline, lane);
    if (!batch.keys.empty()) {
      for (auto& [name, other] : lanes_) make_ready(name, other);
    }
  }
  changed_.notify_all();
}

void RequestLanes::set_width(const PipelineName& pipeline, size_t width) {
  const std::lock_guard lock(mutex_);
  lanes_[pipeline].width = width;
}

RowRequests::Waiting RequestLanes::waiting() const {
  const std::lock_guard lock(mutex_);
  return waiting_;
}

std::set<std::string> RequestLanes::keys_at_work() const {
  const std::lock_guard lock(mutex_);
  return keys_at_work_;
}

std::vector<Waiter> RequestLanes::drain(std::chrono::milliseconds grace) {
  std::vector<Waiter> left;
  {
    std::unique_lock lock(mutex_);
    draining_ = true;
    changed_.wait_for(lock, grace, [this] { return waiting_.requests == 0 && at_work_ == 0; });
    stopping_ = true;
    ready_.clear();
    for (auto& [name, lane] : lanes_) {
      std::ranges::move(lane.waiting, std::back_inserter(left));
      lane.waiting.clear();
      lane.bytes = 0;
    }
    waiting_ = {};
  }
  changed_.notify_all();
  return left;
}

}  // namespace weir::pipeline
