#include "pipeline/executor.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "base/log.h"
#include "pipeline/batch_load.h"
#include "pipeline/download.h"
#include "pipeline/input_lookup.h"
#include "pipeline/phase_spans.h"
#include "pipeline/replay.h"
#include "pipeline/session_pool.h"
#include "text/content_version.h"
#include "text/receipt_json.h"

namespace weir::pipeline {
namespace {

/// Inputs up to this size share a transaction, up to this much in one.
constexpr uint64_t small_input_bytes = 1u << 20;
constexpr uint64_t batch_bytes = 16u << 20;
/// All inputs of a batch are open at once, and a row's key has 15 bits for its input.
constexpr size_t batch_inputs = 256;

class DuckdbExecutor final : public Executor {
 public:
  DuckdbExecutor(const Project& project, Resources& resources, const Clock& clock)
      : project_(project), resources_(resources), clock_(clock), sessions_(project, resources) {}

  std::vector<RunOutcome> execute(std::span<const Run> runs, Progress& progress) override;
  void order_replay(const RunId& replay, ReplayOrder order) override;
  Result<bool> is_loaded(const PipelineName& pipeline, const ObjectRef& object) override;
  Result<void> reach(const DatabaseName& database) override {
    return resources_.databases->reach(database);
  }

 private:
  using Lease = SessionPool::Lease;
  /// Inputs that share a transaction, and the places of their runs in the batch.
  struct Group {
    std::vector<size_t> places;
    std::vector<Input> inputs;
    uint64_t bytes = 0;
  };
  using NoSession = SessionPool::NoSession;
  /// What one batch is executed with.
  struct Batch {
    std::span<const Run> runs;
    Progress& progress;
    Lease lease;  // no session: it was lost, and `lost` says what the rest of the runs end with
    NoSession lost;
    std::vector<RunOutcome> outcomes;
  };

  /// After a failed load: a new session where the database broke. False: there is none to be had.
  bool mend_session(Batch& batch, const Error& error);

  std::vector<RunOutcome> execute_inputs(std::span<const Run> runs, Progress& progress);
  RunOutcome execute_replay(const Run& run, Progress& progress);
  void execute_objects(Batch& batch);
  void execute_distinct(Batch& batch, size_t begin, size_t end);
  RunOutcome execute_query(Session& session, const Run& run, Progress& progress);

  void load_in_groups(Batch& batch, std::vector<size_t> places, std::vector<Input> inputs);
  void load_group(Batch& batch, std::span<const size_t> places, std::span<Input> inputs);
  void load_one(Batch& batch, size_t place, Input& input);
  LoadContext context(Progress& progress, uint64_t bytes, PhaseTimes* times);

  const Project& project_;
  Resources& resources_;
  const Clock& clock_;
  SessionPool sessions_;
  std::mutex orders_mutex_;
  std::map<RunId, ReplayOrder> orders_;  // of replays that have not ended
};

RunOutcome no_session_outcome(const Run& run, const Error& error,
                              const std::optional<DatabaseName>& down) {
  RunOutcome outcome;
  outcome.receipt = failed_receipt(run, error);
  outcome.down = down;
  return outcome;
}

bool DuckdbExecutor::mend_session(Batch& batch, const Error& error) {
  if (!sessions_.check_lost(batch.lease, error)) return true;
  auto lease = sessions_.open(batch.runs.front().pipeline);
  if (lease) {
    batch.lease = *std::move(lease);
    return true;
  }
  batch.lost = std::move(lease).error();
  return false;
}

LoadContext DuckdbExecutor::context(Progress& progress, uint64_t bytes, PhaseTimes* times) {
  // Waking a second thread costs more than a small input takes.
  const bool large = bytes > 4 * small_input_bytes;
  const int threads =
      large ? static_cast<int>(std::max(1u, std::thread::hardware_concurrency())) : 1;
  return {project_, clock_, *resources_.table_locks, progress, threads, nullptr, times};
}

void DuckdbExecutor::order_replay(const RunId& replay, ReplayOrder order) {
  const std::lock_guard lock(orders_mutex_);
  orders_[replay] = std::move(order);
}

RunOutcome DuckdbExecutor::execute_replay(const Run& run, Progress& progress) {
  RunOutcome outcome;
  std::optional<ReplayOrder> order;
  {
    const std::lock_guard lock(orders_mutex_);
    const auto found = orders_.find(run.id);
    if (found != orders_.end()) order = found->second;
  }
  auto receipt = order ? replay_rejects(project_, resources_, clock_, run, *order, progress)
                       : interrupted_replay(resources_, run.id);
  const bool again = !receipt && receipt.error().retryable();
  if (order && again && receipt.error().code == ErrorCode::unavailable) {
    const DatabaseName& database = order->rejected.database;
    if (!resources_.databases->reach(database)) outcome.down = database;
  }
  outcome.receipt = receipt ? *std::move(receipt) : failed_receipt(run, receipt.error());
  const std::lock_guard lock(orders_mutex_);
  if (!again) orders_.erase(run.id);
  return outcome;
}

std::vector<RunOutcome> DuckdbExecutor::execute(std::span<const Run> runs, Progress& progress) {
  std::vector<RunOutcome> outcomes;
  while (!runs.empty()) {
    const auto is_replay = [](const Run& run) { return run.trigger == replay_trigger; };
    const size_t inputs = static_cast<size_t>(std::ranges::find_if(runs, is_replay) - runs.begin());
    std::ranges::move(execute_inputs(runs.first(inputs), progress), std::back_inserter(outcomes));
    runs = runs.subspan(inputs);
    if (runs.empty()) break;
    outcomes.push_back(execute_replay(runs.front(), progress));
    runs = runs.subspan(1);
  }
  return outcomes;
}

std::vector<RunOutcome> DuckdbExecutor::execute_inputs(std::span<const Run> runs,
                                                       Progress& progress) {
  Batch batch{runs, progress, {}, {}, std::vector<RunOutcome>(runs.size())};
  if (runs.empty()) return {};
  const Pipeline* pipeline = project_.find_pipeline(runs.front().pipeline);
  if (pipeline != nullptr && pipeline->download() != nullptr) {
    for (size_t i = 0; i < runs.size(); ++i) {
      PhaseSpans spans(project_, resources_.tracer, clock_);
      if (PhaseTimes* times = spans.times()) times->begin("download");
      batch.outcomes[i] =
          execute_download(project_, resources_, clock_, *pipeline, runs[i], progress);
      spans.end(runs[i]);
    }
    return std::move(batch.outcomes);
  }
  auto lease = sessions_.open(runs.front().pipeline);
  if (!lease) {
    for (size_t i = 0; i < runs.size(); ++i) {
      batch.outcomes[i] = no_session_outcome(runs[i], lease.error().error, lease.error().down);
    }
    return std::move(batch.outcomes);
  }
  batch.lease = *std::move(lease);
  if (batch.lease->parts().read != nullptr) {
    execute_objects(batch);
  } else {
    for (size_t i = 0; i < runs.size(); ++i) {
      if (!batch.lease.session) {
        batch.outcomes[i] = no_session_outcome(runs[i], batch.lost.error, batch.lost.down);
        continue;
      }
      batch.outcomes[i] = execute_query(*batch.lease.session, runs[i], progress);
      const auto& error = batch.outcomes[i].receipt.error;
      if (error) mend_session(batch, *error);
    }
  }
  if (batch.lease.session) sessions_.give_back(std::move(batch.lease));
  return std::move(batch.outcomes);
}

RunOutcome failed_outcome(const Run& run, LoadFailure failure) {
  RunOutcome outcome;
  outcome.requeue = failure.error.code == ErrorCode::input_changed;
  outcome.receipt = failed_receipt(run, std::move(failure.error));
  outcome.receipt.rows = failure.rows;
  outcome.receipt.rejects = std::move(failure.rejects);
  outcome.receipt.broken_rules = std::move(failure.broken_rules);
  return outcome;
}

RunOutcome DuckdbExecutor::execute_query(Session& session, const Run& run, Progress& progress) {
  RunOutcome outcome;
  // This very run may have committed before the process died: its receipt stands.
  auto committed =
      session.ledger().receipt_of(session.ledger_key(std::nullopt), ObjectVersion(run.id.value()));
  if (!committed || *committed) {
    outcome.receipt = committed ? **std::move(committed) : failed_receipt(run, committed.error());
    return outcome;
  }
  PhaseSpans spans(project_, resources_.tracer, clock_);
  auto receipt = load_query(session, run, context(progress, 0, spans.times()));
  spans.end(run);
  if (!receipt) return failed_outcome(run, std::move(receipt).error());
  outcome.receipt = *std::move(receipt);
  return outcome;
}

void DuckdbExecutor::load_one(Batch& batch, size_t place, Input& input) {
  RunOutcome& outcome = batch.outcomes[place];
  if (!batch.lease.session) {
    outcome = no_session_outcome(*input.run, batch.lost.error, batch.lost.down);
    return;
  }
  PhaseSpans spans(project_, resources_.tracer, clock_);
  auto receipts = load_objects(*batch.lease.session, {&input, 1},
                               context(batch.progress, input.before.size_bytes, spans.times()));
  spans.end(*input.run);
  if (receipts) {
    outcome.receipt = std::move(receipts->front());
    outcome.seen = input.before;
    return;
  }
  outcome = failed_outcome(*input.run, std::move(receipts).error());
  const Error& error = *outcome.receipt.error;
  const DatabaseName& database = batch.lease->parts().table->database;
  // A disk that is full is no fault of the input's: the database takes no loads until there is
  // room.
  const bool disk = error.code == ErrorCode::io;
  if (disk && !resources_.databases->open_workshop(database)) outcome.down = database;
  mend_session(batch, error);
}

void DuckdbExecutor::load_group(Batch& batch, std::span<const size_t> places,
                                std::span<Input> inputs) {
  if (inputs.empty()) return;
  if (inputs.size() == 1 || !batch.lease.session) {
    for (size_t i = 0; i < inputs.size(); ++i) load_one(batch, places[i], inputs[i]);
    return;
  }
  uint64_t bytes = 0;
  for (const Input& input : inputs) bytes += input.before.size_bytes;
  PhaseSpans spans(project_, resources_.tracer, clock_);
  auto receipts =
      load_objects(*batch.lease.session, inputs, context(batch.progress, bytes, spans.times()));
  if (receipts) {
    for (const size_t place : places) spans.end(batch.runs[place]);
    for (size_t i = 0; i < inputs.size(); ++i) {
      batch.outcomes[places[i]].receipt = std::move((*receipts)[i]);
      batch.outcomes[places[i]].seen = inputs[i].before;
    }
    return;
  }
  // One of them is to blame: halves show which, and the others still share their transactions.
  const Error& error = receipts.error().error;
  log::debug("a batch of {} inputs is loaded in halves: {}", inputs.size(), error.message);
  mend_session(batch, error);
  const size_t half = inputs.size() / 2;
  load_group(batch, places.first(half), inputs.first(half));
  load_group(batch, places.subspan(half), inputs.subspan(half));
}

void DuckdbExecutor::execute_objects(Batch& batch) {
  // An object twice in one call: the second look must see what the first one committed.
  size_t begin = 0;
  while (begin < batch.runs.size()) {
    std::set<ObjectRef> seen;
    size_t end = begin;
    for (; end < batch.runs.size(); ++end) {
      const auto& object = batch.runs[end].object;
      if (object && !seen.insert(*object).second) break;
    }
    execute_distinct(batch, begin, end);
    begin = end;
  }
}

void DuckdbExecutor::execute_distinct(Batch& batch, size_t begin, size_t end) {
  const auto fail_run = [&](size_t place, const Error& error) {
    batch.outcomes[place].receipt = failed_receipt(batch.runs[place], error);
  };
  std::vector<size_t> places;
  std::vector<Input> inputs;
  std::vector<LedgerKey> keys;
  for (size_t i = begin; i < end; ++i) {
    if (!batch.lease.session) {
      batch.outcomes[i] = no_session_outcome(batch.runs[i], batch.lost.error, batch.lost.down);
      continue;
    }
    Input input;
    input.run = &batch.runs[i];
    if (const auto found = find_input(*batch.lease.session, resources_, input); !found) {
      fail_run(i, found.error());
      continue;
    }
    keys.push_back(input.key);
    places.push_back(i);
    inputs.push_back(std::move(input));
  }
  if (inputs.empty()) return;
  const auto latest = batch.lease->ledger().latest(keys);
  if (!latest) {
    for (const size_t place : places) fail_run(place, latest.error());
    mend_session(batch, latest.error());
    return;
  }
  for (size_t i = 0; i < inputs.size(); ++i) inputs[i].latest = (*latest)[i];
  load_in_groups(batch, std::move(places), std::move(inputs));
}

void DuckdbExecutor::load_in_groups(Batch& batch, std::vector<size_t> places,
                                    std::vector<Input> inputs) {
  Group group;
  const auto load = [&] {
    load_group(batch, group.places, group.inputs);
    group = {};
  };
  for (size_t i = 0; i < inputs.size(); ++i) {
    Input& input = inputs[i];
    RunOutcome& outcome = batch.outcomes[places[i]];
    if (!batch.lease.session) {
      outcome = no_session_outcome(*input.run, batch.lost.error, batch.lost.down);
      continue;
    }
    auto done = judge_input(*batch.lease.session, input);
    if (!done) {
      outcome.receipt = failed_receipt(*input.run, done.error());
      mend_session(batch, done.error());
      continue;
    }
    if (*done) {
      outcome.receipt = **std::move(done);
      outcome.seen = input.before;
      continue;
    }
    const uint64_t bytes = input.before.size_bytes;
    batch.progress.bytes_total += bytes;
    // The run variables have one value in a batch, and each run has its own. What replaces all
    // rows must not share a commit with what it would replace. What has failed before may well fail
    // again, and would take the others with it.
    const bool replaces = batch.lease->parts().load->mode == LoadMode::replace;
    const bool alone = bytes > small_input_bytes || batch.lease->uses_run_variables() || replaces ||
                       input.run->failures > 0;
    const bool full = group.bytes + bytes > batch_bytes || group.inputs.size() == batch_inputs;
    if (alone || full) load();
    group.bytes += bytes;
    group.places.push_back(places[i]);
    group.inputs.push_back(std::move(input));
    if (alone) load();
  }
  load();
}

Result<bool> DuckdbExecutor::is_loaded(const PipelineName& pipeline, const ObjectRef& object) {
  auto lease = sessions_.open(pipeline);
  if (!lease) return fail(lease.error().error);
  Run run;
  run.pipeline = pipeline;
  run.object = object;
  Input input;
  input.run = &run;
  const auto answer = [&]() -> Result<bool> {
    WEIR_TRY(find_input(*lease->session, resources_, input));
    input.latest = WEIR_TRY((*lease)->ledger().latest({&input.key, 1})).front();
    return WEIR_TRY(judge_input(*lease->session, input)).has_value();
  }();
  sessions_.give_back(*std::move(lease));
  return answer;
}

}  // namespace

Result<std::unique_ptr<Executor>> make_executor(const Project& project, Resources& resources,
                                                const Clock& clock) {
  return std::make_unique<DuckdbExecutor>(project, resources, clock);
}

}  // namespace weir::pipeline
