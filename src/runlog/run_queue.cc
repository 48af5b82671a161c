#include "runlog/run_queue.h"

#include <algorithm>
#include <set>
#include <tuple>
#include <unordered_map>
#include <unordered_set>

#include "runlog/run_log_sql.h"
#include "runlog/run_rows.h"

namespace weir::runlog {
namespace {

// Held runs that one lease lets go: a database that is back must not make a lease long.
constexpr int64_t most_released = 500;

}  // namespace

Result<void> RunQueue::load() {
  {
    Query query = WEIR_TRY(connection_.query("SELECT coalesce(max(served), 0) FROM pipelines"));
    if (WEIR_TRY(query.next())) served_ = query.integer(0);
  }
  Query query = WEIR_TRY(connection_.query("SELECT DISTINCT lane FROM pipelines"));
  lanes_ = {""};
  while (WEIR_TRY(query.next())) lanes_.emplace(query.text(0));
  return {};
}

Result<RunId> RunQueue::enqueue(const Run& run, QueueChanges& changes) {
  const int64_t pipeline = WEIR_TRY(pipelines_.row(run.pipeline));
  const std::string_view bucket = bucket_of(run.object), key = key_of(run.object);
  changes.touch(pipeline);
  if (run.object && run.trigger != replay_trigger) {
    Query twin = WEIR_TRY(connection_.query(sql::find_queued_twin));
    twin.bind(pipeline).bind(bucket).bind(key).bind(int64_t{run.force});
    if (WEIR_TRY(twin.next())) {
      const int64_t number = twin.integer(0);
      RunId id{std::string(twin.text(1))};
      if (twin.integer(2) < run.priority) {
        WEIR_TRY(connection_.run(sql::raise_priority, int64_t{run.priority}, number));
      }
      // A file that changes again and again must not undo the pauses between its tries.
      if (run.trigger != "watch") WEIR_TRY(connection_.run(sql::release_run, number));
      return id;
    }
  }
  const bool blocked = run.object && WEIR_TRY(is_running(pipeline, bucket, key));
  WEIR_TRY(connection_.run(sql::insert_run, run.id.value(), pipeline, bucket, key, run.trigger,
                           int64_t{run.force}, int64_t{run.tries}, int64_t{run.priority},
                           to_integer(run.scheduled_for), to_integer(run.created),
                           int64_t{blocked}));
  changes.enter(RunState::queued);
  return run.id;
}

Result<bool> RunQueue::is_running(int64_t pipeline, std::string_view bucket, std::string_view key) {
  Query query = WEIR_TRY(connection_.query(sql::find_running));
  query.bind(pipeline).bind(bucket).bind(key);
  return query.next();
}

Result<void> RunQueue::block_twins(int64_t pipeline, std::string_view bucket, std::string_view key,
                                   bool blocked) {
  if (bucket.empty()) return {};  // those are counted: may_run_without_object
  return connection_.run(sql::block_object, int64_t{blocked}, pipeline, bucket, key);
}

Result<void> RunQueue::release(const char* statement, Timestamp now, QueueChanges& changes) {
  std::vector<int64_t> numbers;
  {
    Query query = WEIR_TRY(connection_.query(statement));
    query.bind(to_integer(now)).bind(most_released);
    while (WEIR_TRY(query.next())) {
      numbers.push_back(query.integer(0));
      changes.touch(query.integer(1));
    }
  }
  for (const int64_t number : numbers) WEIR_TRY(connection_.run(sql::release_run, number));
  return {};
}

Result<void> RunQueue::release_due(Timestamp now, QueueChanges& changes) {
  WEIR_TRY(release(sql::due_runs, now, changes));
  WEIR_TRY(release(sql::held_after_now, now, changes));
  return changes.write_tops();
}

Result<std::vector<Run>> RunQueue::lease(size_t limit, Timestamp now, const Closed& closed,
                                         QueueChanges& changes) {
  std::vector<Run> runs;
  if (limit == 0) return runs;
  WEIR_TRY(release_due(now, changes));
  const auto turn = WEIR_TRY(next_turn(closed));
  if (!turn) return runs;
  auto batch = WEIR_TRY(batch_of(turn->pipeline, limit));
  runs.reserve(batch.size());
  for (Leasable& leased : batch) {
    WEIR_TRY(connection_.run(sql::lease_run, to_integer(now), leased.number));
    WEIR_TRY(
        block_twins(turn->pipeline, bucket_of(leased.run.object), key_of(leased.run.object), true));
    leased.run.pipeline = turn->name;
    leased.run.state = RunState::running;
    leased.run.tries += 1;
    leased.run.started = now;
    runs.push_back(std::move(leased.run));
  }
  changes.move(RunState::queued, RunState::running, std::ssize(runs));
  changes.touch(turn->pipeline);
  WEIR_TRY(connection_.run(sql::mark_served, ++served_, turn->pipeline));
  return runs;
}

/// The pipeline whose turn it is: of the highest priority, served longest ago.
Result<std::optional<RunQueue::Turn>> RunQueue::next_turn(const Closed& closed) {
  const auto rank = [](const Turn& turn) {
    return std::tuple(-turn.top, turn.served, turn.pipeline);
  };
  std::unordered_set<std::string_view> busy;
  for (const PipelineName& pipeline : closed.pipelines) busy.insert(pipeline.value());
  std::optional<Turn> best;
  for (const std::string& lane : lanes_) {
    if (std::ranges::find(closed.lanes, lane) != closed.lanes.end()) continue;
    auto turn = WEIR_TRY(next_turn_of_lane(lane, busy));
    if (turn && (!best || rank(*turn) < rank(*best))) best = std::move(turn);
  }
  return best;
}

Result<std::optional<RunQueue::Turn>> RunQueue::next_turn_of_lane(
    const std::string& lane, const std::unordered_set<std::string_view>& busy) {
  Query query = WEIR_TRY(connection_.query(sql::ready_pipelines));
  query.bind(lane);
  while (WEIR_TRY(query.next())) {
    Turn turn{query.integer(0), PipelineName(std::string(query.text(1))), query.integer(2),
              query.integer(3)};
    if (!busy.contains(turn.name.value())) return turn;
  }
  return std::nullopt;
}

/// Each object once: a forced twin's turn is next.
Result<std::vector<RunQueue::Leasable>> RunQueue::ready(int64_t pipeline, bool without_object,
                                                        size_t limit) {
  Query row = WEIR_TRY(connection_.query(sql::ready_runs));
  row.bind(pipeline).bind(int64_t{without_object});
  std::vector<Leasable> found;
  std::set<std::optional<ObjectRef>> objects;
  while (found.size() < limit && WEIR_TRY(row.next())) {
    auto object = object_from(row.text(2), row.text(3));
    if (!objects.insert(object).second) continue;
    Leasable& leasable = found.emplace_back();
    leasable.number = row.integer(0);
    Run& run = leasable.run;
    run.id = RunId(std::string(row.text(1)));
    run.object = std::move(object);
    run.trigger = row.text(4);
    run.force = row.integer(5) != 0;
    run.tries = static_cast<int>(row.integer(6));
    run.failures = static_cast<int>(row.integer(7));
    run.priority = static_cast<int>(row.integer(8));
    run.scheduled_for = to_time(row.integer(9));
    run.created = to_time(row.integer(10));
  }
  return found;
}

/// What comes first of a pipeline, ending with the first run without an object.
Result<std::vector<RunQueue::Leasable>> RunQueue::batch_of(int64_t pipeline, size_t limit) {
  auto batch = WEIR_TRY(ready(pipeline, false, limit));
  auto without_object = WEIR_TRY(ready(pipeline, true, 1));
  if (without_object.empty()) return batch;
  if (!WEIR_TRY(may_run_without_object(connection_, pipeline))) return batch;
  const auto order = [](const Leasable& leasable) {
    return std::tuple(-leasable.run.priority, leasable.run.created, leasable.number);
  };
  const auto behind =
      std::ranges::upper_bound(batch, order(without_object.front()), {}, order) - batch.begin();
  if (static_cast<size_t>(behind) == limit) return batch;
  batch.erase(batch.begin() + behind, batch.end());
  batch.push_back(std::move(without_object.front()));
  return batch;
}

Result<void> RunQueue::set_rules(std::span<const QueueRule> rules, QueueChanges& changes) {
  std::unordered_map<int64_t, const QueueRule*> wanted;
  for (const QueueRule& rule : rules) wanted[WEIR_TRY(pipelines_.row(rule.pipeline))] = &rule;
  std::vector<int64_t> rows;
  {
    Query query = WEIR_TRY(connection_.query("SELECT pipeline_id FROM pipelines"));
    while (WEIR_TRY(query.next())) rows.push_back(query.integer(0));
  }
  const QueueRule unnamed;
  for (const int64_t row : rows) {
    const auto found = wanted.find(row);
    const QueueRule& rule = found == wanted.end() ? unnamed : *found->second;
    lanes_.insert(rule.lane);
    WEIR_TRY(connection_.run(sql::set_rule, row, rule.lane, int64_t{rule.most_without_object}));
    if (connection_.changes() > 0) changes.touch(row);
  }
  return {};
}

RunQueue::Row RunQueue::read_row(const Query& query) {
  return {query.integer(0),
          static_cast<RunState>(query.integer(1)),
          query.integer(2),
          std::string(query.text(3)),
          std::string(query.text(4)),
          std::string(query.text(5)),
          query.integer(6)};
}

Result<std::optional<RunQueue::Row>> RunQueue::find(const RunId& id) {
  Query query = WEIR_TRY(connection_.query(sql::find_queue_row));
  query.bind(id.value());
  if (!WEIR_TRY(query.next())) return std::nullopt;
  return read_row(query);
}

/// The row is not running any more: what waited for its object may be leased.
Result<void> RunQueue::leave_running(const Row& row, QueueChanges& changes) {
  changes.touch(row.pipeline);
  return block_twins(row.pipeline, row.bucket, row.key, false);
}

Result<int64_t> RunQueue::finish(const FinishedRun& run, Timestamp now, QueueChanges& changes) {
  const auto row = WEIR_TRY(find(run.id));
  if (!row || (row->state != RunState::queued && row->state != RunState::running)) {
    return fail(ErrorCode::not_found, "run " + run.id.value() + " is neither queued nor running");
  }
  WEIR_TRY(connection_.run(sql::finish_run, to_integer(run.state), to_integer(now), run.error,
                           row->number));
  changes.move(row->state, run.state);
  if (row->state == RunState::running) WEIR_TRY(leave_running(*row, changes));
  changes.touch(row->pipeline);
  if (!run.receipt.empty()) {
    WEIR_TRY(connection_.run(sql::insert_receipt, row->number, run.receipt));
  }
  if (run.state != RunState::failed && row->trigger != replay_trigger) {
    WEIR_TRY(supersede(*row, changes));
  }
  return row->number;
}

Result<void> RunQueue::supersede(const Row& row, QueueChanges& changes) {
  if (row.bucket.empty()) {
    WEIR_TRY(connection_.run(sql::supersede_scheduled, row.pipeline, row.scheduled_us, row.number));
  } else {
    WEIR_TRY(connection_.run(sql::supersede_object, row.pipeline, row.bucket, row.key, row.number));
  }
  changes.move(RunState::parked, RunState::failed, connection_.changes());
  return {};
}

Result<void> RunQueue::requeue(const RunId& id, QueueChanges& changes) {
  const auto row = WEIR_TRY(find(id));
  if (!row || row->state != RunState::running) return {};
  WEIR_TRY(connection_.run(sql::queue_again, row->number));
  changes.move(RunState::running, RunState::queued);
  return leave_running(*row, changes);
}

Result<int64_t> RunQueue::hold(const RunId& id, Timestamp now, Timestamp not_before,
                               Attempt attempt, QueueChanges& changes) {
  const auto row = WEIR_TRY(find(id));
  if (!row || row->state != RunState::running) {
    return fail(ErrorCode::not_found, "run " + id.value() + " is not running");
  }
  WEIR_TRY(connection_.run(sql::hold_run, int64_t{attempt == Attempt::failed},
                           to_integer(not_before), to_integer(now), row->number));
  changes.move(RunState::running, RunState::queued);
  WEIR_TRY(leave_running(*row, changes));
  return row->number;
}

Result<bool> RunQueue::retry(const RunId& id, QueueChanges& changes) {
  const auto row = WEIR_TRY(find(id));
  const bool over = row && (row->state == RunState::parked || row->state == RunState::failed);
  if (!over || row->trigger == replay_trigger) return false;
  const bool blocked =
      !row->bucket.empty() && WEIR_TRY(is_running(row->pipeline, row->bucket, row->key));
  WEIR_TRY(connection_.run(sql::retry_run, int64_t{blocked}, row->number));
  WEIR_TRY(connection_.run(sql::delete_receipt, row->number));
  changes.move(row->state, RunState::queued);
  changes.touch(row->pipeline);
  return true;
}

Result<bool> RunQueue::dismiss(const RunId& id, QueueChanges& changes) {
  const auto row = WEIR_TRY(find(id));
  if (!row || row->state != RunState::parked) return false;
  WEIR_TRY(connection_.run(sql::dismiss_run, row->number));
  changes.move(RunState::parked, RunState::failed);
  return true;
}

Result<size_t> RunQueue::recover(QueueChanges& changes) {
  std::vector<Row> running;
  {
    Query query = WEIR_TRY(connection_.query(sql::running_rows));
    while (WEIR_TRY(query.next())) running.push_back(read_row(query));
  }
  for (const Row& row : running) {
    WEIR_TRY(connection_.run(sql::queue_again, row.number));
    WEIR_TRY(leave_running(row, changes));
  }
  changes.move(RunState::running, RunState::queued, std::ssize(running));
  return running.size();
}

}  // namespace weir::runlog
