#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <set>
#include <unordered_map>

#include "runlog/run_log.h"
#include "runlog/run_log_schema.h"
#include "runlog/run_log_sql.h"
#include "runlog/sqlite_connection.h"

namespace weir::runlog {
namespace {

// The statements spell states as these numbers, and they are on disk: never renumber.
static_assert(static_cast<int>(RunState::queued) == 0 && static_cast<int>(RunState::running) == 1 &&
              static_cast<int>(RunState::failed) == 4 && static_cast<int>(RunState::parked) == 6);

constexpr size_t known_page = 1000;

int64_t to_integer(RunState state) { return static_cast<int64_t>(state); }
int64_t to_integer(Timestamp time) { return time.time_since_epoch().count(); }
Timestamp to_time(int64_t microseconds) {
  return Timestamp(std::chrono::microseconds(microseconds));
}

std::string_view bucket_of(const Run& run) {
  return run.object ? std::string_view(run.object->bucket.value()) : std::string_view();
}
std::string_view key_of(const Run& run) {
  return run.object ? std::string_view(run.object->key.value()) : std::string_view();
}
std::optional<ObjectRef> object_from(std::string_view bucket, std::string_view key) {
  if (bucket.empty()) return std::nullopt;
  return ObjectRef{BucketName(std::string(bucket)), ObjectKey(std::string(key))};
}

/// How many runs enter and leave each state in one transaction.
class StateChanges {
 public:
  void enter(RunState state, int64_t runs = 1) { delta_[static_cast<size_t>(state)] += runs; }
  void leave(RunState state, int64_t runs = 1) { delta_[static_cast<size_t>(state)] -= runs; }
  void move(RunState from, RunState to, int64_t runs = 1) {
    leave(from, runs);
    enter(to, runs);
  }
  Result<void> write(SqliteConnection& connection) const {
    for (size_t state = 0; state < delta_.size(); ++state) {
      if (delta_[state] == 0) continue;
      WEIR_TRY(connection.run(sql::adjust_count, delta_[state], static_cast<int64_t>(state)));
    }
    return {};
  }

 private:
  std::array<int64_t, 7> delta_{};
};

/// A queued run that may be leased now, and its row.
struct Leasable {
  int64_t number = 0;
  Run run;
};

Leasable read_leasable(const Query& row) {
  Leasable found;
  found.number = row.integer(0);
  found.run.id = RunId(std::string(row.text(1)));
  found.run.object = object_from(row.text(2), row.text(3));
  found.run.trigger = row.text(4);
  found.run.force = row.integer(5) != 0;
  found.run.tries = static_cast<int>(row.integer(6));
  found.run.priority = static_cast<int>(row.integer(7));
  found.run.scheduled_for = to_time(row.integer(8));
  found.run.created = to_time(row.integer(9));
  return found;
}

Run read_run(const Query& row) {
  Run run;
  run.id = RunId(std::string(row.text(0)));
  run.pipeline = PipelineName(std::string(row.text(1)));
  run.object = object_from(row.text(2), row.text(3));
  run.trigger = row.text(4);
  run.force = row.integer(5) != 0;
  run.state = static_cast<RunState>(row.integer(6));
  run.tries = static_cast<int>(row.integer(7));
  run.priority = static_cast<int>(row.integer(8));
  run.scheduled_for = to_time(row.integer(9));
  run.created = to_time(row.integer(10));
  if (!row.is_null(11)) run.started = to_time(row.integer(11));
  if (!row.is_null(12)) run.finished = to_time(row.integer(12));
  run.error = row.text(13);
  run.receipt = row.text(14);
  return run;
}

class SqliteRunLog final : public RunLog {
 public:
  SqliteRunLog(std::unique_ptr<SqliteConnection> writer, std::unique_ptr<SqliteConnection> reader)
      : writer_(std::move(writer)), reader_(std::move(reader)) {}

  Result<std::vector<RunId>> enqueue(std::span<const Run> runs) override {
    const std::lock_guard lock(writer_mutex_);
    return transact(
        [&]() -> Result<std::vector<RunId>> {
          std::vector<RunId> ids;
          ids.reserve(runs.size());
          StateChanges changes;
          for (const Run& run : runs) ids.push_back(WEIR_TRY(enqueue_one(run, changes)));
          WEIR_TRY(changes.write(*writer_));
          return ids;
        },
        Durability::power_cut);
  }

  Result<std::vector<Run>> lease(size_t limit, Timestamp now, std::span<const RunId> only,
                                 std::span<const PipelineName> busy) override {
    if (limit == 0) return std::vector<Run>();
    const std::lock_guard lock(writer_mutex_);
    return transact([&]() -> Result<std::vector<Run>> {
      auto batch = WEIR_TRY(only.empty() ? best_batch(limit, busy) : best_batch(limit, only, busy));
      return mark_leased(std::move(batch), now);
    });
  }

  Result<void> finish(std::span<const FinishedRun> runs, Timestamp now) override {
    const std::lock_guard lock(writer_mutex_);
    return transact([&]() -> Result<void> {
      StateChanges changes;
      for (const FinishedRun& run : runs) WEIR_TRY(finish_one(run, now, changes));
      return changes.write(*writer_);
    });
  }

  Result<void> requeue(std::span<const RunId> runs) override {
    const std::lock_guard lock(writer_mutex_);
    return transact([&]() -> Result<void> {
      StateChanges changes;
      for (const RunId& id : runs) {
        WEIR_TRY(writer_->run(sql::requeue_run, id.value()));
        changes.move(RunState::running, RunState::queued, writer_->changes());
      }
      return changes.write(*writer_);
    });
  }

  Result<size_t> recover() override {
    const std::lock_guard lock(writer_mutex_);
    return transact([&]() -> Result<size_t> {
      WEIR_TRY(writer_->run(sql::recover_runs));
      const int64_t recovered = writer_->changes();
      StateChanges changes;
      changes.move(RunState::running, RunState::queued, recovered);
      WEIR_TRY(changes.write(*writer_));
      return static_cast<size_t>(recovered);
    });
  }

  Result<std::optional<Run>> find(const RunId& id) override {
    const std::lock_guard lock(reader_mutex_);
    Query query = WEIR_TRY(reader_->query(std::string(sql::select_runs) + sql::where_id));
    query.bind(id.value());
    if (!WEIR_TRY(query.next())) return std::nullopt;
    return read_run(query);
  }

  Result<std::vector<Run>> list(const RunFilter& filter) override;

  Result<size_t> count(RunState state) override {
    const std::lock_guard lock(reader_mutex_);
    Query query = WEIR_TRY(reader_->query(sql::count_state));
    query.bind(to_integer(state));
    if (!WEIR_TRY(query.next())) return fail(ErrorCode::internal, "run log: a state has no count");
    return static_cast<size_t>(query.integer(0));
  }

  Result<void> append_log(const RunId& id, Timestamp time, std::string_view level,
                          std::string_view message) override {
    const std::lock_guard lock(writer_mutex_);
    return transact([&]() -> Result<void> { return add_log_line(id, time, level, message); });
  }

  Result<std::vector<LogLine>> log_lines(const RunId& id) override {
    const std::lock_guard lock(reader_mutex_);
    Query query = WEIR_TRY(reader_->query(sql::select_log_lines));
    query.bind(id.value());
    std::vector<LogLine> lines;
    while (WEIR_TRY(query.next())) {
      lines.push_back(
          {to_time(query.integer(0)), std::string(query.text(1)), std::string(query.text(2))});
    }
    return lines;
  }

  Result<void> remember(const PipelineName& pipeline,
                        std::span<const KnownObject> objects) override;
  Result<void> forget(const PipelineName& pipeline, std::span<const ObjectRef> objects) override;
  Result<void> for_each_known(const PipelineName& pipeline, const BucketName& bucket,
                              const std::function<void(const KnownObject&)>& visit) override;
  Result<std::vector<KnownObject>> known_after(const PipelineName& pipeline,
                                               const BucketName& bucket, const ObjectKey& after,
                                               size_t limit) override;
  Result<std::vector<ObjectRef>> last_failed(const PipelineName& pipeline) override;

 private:
  /// A write transaction. Only new work is synced to disk: it was promised to somebody. When a
  /// power cut takes back a lease or a verdict, the run is executed again and the ledger recognises
  /// it; a forgotten memory of an object costs the same. On a busy disk a sync takes longer than a
  /// small file's whole way into its table. A pipeline added by a transaction that then rolled back
  /// has no row, so the remembered row numbers go with it.
  template <class Body>
  auto transact(Body&& body, Durability durability = Durability::process_death)
      -> decltype(body()) {
    auto result = writer_->transact(durability, std::forward<Body>(body));
    if (!result) pipelines_.clear();
    return result;
  }

  Result<int64_t> pipeline_row(const PipelineName& name);
  Result<std::optional<int64_t>> find_pipeline_row(const PipelineName& name);
  Result<RunId> enqueue_one(const Run& run, StateChanges& changes);
  Result<std::vector<Leasable>> best_batch(size_t limit, std::span<const PipelineName> busy);
  Result<std::vector<Leasable>> best_batch(size_t limit, std::span<const RunId> only,
                                           std::span<const PipelineName> busy);
  Result<std::vector<Leasable>> leasable_of(int64_t pipeline, size_t limit);
  Result<std::vector<Run>> mark_leased(std::vector<Leasable> batch, Timestamp now);
  Result<void> finish_one(const FinishedRun& run, Timestamp now, StateChanges& changes);
  Result<void> add_log_line(const RunId& id, Timestamp time, std::string_view level,
                            std::string_view message);

  // Two connections: a long listing does not hold up the queue. Each is guarded by its mutex.
  std::mutex writer_mutex_;
  std::unique_ptr<SqliteConnection> writer_;
  std::unordered_map<PipelineName, int64_t> pipelines_;  // guarded by writer_mutex_
  std::mutex reader_mutex_;
  std::unique_ptr<SqliteConnection> reader_;
};

Result<int64_t> SqliteRunLog::pipeline_row(const PipelineName& name) {
  if (const auto found = pipelines_.find(name); found != pipelines_.end()) return found->second;
  for (;;) {
    Query query = WEIR_TRY(writer_->query(sql::find_pipeline));
    query.bind(name.value());
    if (WEIR_TRY(query.next())) return pipelines_[name] = query.integer(0);
    WEIR_TRY(writer_->run(sql::add_pipeline, name.value()));
  }
}

Result<std::optional<int64_t>> SqliteRunLog::find_pipeline_row(const PipelineName& name) {
  Query query = WEIR_TRY(reader_->query(sql::find_pipeline));
  query.bind(name.value());
  if (!WEIR_TRY(query.next())) return std::nullopt;
  return query.integer(0);
}

Result<RunId> SqliteRunLog::enqueue_one(const Run& run, StateChanges& changes) {
  const int64_t pipeline = WEIR_TRY(pipeline_row(run.pipeline));
  if (run.object && run.trigger != replay_trigger) {
    Query twin = WEIR_TRY(writer_->query(sql::find_queued_twin));
    twin.bind(pipeline).bind(bucket_of(run)).bind(key_of(run)).bind(int64_t{run.force});
    if (WEIR_TRY(twin.next())) {
      RunId id{std::string(twin.text(1))};
      if (twin.integer(2) < run.priority) {
        const int64_t number = twin.integer(0);
        WEIR_TRY(writer_->run(sql::raise_priority, int64_t{run.priority}, number));
      }
      return id;
    }
  }
  WEIR_TRY(writer_->run(sql::insert_run, run.id.value(), pipeline, bucket_of(run), key_of(run),
                        run.trigger, int64_t{run.force}, int64_t{run.tries}, int64_t{run.priority},
                        to_integer(run.scheduled_for), to_integer(run.created)));
  changes.enter(RunState::queued);
  return run.id;
}

Result<std::vector<Leasable>> SqliteRunLog::leasable_of(int64_t pipeline, size_t limit) {
  Query query = WEIR_TRY(writer_->query(sql::leasable_of_pipeline));
  query.bind(pipeline);
  std::vector<Leasable> batch;
  std::set<std::optional<ObjectRef>> objects;
  while (batch.size() < limit && WEIR_TRY(query.next())) {
    Leasable candidate = read_leasable(query);
    if (!objects.insert(candidate.run.object).second) continue;  // a forced twin: its turn is next
    batch.push_back(std::move(candidate));
    if (!batch.back().run.object) break;
  }
  return batch;
}

Result<std::vector<Leasable>> SqliteRunLog::best_batch(size_t limit,
                                                       std::span<const PipelineName> busy) {
  struct Candidate {
    int64_t row;
    PipelineName name;
  };
  std::vector<Candidate> pipelines;
  {
    Query query = WEIR_TRY(writer_->query(sql::pipelines_by_service));
    while (WEIR_TRY(query.next())) {
      pipelines.push_back({query.integer(0), PipelineName(std::string(query.text(1)))});
    }
  }
  const Candidate* best = nullptr;
  int best_priority = 0;
  for (const Candidate& pipeline : pipelines) {
    if (std::ranges::find(busy, pipeline.name) != busy.end()) continue;
    const auto first = WEIR_TRY(leasable_of(pipeline.row, 1));
    if (first.empty()) continue;
    if (best == nullptr || first.front().run.priority > best_priority) {
      best = &pipeline;
      best_priority = first.front().run.priority;
    }
  }
  if (best == nullptr) return std::vector<Leasable>();
  auto batch = WEIR_TRY(leasable_of(best->row, limit));
  for (Leasable& leased : batch) leased.run.pipeline = best->name;
  WEIR_TRY(writer_->run(sql::mark_served, best->row));
  return batch;
}

Result<std::vector<Leasable>> SqliteRunLog::best_batch(size_t limit, std::span<const RunId> only,
                                                       std::span<const PipelineName> busy) {
  struct Candidate {
    Leasable leasable;
    int64_t served;
    int64_t pipeline;
  };
  std::vector<Candidate> candidates;
  for (const RunId& id : only) {
    Query query = WEIR_TRY(writer_->query(sql::leasable_by_id));
    query.bind(id.value());
    if (!WEIR_TRY(query.next())) continue;
    Candidate candidate{read_leasable(query), query.integer(11), query.integer(12)};
    candidate.leasable.run.pipeline = PipelineName(std::string(query.text(10)));
    if (std::ranges::find(busy, candidate.leasable.run.pipeline) != busy.end()) continue;
    candidates.push_back(std::move(candidate));
  }
  std::ranges::sort(candidates, {}, [](const Candidate& candidate) {
    return std::tuple(-candidate.leasable.run.priority, candidate.served, candidate.pipeline,
                      candidate.leasable.run.created, candidate.leasable.number);
  });
  std::vector<Leasable> batch;
  std::set<std::optional<ObjectRef>> objects;
  for (Candidate& candidate : candidates) {
    if (batch.size() == limit || candidate.pipeline != candidates.front().pipeline) break;
    if (!objects.insert(candidate.leasable.run.object).second) continue;
    batch.push_back(std::move(candidate.leasable));
    if (!batch.back().run.object) break;
  }
  if (!batch.empty()) {
    WEIR_TRY(writer_->run(sql::mark_served, candidates.front().pipeline));
  }
  return batch;
}

Result<std::vector<Run>> SqliteRunLog::mark_leased(std::vector<Leasable> batch, Timestamp now) {
  std::vector<Run> runs;
  runs.reserve(batch.size());
  for (Leasable& leased : batch) {
    WEIR_TRY(writer_->run(sql::lease_run, to_integer(now), leased.number));
    leased.run.state = RunState::running;
    leased.run.tries += 1;
    leased.run.started = now;
    runs.push_back(std::move(leased.run));
  }
  StateChanges changes;
  changes.move(RunState::queued, RunState::running, std::ssize(runs));
  WEIR_TRY(changes.write(*writer_));
  return runs;
}

Result<void> SqliteRunLog::finish_one(const FinishedRun& run, Timestamp now,
                                      StateChanges& changes) {
  int64_t number = 0;
  RunState before = RunState::running;
  {
    Query query = WEIR_TRY(writer_->query(sql::find_unfinished));
    query.bind(run.id.value());
    if (!WEIR_TRY(query.next())) {
      return fail(ErrorCode::not_found, "run " + run.id.value() + " is neither queued nor running");
    }
    number = query.integer(0);
    before = static_cast<RunState>(query.integer(1));
  }
  WEIR_TRY(
      writer_->run(sql::finish_run, to_integer(run.state), to_integer(now), run.error, number));
  changes.move(before, run.state);
  if (!run.receipt.empty()) {
    WEIR_TRY(writer_->run(sql::insert_receipt, number, run.receipt));
  }
  for (const LogLine& line : run.log) {
    WEIR_TRY(add_log_line(run.id, line.time, line.level, line.message));
  }
  return {};
}

Result<void> SqliteRunLog::add_log_line(const RunId& id, Timestamp time, std::string_view level,
                                        std::string_view message) {
  WEIR_TRY(writer_->run(sql::insert_log_line, to_integer(time), level, message, id.value()));
  if (writer_->changes() == 0) return fail(ErrorCode::not_found, "there is no run " + id.value());
  return {};
}

Result<std::vector<Run>> SqliteRunLog::list(const RunFilter& filter) {
  const std::lock_guard lock(reader_mutex_);
  std::vector<Run> runs;
  std::optional<int64_t> pipeline;
  if (filter.pipeline) {
    pipeline = WEIR_TRY(find_pipeline_row(*filter.pipeline));
    if (!pipeline) return runs;
  }
  std::string text = sql::select_runs;
  const char* separator = " WHERE ";
  const auto require = [&](const char* condition) {
    text += separator;
    text += condition;
    separator = " AND ";
  };
  if (pipeline) require(filter.object ? sql::where_pipeline_of_object : sql::where_pipeline);
  if (filter.state) require(filter.object ? sql::where_state_of_object : sql::where_state);
  if (filter.object) require(sql::where_object);
  Query query = WEIR_TRY(reader_->query(text + sql::newest_first));
  if (pipeline) query.bind(*pipeline);
  if (filter.state) query.bind(to_integer(*filter.state));
  if (filter.object) query.bind(filter.object->bucket.value()).bind(filter.object->key.value());
  query.bind(
      static_cast<int64_t>(std::min<size_t>(filter.limit, std::numeric_limits<int64_t>::max())));
  while (WEIR_TRY(query.next())) runs.push_back(read_run(query));
  return runs;
}

Result<void> SqliteRunLog::remember(const PipelineName& pipeline,
                                    std::span<const KnownObject> objects) {
  const std::lock_guard lock(writer_mutex_);
  return transact([&]() -> Result<void> {
    const int64_t row = WEIR_TRY(pipeline_row(pipeline));
    for (const KnownObject& known : objects) {
      WEIR_TRY(writer_->run(sql::remember_object, row, known.object.bucket.value(),
                            known.object.key.value(), static_cast<int64_t>(known.size_bytes),
                            known.mtime_ns, known.ctime_ns, static_cast<int64_t>(known.inode)));
    }
    return {};
  });
}

Result<void> SqliteRunLog::forget(const PipelineName& pipeline,
                                  std::span<const ObjectRef> objects) {
  const std::lock_guard lock(writer_mutex_);
  return transact([&]() -> Result<void> {
    const int64_t row = WEIR_TRY(pipeline_row(pipeline));
    for (const ObjectRef& object : objects) {
      WEIR_TRY(writer_->run(sql::forget_object, row, object.bucket.value(), object.key.value()));
    }
    return {};
  });
}

Result<void> SqliteRunLog::for_each_known(const PipelineName& pipeline, const BucketName& bucket,
                                          const std::function<void(const KnownObject&)>& visit) {
  ObjectKey after;
  for (;;) {
    const auto page = WEIR_TRY(known_after(pipeline, bucket, after, known_page));
    for (const KnownObject& known : page) visit(known);
    if (page.size() < known_page) return {};
    after = page.back().object.key;
  }
}

Result<std::vector<KnownObject>> SqliteRunLog::known_after(const PipelineName& pipeline,
                                                           const BucketName& bucket,
                                                           const ObjectKey& after, size_t limit) {
  const std::lock_guard lock(reader_mutex_);
  std::vector<KnownObject> page;
  const auto row = WEIR_TRY(find_pipeline_row(pipeline));
  if (!row) return page;
  Query query = WEIR_TRY(reader_->query(sql::known_after));
  query.bind(*row).bind(bucket.value()).bind(after.value()).bind(static_cast<int64_t>(limit));
  while (WEIR_TRY(query.next())) {
    page.push_back({ObjectRef{bucket, ObjectKey(std::string(query.text(0)))},
                    static_cast<uint64_t>(query.integer(1)), query.integer(2), query.integer(3),
                    static_cast<uint64_t>(query.integer(4))});
  }
  return page;
}

Result<std::vector<ObjectRef>> SqliteRunLog::last_failed(const PipelineName& pipeline) {
  const std::lock_guard lock(reader_mutex_);
  std::vector<ObjectRef> objects;
  const auto row = WEIR_TRY(find_pipeline_row(pipeline));
  if (!row) return objects;
  Query query = WEIR_TRY(reader_->query(sql::last_failed));
  query.bind(*row);
  while (WEIR_TRY(query.next())) {
    objects.push_back(*object_from(query.text(0), query.text(1)));
  }
  return objects;
}

/// Creates the file with mode 0600 before SQLite does; its -wal and -shm files take the same mode.
Result<void> create_private_file(const std::string& path) {
  std::error_code ignored;  // the open below tells
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), ignored);
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor < 0) {
    return fail(ErrorCode::io, "cannot create the run log " + path + ": " + std::strerror(errno),
                "check the rights of its folder");
  }
  ::close(descriptor);
  return {};
}

}  // namespace

Result<std::unique_ptr<RunLog>> open_sqlite_run_log(const std::string& path) {
  WEIR_TRY(create_private_file(path));
  auto writer = WEIR_TRY(SqliteConnection::open(path, AccessMode::read_write));
  WEIR_TRY(migrate_schema(*writer, SystemClock().now()));
  auto reader = WEIR_TRY(SqliteConnection::open(path, AccessMode::read_only));
  return std::make_unique<SqliteRunLog>(std::move(writer), std::move(reader));
}

}  // namespace weir::runlog
