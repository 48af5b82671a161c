#include "pipeline/row_requests.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "base/fault_point.h"
#include "pipeline/batch_load.h"
#include "pipeline/input_lookup.h"
#include "pipeline/plain_batch.h"
#include "pipeline/plain_sessions.h"
#include "pipeline/request_bodies.h"
#include "pipeline/request_book.h"
#include "pipeline/request_keys.h"
#include "pipeline/request_lanes.h"
#include "pipeline/request_ledger.h"
#include "pipeline/session_pool.h"
#include "text/receipt_json.h"

namespace weir::pipeline {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::chrono::minutes forget_interval{10};
/// Of one judged transaction. A row's key has 15 bits for its input.
constexpr size_t judged_requests = 256;
/// Batches of one lane that are at work at once where a server keeps them apart.
constexpr size_t plain_width = 2;

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
        sessions_(project, resources),
        plain_(sessions_, *resources.databases),
        lanes_({options.most_requests, options.most_bytes}) {
    for (size_t i = 0; i < options_.workers; ++i) workers_.emplace_back([this] { work(); });
  }
  ~GroupCommit() override { drain(std::chrono::milliseconds(0)); }

  Result<void> submit(RowsRequest request, RowsDone done) override {
    return lanes_.submit(std::move(request), std::move(done));
  }
  Waiting waiting() const override { return lanes_.waiting(); }
  void drain(std::chrono::milliseconds grace) override;

 private:
  using Lease = SessionPool::Lease;
  using Batch = RequestLanes::Batch;
  using Plain = RequestLanes::Plain;

  void work();
  Plain load(Batch& batch);
  Plain load_plainly(Batch& batch);
  Result<void> write_plainly(Session& session, PlainLoad& load, const PlainBatch& taken);
  void answer_plainly(PlainBatch taken, std::vector<Waiter>& waiters,
                      const std::vector<Phase>& phases, Timestamp begun);
  void load_judged(const PipelineName& pipeline, std::vector<Waiter>& waiters);
  Result<void> answer_known(Session& session, std::vector<Waiter>& waiters);
  /// False: the session is lost, and nobody of `batch` was answered.
  bool load_together(Lease& lease, std::span<Waiter> batch);
  void rehearse(const PipelineName& pipeline, Waiter& waiter);
  std::optional<trace::TraceContext> observe(std::span<const RowsRequest* const> requests,
                                             std::span<const Receipt> receipts,
                                             const std::vector<Phase>& phases,
                                             Timestamp begun) const;
  void answer(std::span<Waiter> batch, std::vector<Receipt> receipts,
              const std::optional<trace::TraceContext>& commit);
  void fail_all(std::span<Waiter> batch, const Error& error);
  Result<void> ready_ledger(Session& session);
  Result<bool> may_be_known(Session& session, std::span<const std::string> keys);
  Run run_of(const RowsRequest& request, const PipelineName& pipeline) const;

  const Project& project_;
  Resources& resources_;
  const Clock& clock_;
  const Options options_;
  SessionPool sessions_;
  PlainSessions plain_;
  RequestLanes lanes_;

  std::mutex ledger_mutex_;
  std::set<DatabaseName> with_ledger_;                      // guarded by ledger_mutex_
  std::map<DatabaseName, SteadyClock::time_point> forgot_;  // likewise
  std::map<DatabaseName, RequestKeys> keys_;                // likewise; of DuckDB files

  std::vector<std::thread> workers_;
};

void GroupCommit::work() {
  while (auto batch = lanes_.take()) {
    const Plain plain = load(*batch);
    lanes_.finish(*batch, plain);
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
  keys_.erase(database);  // read again, without those that are forgotten now
  return ledger.forget(clock_.now() - options_.remember);
}

/// Whether to look for keys that are going to be used now.
Result<bool> GroupCommit::may_be_known(Session& session, std::span<const std::string> keys) {
  if (session.server() != nullptr) return true;
  const std::lock_guard lock(ledger_mutex_);
  const DatabaseName& database = session.parts().table->database;
  if (!keys_.contains(database)) {
    RequestKeys there;
    // Those that are not committed yet, before the table is read: none slips through between.
    for (const std::string& key : lanes_.keys_at_work()) there.add(key);
    WEIR_TRY(RequestLedger(session).each_key([&](std::string_view key) { there.add(key); }));
    keys_.emplace(database, std::move(there));
  }
  RequestKeys& known = keys_.at(database);
  const bool may_be = known.may_hold_any(keys);
  for (const std::string& key : keys) known.add(key);
  return may_be;
}

/// Answers those whose key is known, and takes them out of the batch.
Result<void> GroupCommit::answer_known(Session& session, std::vector<Waiter>& waiters) {
  std::vector<std::string> keys;
  for (const Waiter& waiter : waiters) {
    const RowsRequest& request = waiter.request;
    const bool asks = request.keep != RowsRequest::Keep::nothing;
    if (asks && !request.idempotency_key.empty()) keys.push_back(request.idempotency_key);
  }
  if (keys.empty()) return {};
  WEIR_TRY(ready_ledger(session));
  if (!WEIR_TRY(may_be_known(session, keys))) return {};
  for (const StoredRequest& known : WEIR_TRY(RequestLedger(session).find(keys))) {
    const auto at = std::ranges::find_if(
        waiters, [&](const Waiter& waiter) { return waiter.request.idempotency_key == known.key; });
    if (at == waiters.end()) continue;
    if (request_digest(at->request) == known.digest) {
      auto receipt = text::receipt_from_json(WEIR_TRY(text::Json::parse(known.receipt)));
      at->answer(RowsAnswer::Kind::repeated, WEIR_TRY(std::move(receipt)));
    } else {
      at->answer(RowsAnswer::Kind::reused_key, {});
    }
    waiters.erase(at);
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

std::optional<trace::TraceContext> GroupCommit::observe(
    std::span<const RowsRequest* const> requests, std::span<const Receipt> receipts,
    const std::vector<Phase>& phases, Timestamp begun) const {
  if (options_.observer == nullptr) return std::nullopt;
  return options_.observer->committed({requests, receipts, phases, begun, clock_.now()});
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
    const auto commit = observe(loading.requests, *receipts, times.take(), begun);
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

/// What requests leave that were taken plainly.
Result<void> GroupCommit::write_plainly(Session& session, PlainLoad& load,
                                        const PlainBatch& taken) {
  WEIR_TRY(load.write());
  if (!taken.stored.empty()) WEIR_TRY(RequestLedger(session).write(taken.stored));
  fault_point("before-commit");
  return {};
}

void GroupCommit::answer_plainly(PlainBatch taken, std::vector<Waiter>& waiters,
                                 const std::vector<Phase>& phases, Timestamp begun) {
  std::vector<const RowsRequest*> requests;
  for (const size_t i : taken.waiters) requests.push_back(&waiters[i].request);
  const auto commit = observe(requests, taken.receipts, phases, begun);
  answer_plain(std::move(taken), waiters, commit);
}

/// Answers those whose rows are plainly good, and takes them out of the batch.
GroupCommit::Plain GroupCommit::load_plainly(Batch& batch) {
  auto held = plain_.take(batch.pipeline);
  if (held == nullptr) return Plain::untried;
  Session& session = *held->lease.session;
  const bool has_keys = !batch.keys.empty();
  // A server's own key on weir_requests refuses what is known; a file has none.
  if (has_keys && !ready_ledger(session)) return Plain::untried;
  if (has_keys && session.server() == nullptr && !answer_known(session, batch.waiters)) {
    return Plain::untried;
  }
  fault_point("before-stage");
  PlainLoad& load = *held->load;
  PhaseTimes times(clock_);
  const Timestamp begun = clock_.now();
  times.begin("read");
  PlainBatch taken = take_plain(load, batch.waiters, batch.pipeline, clock_.now());
  if (taken.waiters.empty()) {
    load.clear();
    plain_.give_back(batch.pipeline, std::move(held));
    return Plain::untried;
  }
  const auto locks =
      resources_.table_locks->take({session.parts().table->name}, TableLocks::Use::append);
  times.begin("write");
  if (const auto written = write_plainly(session, load, taken); !written) {
    const bool met = written.error().code == ErrorCode::busy ||
                     (session.server() != nullptr && session.server()->refusal().by_row);
    load.rollback();
    return met ? Plain::met : Plain::untried;  // with a new session, if the old one is at fault
  }
  times.begin("commit");
  const auto committed = load.commit();
  if (!committed && session.server() != nullptr && !session.server()->works()) {
    // It may be in, or not: judged again it could be in twice.
    for (const size_t i : taken.waiters) fail_all({&batch.waiters[i], 1}, committed.error());
    erase_places(batch.waiters, taken.waiters);
    return Plain::untried;
  }
  if (!committed) return Plain::met;
  fault_point("after-commit");
  if (held->fresh && session.server() != nullptr) lanes_.set_width(batch.pipeline, plain_width);
  load.clear();
  plain_.give_back(batch.pipeline, std::move(held));
  answer_plainly(std::move(taken), batch.waiters, times.take(), begun);
  return Plain::went_well;
}

void GroupCommit::load_judged(const PipelineName& pipeline, std::vector<Waiter>& waiters) {
  plain_.drop_lost();
  auto lease = sessions_.open(pipeline);
  if (!lease) return fail_all(waiters, lease.error().error);
  if (const auto known = answer_known(*lease->session, waiters); !known) {
    fail_all(waiters, known.error());
    if (sessions_.check_lost(*lease, known.error())) return;
    return sessions_.give_back(*std::move(lease));
  }
  // Those that go alone behind those that do not: nobody waits for their order.
  const auto alone = std::ranges::stable_partition(
      waiters, [](const Waiter& waiter) { return !goes_alone(waiter.request); });
  const auto together = static_cast<size_t>(alone.begin() - waiters.begin());
  for (size_t begin = 0; begin < waiters.size();) {
    const size_t count = begin < together ? std::min(judged_requests, together - begin) : size_t{1};
    const std::span<Waiter> some(waiters.data() + begin, count);
    begin += count;
    if (load_together(*lease, some)) continue;
    return fail_all({waiters.data() + begin, waiters.size() - begin},
                    {ErrorCode::unavailable, "the database was lost", "send the rows again"});
  }
  sessions_.give_back(*std::move(lease));
}

GroupCommit::Plain GroupCommit::load(Batch& batch) {
  if (batch.waiters.front().request.keep == RowsRequest::Keep::nothing) {
    rehearse(batch.pipeline, batch.waiters.front());
    return Plain::untried;
  }
  const Plain plain = batch.plain ? load_plainly(batch) : Plain::untried;
  if (!batch.waiters.empty()) load_judged(batch.pipeline, batch.waiters);
  return plain;
}

void GroupCommit::drain(std::chrono::milliseconds grace) {
  std::vector<Waiter> left = lanes_.drain(grace);
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
