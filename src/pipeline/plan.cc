#include "pipeline/plan.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <thread>

#include "io/peak_memory.h"
#include "pipeline/batch_load.h"
#include "pipeline/download.h"
#include "pipeline/input_lookup.h"
#include "pipeline/plan_book.h"
#include "pipeline/planned_rows.h"
#include "pipeline/session.h"

namespace weir::pipeline {
namespace {

constexpr uint64_t one_thread_bytes = 4u << 20;

bool examines(const Session& session) { return session.purpose() == LoadPurpose::examine; }

/// Plans one call's runs.
class Planner {
 public:
  Planner(const Project& project, Resources& resources, const Clock& clock,
          const Pipeline& pipeline, std::span<const Run> runs, PlanWrites writes,
          Progress& progress)
      : project_(project),
        resources_(resources),
        clock_(clock),
        pipeline_(pipeline),
        runs_(runs),
        progress_(progress),
        settled_(runs.size()) {
    plan_.writes = writes;
    plan_.inputs.resize(runs.size());
  }

  Result<Plan> run();

 private:
  /// Whether the transaction can be gone on with.
  enum class After { good, broken };

  Result<std::unique_ptr<Session>> open_session(duckdb::Database& database);
  /// False: something broke the transaction; once more, without the input that did.
  Result<bool> plan_all(duckdb::Database& database);
  After plan_one(Session& session, size_t index);
  Result<Receipt> load(Session& session, const Run& run, PlanBook& book,
                       std::optional<LoadFailure>& failure);
  void fail_all(const Error& error);

  const Project& project_;
  Resources& resources_;
  const Clock& clock_;
  const Pipeline& pipeline_;
  std::span<const Run> runs_;
  Progress& progress_;
  Plan plan_;
  std::vector<bool> settled_;  // inputs that would fail and leave nothing: not to be tried again
  PlannedRows planned_;        // where nothing is written
  std::map<ObjectRef, LedgerEntry> entries_;  // likewise: what the ledger would say by now
};

Result<std::unique_ptr<Session>> Planner::open_session(duckdb::Database& database) {
  planned_ = {};
  entries_.clear();
  SessionOptions options;
  options.load.always_stage = true;
  options.load.over = planned_.over();
  options.databases = resources_.databases.get();
  options.purpose = plan_.writes == PlanWrites::none ? LoadPurpose::examine : LoadPurpose::rehearse;
  const DatabaseName& name = plan_.table->database;
  if (project_.find_database(name)->engine != Engine::duckdb) {
    options.server = WEIR_TRY(resources_.databases->connect(name));
  }
  auto session = WEIR_TRY(Session::open(project_, pipeline_, database, std::move(options)));
  if (examines(*session)) {
    plan_.writes = PlanWrites::none;
    WEIR_TRY(planned_.begin(session->connection(), session->parts()));
  }
  return session;
}

/// `failure`: the input was found, and loading it failed.
Result<Receipt> Planner::load(Session& session, const Run& run, PlanBook& book,
                              std::optional<LoadFailure>& failure) {
  LoadContext context{project_, clock_, *resources_.table_locks, progress_, 1, &book};
  if (session.parts().read == nullptr) {
    auto receipt = load_query(session, run, context);
    if (receipt) return *std::move(receipt);
    failure = std::move(receipt).error();
    return fail(failure->error);
  }
  Input input;
  input.run = &run;
  WEIR_TRY(find_input(session, resources_, input));
  if (session.has_ledger()) {
    input.latest = WEIR_TRY(session.ledger().latest({&input.key, 1})).front();
  }
  if (const auto at = entries_.find(*run.object); at != entries_.end()) input.latest = at->second;
  if (auto skipped = WEIR_TRY(judge_input(session, input))) return *std::move(skipped);
  progress_.bytes_total += input.before.size_bytes;
  if (input.before.size_bytes > one_thread_bytes) {
    context.threads = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  }
  auto receipts = load_objects(session, {&input, 1}, context);
  if (receipts) {
    if (examines(session)) {
      entries_[*run.object] = {input.version, input.before.size_bytes, run.id, 0, {}};
    }
    return std::move(receipts->front());
  }
  failure = std::move(receipts).error();
  return fail(failure->error);
}

Planner::After Planner::plan_one(Session& session, size_t index) {
  LedgerBook ledger(session, clock_, LedgerBook::Rows::committed);
  PlanBook book(examines(session) ? nullptr : &ledger);
  PlannedInput& input = plan_.inputs[index];
  std::optional<LoadFailure> failure;
  auto receipt = load(session, runs_[index], book, failure);
  input.broken = book.broken();
  if (!receipt) {
    input.receipt = failed_receipt(runs_[index], receipt.error());
    settled_[index] = true;
    if (!failure) return After::good;
    input.receipt.rows = failure->rows;
    input.receipt.rejects = std::move(failure->rejects);
    // Too many rejects are seen by weir, before anything is written: the database knows nothing.
    const bool untouched = failure->error.code == ErrorCode::too_many_rejects;
    return untouched || session.recovers() ? After::good : After::broken;
  }
  input.receipt = *std::move(receipt);
  const bool later = index + 1 < runs_.size();
  if (examines(session) && later && input.receipt.status != RunState::skipped) {
    if (const auto added = planned_.add(session.load()); !added) {
      input.receipt = failed_receipt(runs_[index], added.error());
      settled_[index] = true;
      return After::broken;
    }
  }
  return After::good;
}

Result<bool> Planner::plan_all(duckdb::Database& database) {
  auto session = open_session(database);
  if (!session) {
    plan_.error = session.error();
    fail_all(session.error());
    return true;
  }
  plan_.ddl = (*session)->ddl();
  const auto stopped = fail(ErrorCode::cancelled, "the plan was stopped");
  progress_.inputs_done = 0;
  for (size_t i = 0; i < runs_.size(); ++i) {
    if (settled_[i]) continue;
    if (progress_.cancel) return stopped;
    const After after = plan_one(**session, i);
    if (progress_.cancel) return stopped;
    ++progress_.inputs_done;
    if (after == After::good) continue;
    return std::find(settled_.begin() + static_cast<ptrdiff_t>(i), settled_.end(), false) ==
           settled_.end();
  }
  return true;
}

void Planner::fail_all(const Error& error) {
  for (size_t i = 0; i < runs_.size(); ++i) {
    if (settled_[i]) continue;
    plan_.inputs[i] = PlannedInput{failed_receipt(runs_[i], error), {}};
  }
}

Result<Plan> Planner::run() {
  const auto started = std::chrono::steady_clock::now();
  io::begin_peak_memory();
  const PipelineParts parts = WEIR_TRY(take_apart(project_, pipeline_));
  plan_.table = parts.table;
  const auto database = WEIR_TRY(resources_.databases->open_to_look(parts.table->database));
  std::vector<TableName> tables = {parts.table->name};
  for (const Reference& reference : WEIR_TRY(find_references(project_, *parts.table))) {
    tables.push_back(reference.parent->name);
  }
  const auto locks = resources_.table_locks->take(std::move(tables), TableLocks::Use::alone);
  while (!WEIR_TRY(plan_all(*database))) {
  }
  plan_.duration_ms =
      std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - started).count();
  plan_.peak_memory_bytes = io::peak_memory_bytes();
  return std::move(plan_);
}

}  // namespace

Result<Plan> plan_runs(const Project& project, Resources& resources, const Clock& clock,
                       const Pipeline& pipeline, std::span<const Run> runs, PlanWrites writes,
                       Progress& progress) {
  const Timestamp scheduled_for = runs.empty() ? clock.now() : runs.front().scheduled_for;
  std::vector<std::string> effects = describe_effects(resources, pipeline, scheduled_for);
  Plan plan;
  if (pipeline.download() != nullptr) {
    plan.writes = PlanWrites::none;
  } else {
    plan = WEIR_TRY(Planner(project, resources, clock, pipeline, runs, writes, progress).run());
  }
  plan.effects = std::move(effects);
  return plan;
}

}  // namespace weir::pipeline
