#include "pipeline/row_requests.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "base/log.h"
#include "pipeline/batch_load.h"
#include "pipeline/input_lookup.h"
#include "pipeline/request_bodies.h"
#include "pipeline/request_book.h"
#include "pipeline/request_ledger.h"
#include "pipeline/session_pool.h"
#include "text/receipt_json.h"

namespace weir::pipeline {
namespace {

using SteadyClock = std::chrono::steady_clock;

/// Of one transaction. A row's key has 15 bits for its input.
constexpr size_t batch_requests = 256;
constexpr uint64_t batch_bytes = 8u << 20;
constexpr std::chrono::minutes forget_interval{10};

/// A request that waits, and who is told.
struct Waiter {
  RowsRequest request;
  RowsDone done;

  void answer(RowsAnswer::Kind kind, Receipt receipt) { done({kind, std::move(receipt), {}}); }
};

/// No more records than this, and mostly just as many: each has a brace, or a line.
size_t most_records(const RowsRequest& request) {
  const char sign = request.format == Format::json ? '{' : '\n';
  return static_cast<size_t>(std::ranges::count(request.body, sign)) + 1;
}

/// What must not share its transaction: what is taken back by itself, what replaces all rows, and
/// what may be refused as a whole.
bool goes_alone(const RowsRequest& request) {
  return request.keep != RowsRequest::Keep::good_rows || request.mode == LoadMode::replace ||
         most_records(request) > request.max_rows + 1;
}

/// Requests for one pipeline, in the order in which they came; one worker at a time is at them.
struct Lane {
  std::deque<Waiter> waiting;
  bool at_work = false;
};

/// Inputs of a load, and what they point to.
struct Loading {
  RequestBodies bodies;
  std::vector<Run> runs;
  std::vector<Input> inputs;
  std::vector<const RowsRequest*> requests;
};

class GroupCommit final : public RowRequests {
 public:
  GroupCommit(const Project& project, Resources& resources, const Clock& clock, Options options)
      : project_(project),
        resources_(resources),
        clock_(clock),
        options_(options),
        sessions_(project, resources) {
    for (size_t i = 0; i < options_.workers; ++i) workers_.emplace_back([this] { work(); });
  }
  ~GroupCommit() override { drain(std::chrono::milliseconds(0)); }

  Result<void> submit(RowsRequest request, RowsDone done) override;
  Waiting waiting() const override {
    const std::lock_guard lock(mutex_);
    return waiting_;
  }
  void drain(std::chrono::milliseconds grace) override;

 private:
  using Lease = SessionPool::Lease;
  /// Those of a batch that are still to be answered.
  using Batch = std::vector<Waiter>;

  void work();
  Batch take_batch(Lane& lane);
  void load(const PipelineName& pipeline, Batch batch);
  Result<void> answer_known(Session& session, Batch& batch);
  /// False: the session is lost, and nobody of `batch` was answered.
  bool load_together(Lease& lease, std::span<Waiter> batch);
  void rehearse(const PipelineName& pipeline, Waiter& waiter);
  std::optional<trace::TraceContext> observe(const Loading& loading,
                                             std::span<const Receipt> receipts,
                                             const std::vector<Phase>& phases,
                                             Timestamp begun) const;
  void answer(std::span<Waiter> batch, std::vector<Receipt> receipts,
              const std::optional<trace::TraceContext>& commit);
  void fail_all(std::span<Waiter> batch, const Error& error);
  Result<void> ready_ledger(Session& session);
  Run run_of(const RowsRequest& request, const PipelineName& pipeline) const;

  const Project& project_;
  Resources& resources_;
  const Clock& clock_;
  const Options options_;
  SessionPool sessions_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::map<PipelineName, Lane> lanes_;  // guarded by mutex_, like all below
  std::deque<PipelineName> ready_;      // lanes with requests and no worker
  Waiting waiting_;
  size_t at_work_ = 0;
  bool draining_ = false, stopping_ = false;

  std::mutex ledger_mutex_;
  std::set<DatabaseName> with_ledger_;                      // guarded by ledger_mutex_
  std::map<DatabaseName, SteadyClock::time_point> forgot_;  // likewise

  std::vector<std::thread> workers_;
};

Result<void> GroupCommit::submit(RowsRequest request, RowsDone done) {
  const PipelineName name = rows_pipeline_name(request.table, request.mode, request.format);
  {
    const std::lock_guard lock(mutex_);
    if (draining_) return fail(ErrorCode::cancelled, "this weir is stopping");
    const uint64_t bytes = waiting_.bytes + request.body.size();
    if (waiting_.requests >= options_.most_requests || bytes > options_.most_bytes) {
      return fail(ErrorCode::busy, "too many rows wait to be loaded", "send them again later");
    }
    ++waiting_.requests;
    waiting_.bytes = bytes;
    Lane& lane = lanes_[name];
    lane.waiting.push_back({std::move(request), std::move(done)});
    if (lane.at_work || lane.waiting.size() > 1) return {};
    ready_.push_back(name);
  }
  changed_.notify_one();
  return {};
}

/// With mutex_ held. At least one request; no key twice, for the second is answered by the first.
GroupCommit::Batch GroupCommit::take_batch(Lane& lane) {
  Batch batch;
  std::set<std::string> keys;
  uint64_t bytes = 0;
  while (!lane.waiting.empty()) {
    const RowsRequest& next = lane.waiting.front().request;
    const bool alone = goes_alone(next);
    bytes += next.body.size();
    if (!batch.empty() && (alone || batch.size() == batch_requests || bytes > batch_bytes)) break;
    if (!next.idempotency_key.empty() && !keys.insert(next.idempotency_key).second) break;
    waiting_.bytes -= next.body.size();
    --waiting_.requests;
    batch.push_back(std::move(lane.waiting.front()));
    lane.waiting.pop_front();
    if (alone) break;
  }
  return batch;
}

void GroupCommit::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return stopping_ || !ready_.empty(); });
    if (ready_.empty()) return;
    const PipelineName name = ready_.front();
    ready_.pop_front();
    Lane& lane = lanes_[name];
    lane.at_work = true;
    ++at_work_;
    Batch batch = take_batch(lane);
    lock.unlock();
    load(name, std::move(batch));
    lock.lock();
    --at_work_;
    lane.at_work = false;
    if (!lane.waiting.empty()) ready_.push_back(name);
    changed_.notify_all();
  }
}

void GroupCommit::fail_all(std::span<Waiter> batch, const Error& error) {
  for (Waiter& waiter : batch) {
    const PipelineName name =
        rows_pipeline_name(waiter.request.table, waiter.request.mode, waiter.request.format);
    waiter.answer(RowsAnswer::Kind::failed, failed_receipt(run_of(waiter.request, name), error));
  }
}

Run GroupCommit::run_of(const RowsRequest& request, const PipelineName& pipeline) const {
  Run run;
  run.id = request.id;
  run.pipeline = pipeline;
  run.object = ObjectRef{RequestBodies::name(), ObjectKey(request.id.value())};
  run.trigger = "api";
  run.scheduled_for = run.created = clock_.now();
  return run;
}

/// Makes weir_requests at the first key, and forgets old ones now and then.
Result<void> GroupCommit::ready_ledger(Session& session) {
  const DatabaseName& database = session.parts().table->database;
  const std::lock_guard lock(ledger_mutex_);
  RequestLedger ledger(session);
  if (!with_ledger_.contains(database)) {
    WEIR_TRY(ledger.prepare());
    with_ledger_.insert(database);
  }
  const auto now = SteadyClock::now();
  auto& forgot = forgot_[database];
  if (forgot != SteadyClock::time_point() && now - forgot < forget_interval) return {};
  forgot = now;
  return ledger.forget(clock_.now() - options_.remember);
}

/// Answers those whose key is known, and takes them out of the batch.
Result<void> GroupCommit::answer_known(Session& session, Batch& batch) {
  std::vector<std::string> keys;
  for (const Waiter& waiter : batch) {
    const RowsRequest& request = waiter.request;
    const bool asks = request.keep != RowsRequest::Keep::nothing;
    if (asks && !request.idempotency_key.empty()) keys.push_back(request.idempotency_key);
  }
  if (keys.empty()) return {};
  WEIR_TRY(ready_ledger(session));
  for (const StoredRequest& known : WEIR_TRY(RequestLedger(session).find(keys))) {
    const auto at = std::ranges::find_if(
        batch, [&](const Waiter& waiter) { return waiter.request.idempotency_key == known.key; });
    if (at == batch.end()) continue;
    if (request_digest(at->request) == known.digest) {
      auto receipt = text::receipt_from_json(WEIR_TRY(text::Json::parse(known.receipt)));
      at->answer(RowsAnswer::Kind::repeated, WEIR_TRY(std::move(receipt)));
    } else {
      at->answer(RowsAnswer::Kind::reused_key, {});
    }
    batch.erase(at);
  }
  return {};
}

void GroupCommit::answer(std::span<Waiter> batch, std::vector<Receipt> receipts,
                         const std::optional<trace::TraceContext>& commit) {
  for (size_t i = 0; i < batch.size(); ++i) {
    batch[i].done({RowsAnswer::Kind::done, std::move(receipts[i]), commit});
  }
}

/// What small bodies are read in at a time; a file's chunks would be mostly empty.
constexpr size_t least_chunk_bytes = 4096;

void add_input(Session& session, const RowsRequest& request, Run run, Loading& loading) {
  loading.bodies.add(run.object->key, request.body);
  loading.requests.push_back(&request);
  loading.runs.push_back(std::move(run));
  Input input;
  input.bucket = &loading.bodies;
  input.key = session.ledger_key(loading.runs.back().object);
  input.before.key = loading.runs.back().object->key;
  input.before.size_bytes = request.body.size();
  input.options = text::record_options(*session.parts().read, "");
  input.options.columns = session.parts().source_columns.size();
  input.options.chunk_bytes =
      std::min(input.options.chunk_bytes, request.body.size() + least_chunk_bytes);
  loading.inputs.push_back(std::move(input));
}

std::optional<trace::TraceContext> GroupCommit::observe(const Loading& loading,
                                                        std::span<const Receipt> receipts,
                                                        const std::vector<Phase>& phases,
                                                        Timestamp begun) const {
  if (options_.observer == nullptr) return std::nullopt;
  return options_.observer->committed({loading.requests, receipts, phases, begun, clock_.now()});
}

bool GroupCommit::load_together(Lease& lease, std::span<Waiter> batch) {
  if (batch.empty()) return true;
  Session& session = *lease.session;
  Loading loading;
  loading.runs.reserve(batch.size());
  for (const Waiter& waiter : batch) {
    add_input(session, waiter.request, run_of(waiter.request, session.parts().pipeline->name),
              loading);
  }
  for (size_t i = 0; i < batch.size(); ++i) loading.inputs[i].run = &loading.runs[i];
  RequestBook book(session, clock_, loading.requests);
  Progress progress;
  PhaseTimes times(clock_);
  LoadContext context{project_, clock_, *resources_.table_locks, progress, 1, &book};
  if (resources_.tracer != nullptr) context.times = &times;
  const Timestamp begun = clock_.now();
  auto receipts = load_objects(session, loading.inputs, context);
  if (receipts) {
    const auto commit = observe(loading, *receipts, times.take(), begun);
    answer(batch, *std::move(receipts), commit);
    return true;
  }
  LoadFailure failure = std::move(receipts).error();
  if (sessions_.check_lost(lease, failure.error)) {
    fail_all(batch, failure.error);
    return false;
  }
  if (batch.size() > 1) {
    // One of them is to blame: halves show which, and the others still share their transactions.
    const size_t half = batch.size() / 2;
    if (load_together(lease, batch.first(half))) return load_together(lease, batch.subspan(half));
    fail_all(batch.subspan(half), failure.error);
    return false;
  }
  Receipt receipt = failed_receipt(loading.runs.front(), failure.error);
  receipt.rows = failure.rows;
  receipt.rejects = std::move(failure.rejects);
  receipt.broken_rules = std::move(failure.broken_rules);
  const auto kind = book.too_many_rows() ? RowsAnswer::Kind::too_many_rows
                    : failure.error.code == ErrorCode::too_many_rejects
                        ? RowsAnswer::Kind::all_refused
                        : RowsAnswer::Kind::failed;
  batch.front().answer(kind, std::move(receipt));
  return true;
}

/// In a session of its own, whose transaction is rolled back with it.
void GroupCommit::rehearse(const PipelineName& pipeline, Waiter& waiter) {
  const auto planned = [&]() -> Result<Receipt> {
    const Pipeline& steps = *project_.find_pipeline(pipeline);
    const DatabaseName database = WEIR_TRY(sessions_.database_of(pipeline));
    const auto workshop = WEIR_TRY(resources_.databases->open_workshop(database));
    SessionOptions options;
    options.purpose = LoadPurpose::rehearse;
    options.load.always_stage = true;
    const auto parts = WEIR_TRY(take_apart(project_, steps));
    std::vector<TableName> tables = {parts.table->name};
    for (const Reference& reference : WEIR_TRY(find_references(project_, *parts.table))) {
      tables.push_back(reference.parent->name);
    }
    const auto locks = resources_.table_locks->take(std::move(tables), TableLocks::Use::alone);
    options.databases = resources_.databases.get();
    if (project_.find_database(database)->engine != Engine::duckdb) {
      options.server = WEIR_TRY(resources_.databases->connect(database));
    }
    const auto session = WEIR_TRY(Session::open(project_, steps, *workshop, std::move(options)));
    Loading loading;
    add_input(*session, waiter.request, run_of(waiter.request, pipeline), loading);
    loading.inputs.front().run = &loading.runs.front();
    RequestBook book(*session, clock_, {&waiter.request});
    Progress progress;
    LoadContext context{project_, clock_, *resources_.table_locks, progress, 1, &book};
    auto receipts = load_objects(*session, loading.inputs, context);
    if (receipts) return std::move(receipts->front());
    if (book.too_many_rows()) return fail(ErrorCode::usage, receipts.error().error.message);
    return fail(receipts.error().error);
  }();
  if (planned) return waiter.answer(RowsAnswer::Kind::done, *planned);
  const bool too_many = planned.error().code == ErrorCode::usage;
  waiter.answer(too_many ? RowsAnswer::Kind::too_many_rows : RowsAnswer::Kind::failed,
                failed_receipt(run_of(waiter.request, pipeline), planned.error()));
}

void GroupCommit::load(const PipelineName& pipeline, Batch batch) {
  if (batch.front().request.keep == RowsRequest::Keep::nothing) {
    return rehearse(pipeline, batch.front());
  }
  auto lease = sessions_.open(pipeline);
  if (!lease) return fail_all(batch, lease.error().error);
  const auto known = answer_known(*lease->session, batch);
  if (!known) {
    fail_all(batch, known.error());
    if (sessions_.check_lost(*lease, known.error())) return;
  } else if (!load_together(*lease, batch)) {
    return;
  }
  sessions_.give_back(*std::move(lease));
}

void GroupCommit::drain(std::chrono::milliseconds grace) {
  Batch left;
  {
    std::unique_lock lock(mutex_);
    draining_ = true;
    changed_.wait_for(lock, grace, [this] { return waiting_.requests == 0 && at_work_ == 0; });
    stopping_ = true;
    ready_.clear();
    for (auto& [name, lane] : lanes_) {
      std::ranges::move(lane.waiting, std::back_inserter(left));
      lane.waiting.clear();
    }
    waiting_ = {};
  }
  changed_.notify_all();
  fail_all(left, {ErrorCode::cancelled, "this weir is stopping", "send the rows again"});
  for (std::thread& worker : workers_) {
    if (worker.joinable()) worker.join();
  }
}

}  // namespace

std::unique_ptr<RowRequests> make_row_requests(const Project& project, Resources& resources,
                                               const Clock& clock, RowRequests::Options options) {
  return std::make_unique<GroupCommit>(project, resources, clock, options);
}

}  // namespace weir::pipeline
