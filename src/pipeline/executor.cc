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
#include "pipeline/replay.h"
#include "pipeline/session.h"
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
      : project_(project), resources_(resources), clock_(clock) {}

  std::vector<RunOutcome> execute(std::span<const Run> runs, Progress& progress) override;
  void order_replay(const RunId& replay, ReplayOrder order) override;
  Result<bool> is_loaded(const PipelineName& pipeline, const ObjectRef& object) override;

 private:
  using SessionPointer = std::unique_ptr<Session>;

  SessionPointer take_idle(const PipelineName& name);  // null: there is none
  Result<SessionPointer> take_session(const PipelineName& name);
  void give_back(SessionPointer session);

  std::vector<RunOutcome> execute_inputs(std::span<const Run> runs, Progress& progress);
  RunOutcome execute_replay(const Run& run, Progress& progress);
  void execute_objects(Session& session, std::span<const Run> runs, Progress& progress,
                       std::vector<RunOutcome>& outcomes);
  RunOutcome execute_query(Session& session, const Run& run, Progress& progress);

  void load_in_groups(Session& session, std::vector<std::pair<size_t, Input>>& inputs,
                      Progress& progress, std::vector<RunOutcome>& outcomes);
  void load_group(Session& session, std::vector<std::pair<size_t, Input>>& group,
                  Progress& progress, std::vector<RunOutcome>& outcomes);
  RunOutcome load_one(Session& session, Input& input, Progress& progress);
  LoadContext context(Progress& progress, uint64_t bytes);

  const Project& project_;
  Resources& resources_;
  const Clock& clock_;
  std::mutex sessions_mutex_;
  std::map<PipelineName, std::vector<SessionPointer>> idle_sessions_;
  std::mutex orders_mutex_;
  std::map<RunId, ReplayOrder> orders_;  // of replays that have not ended
};

DuckdbExecutor::SessionPointer DuckdbExecutor::take_idle(const PipelineName& name) {
  const std::lock_guard lock(sessions_mutex_);
  auto& idle = idle_sessions_[name];
  if (idle.empty()) return nullptr;
  SessionPointer session = std::move(idle.back());
  idle.pop_back();
  return session;
}

Result<DuckdbExecutor::SessionPointer> DuckdbExecutor::take_session(const PipelineName& name) {
  if (SessionPointer idle = take_idle(name)) {
    WEIR_TRY(idle->ready_tables(project_, resources_.table_locks.get()));
    return idle;
  }
  const Pipeline* pipeline = project_.find_pipeline(name);
  if (pipeline == nullptr) {
    return fail(ErrorCode::not_found, "there is no pipeline '" + name.value() + "'");
  }
  const PipelineParts parts = WEIR_TRY(take_apart(project_, *pipeline));
  const auto database = resources_.duckdb.find(parts.table->database);
  if (database == resources_.duckdb.end()) {
    return fail(ErrorCode::unavailable,
                "database '" + parts.table->database.value() + "' is not open");
  }
  return Session::open(project_, *pipeline, *database->second,
                       {.table_locks = resources_.table_locks.get()});
}

void DuckdbExecutor::give_back(SessionPointer session) {
  const std::lock_guard lock(sessions_mutex_);
  idle_sessions_[session->parts().pipeline->name].push_back(std::move(session));
}

LoadContext DuckdbExecutor::context(Progress& progress, uint64_t bytes) {
  // Waking a second thread costs more than a small input takes.
  const bool large = bytes > 4 * small_input_bytes;
  const int threads =
      large ? static_cast<int>(std::max(1u, std::thread::hardware_concurrency())) : 1;
  return {project_, clock_, *resources_.table_locks, progress, threads};
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
  std::vector<RunOutcome> outcomes(runs.size());
  if (runs.empty()) return outcomes;
  const Pipeline* pipeline = project_.find_pipeline(runs.front().pipeline);
  if (pipeline != nullptr && pipeline->download() != nullptr) {
    for (size_t i = 0; i < runs.size(); ++i) {
      outcomes[i] = execute_download(project_, resources_, clock_, *pipeline, runs[i], progress);
    }
    return outcomes;
  }
  auto session = take_session(runs.front().pipeline);
  if (!session) {
    for (size_t i = 0; i < runs.size(); ++i) {
      outcomes[i].receipt = failed_receipt(runs[i], session.error());
    }
    return outcomes;
  }
  if ((*session)->parts().read != nullptr) {
    execute_objects(**session, runs, progress, outcomes);
  } else {
    for (size_t i = 0; i < runs.size(); ++i) {
      outcomes[i] = execute_query(**session, runs[i], progress);
    }
  }
  give_back(*std::move(session));
  return outcomes;
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
  const auto committed = [&]() -> Result<std::optional<Receipt>> {
    const auto json = WEIR_TRY(session.ledger().receipt_of(session.ledger_key(std::nullopt),
                                                           ObjectVersion(run.id.value())));
    if (!json) return std::nullopt;
    return WEIR_TRY(text::receipt_from_json(WEIR_TRY(text::Json::parse(*json))));
  }();
  if (!committed || *committed) {
    outcome.receipt = committed ? **committed : failed_receipt(run, committed.error());
    return outcome;
  }
  auto receipt = load_query(session, run, context(progress, 0));
  if (!receipt) return failed_outcome(run, std::move(receipt).error());
  outcome.receipt = *std::move(receipt);
  return outcome;
}

RunOutcome DuckdbExecutor::load_one(Session& session, Input& input, Progress& progress) {
  RunOutcome outcome;
  auto receipts = load_objects(session, {&input, 1}, context(progress, input.before.size_bytes));
  if (receipts) {
    outcome.receipt = std::move(receipts->front());
    outcome.seen = input.before;
    return outcome;
  }
  return failed_outcome(*input.run, std::move(receipts).error());
}

void DuckdbExecutor::load_group(Session& session, std::vector<std::pair<size_t, Input>>& group,
                                Progress& progress, std::vector<RunOutcome>& outcomes) {
  if (group.size() > 1) {
    std::vector<Input> inputs;
    uint64_t bytes = 0;
    for (auto& [index, input] : group) {
      bytes += input.before.size_bytes;
      inputs.push_back(std::move(input));
    }
    auto receipts = load_objects(session, inputs, context(progress, bytes));
    if (receipts) {
      for (size_t i = 0; i < group.size(); ++i) {
        outcomes[group[i].first].receipt = std::move((*receipts)[i]);
        outcomes[group[i].first].seen = inputs[i].before;
      }
      group.clear();
      return;
    }
    // One of them is to blame, or two share a key: each on its own shows which.
    log::debug("a batch of {} inputs is loaded one by one: {}", group.size(),
               receipts.error().error.message);
    for (size_t i = 0; i < group.size(); ++i) group[i].second = std::move(inputs[i]);
  }
  for (auto& [index, input] : group) outcomes[index] = load_one(session, input, progress);
  group.clear();
}

void DuckdbExecutor::execute_objects(Session& session, std::span<const Run> runs,
                                     Progress& progress, std::vector<RunOutcome>& outcomes) {
  // An object twice in one call: the second look must see what the first one committed.
  std::set<ObjectRef> seen;
  size_t end = 0;
  while (end < runs.size() && (!runs[end].object || seen.insert(*runs[end].object).second)) ++end;
  if (end < runs.size()) {
    std::vector<RunOutcome> rest(runs.size() - end);
    std::vector<RunOutcome> first(end);
    execute_objects(session, runs.first(end), progress, first);
    execute_objects(session, runs.subspan(end), progress, rest);
    std::move(first.begin(), first.end(), outcomes.begin());
    std::move(rest.begin(), rest.end(), outcomes.begin() + static_cast<ptrdiff_t>(end));
    return;
  }
  std::vector<std::pair<size_t, Input>> inputs;
  std::vector<LedgerKey> keys;
  for (size_t i = 0; i < runs.size(); ++i) {
    Input input;
    input.run = &runs[i];
    if (const auto found = find_input(session, resources_, input); !found) {
      outcomes[i].receipt = failed_receipt(runs[i], found.error());
      continue;
    }
    keys.push_back(input.key);
    inputs.emplace_back(i, std::move(input));
  }
  const auto latest = session.ledger().latest(keys);
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (latest) inputs[i].second.latest = (*latest)[i];
    if (!latest)
      outcomes[inputs[i].first].receipt = failed_receipt(*inputs[i].second.run, latest.error());
  }
  if (latest) load_in_groups(session, inputs, progress, outcomes);
}

void DuckdbExecutor::load_in_groups(Session& session, std::vector<std::pair<size_t, Input>>& inputs,
                                    Progress& progress, std::vector<RunOutcome>& outcomes) {
  std::vector<std::pair<size_t, Input>> group;
  uint64_t group_bytes = 0;
  const auto load = [&] {
    load_group(session, group, progress, outcomes);
    group_bytes = 0;
  };
  for (auto& [index, input] : inputs) {
    auto done = judge_input(session, input);
    if (!done) {
      outcomes[index].receipt = failed_receipt(*input.run, done.error());
      continue;
    }
    if (*done) {
      outcomes[index].receipt = **std::move(done);
      outcomes[index].seen = input.before;
      continue;
    }
    const uint64_t bytes = input.before.size_bytes;
    progress.bytes_total += bytes;
    // The run variables have one value in a batch, and each run has its own. What replaces all
    // rows must not share a commit with what it would replace.
    const bool replaces = session.parts().load->mode == LoadMode::replace;
    const bool alone = bytes > small_input_bytes || session.uses_run_variables() || replaces;
    if (alone || group_bytes + bytes > batch_bytes || group.size() == batch_inputs) load();
    group_bytes += bytes;
    group.emplace_back(index, std::move(input));
    if (alone) load();
  }
  load();
}

Result<bool> DuckdbExecutor::is_loaded(const PipelineName& pipeline, const ObjectRef& object) {
  SessionPointer session = WEIR_TRY(take_session(pipeline));
  Run run;
  run.pipeline = pipeline;
  run.object = object;
  Input input;
  input.run = &run;
  const auto answer = [&]() -> Result<bool> {
    WEIR_TRY(find_input(*session, resources_, input));
    input.latest = WEIR_TRY(session->ledger().latest({&input.key, 1})).front();
    return WEIR_TRY(judge_input(*session, input)).has_value();
  }();
  give_back(std::move(session));
  return answer;
}

}  // namespace

Result<std::unique_ptr<Executor>> make_executor(const Project& project, Resources& resources,
                                                const Clock& clock) {
  return std::make_unique<DuckdbExecutor>(project, resources, clock);
}

}  // namespace weir::pipeline
