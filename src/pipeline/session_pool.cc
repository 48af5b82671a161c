#include "pipeline/session_pool.h"

#include <utility>

#include "base/log.h"

namespace weir::pipeline {

Result<const Pipeline*> SessionPool::find(const PipelineName& name) const {
  const Pipeline* pipeline = project_.find_pipeline(name);
  if (pipeline != nullptr) return pipeline;
  return fail(ErrorCode::not_found, "there is no pipeline '" + name.value() + "'");
}

Result<DatabaseName> SessionPool::database_of(const PipelineName& pipeline) const {
  return WEIR_TRY(take_apart(project_, *WEIR_TRY(find(pipeline)))).table->database;
}

tl::expected<SessionPool::Lease, SessionPool::NoSession> SessionPool::open(
    const PipelineName& name) {
  auto database = database_of(name);
  if (!database) return tl::unexpected(NoSession{database.error()});
  auto opened = resources_.databases->open_workshop(*database);
  if (!opened && opened.error().code == ErrorCode::unavailable) {
    drop_lost();
    opened = resources_.databases->open_workshop(*database);
  }
  if (!opened) {
    const Error& error = opened.error();
    // What is not built, or not there at all, will not come by waiting.
    const bool waits = error.code != ErrorCode::not_yet && error.code != ErrorCode::not_found;
    return tl::unexpected(NoSession{error, waits ? std::optional(*database) : std::nullopt});
  }
  auto lease = take(name, *opened);
  if (!lease && lease.error().code == ErrorCode::unavailable) {
    const auto reached = resources_.databases->reach(*database);
    if (!reached) return tl::unexpected(NoSession{reached.error(), *database});
    lease = take(name, *opened);
  }
  if (!lease) return tl::unexpected(NoSession{lease.error()});
  return *std::move(lease);
}

SessionPool::Lease SessionPool::take_idle(const PipelineName& pipeline,
                                          const Databases::Pointer& database) {
  const std::lock_guard lock(mutex_);
  auto& idle = idle_[pipeline];
  if (idle.empty() || idle.back().database != database) return {};
  Lease lease = std::move(idle.back());
  idle.pop_back();
  return lease;
}

/// Room for one more session: those that were not used for longest make it, when there are too
/// many.
std::shared_ptr<const DatabaseName> SessionPool::take_place(const DatabaseName& database) {
  std::vector<Lease> dropped;  // closed without the lock
  const std::lock_guard lock(mutex_);
  auto& place = places_[database];
  if (place == nullptr) place = std::make_shared<const DatabaseName>(database);
  while (place.use_count() > most_sessions) {
    std::vector<Lease>* oldest = nullptr;
    for (auto& [pipeline, idle] : idle_) {
      if (idle.empty() || idle.front().place != place) continue;
      if (oldest == nullptr || idle.front().given_back < oldest->front().given_back) oldest = &idle;
    }
    if (oldest == nullptr) break;  // all are at work
    dropped.push_back(std::move(oldest->front()));
    dropped.back().place.reset();
    oldest->erase(oldest->begin());
  }
  return place;
}

Result<SessionPool::Lease> SessionPool::take(const PipelineName& pipeline,
                                             Databases::Pointer database) {
  for (;;) {
    Lease lease = take_idle(pipeline, database);
    if (!lease.session) break;
    const auto ready = lease->ready_tables(project_, resources_.table_locks.get());
    if (ready && WEIR_TRY(lease->source_has_changed())) continue;
    // A server that was started anew knows none of the old sessions.
    const bool gone = lease->server() != nullptr && !lease->server()->works();
    if (ready) return lease;
    if (!gone) return fail(ready.error());
  }
  Lease lease;
  SessionOptions options{.table_locks = resources_.table_locks.get(),
                         .databases = resources_.databases.get()};
  const DatabaseName name = WEIR_TRY(database_of(pipeline));
  if (project_.find_database(name)->engine != Engine::duckdb) {
    lease.place = take_place(name);
    options.server = WEIR_TRY(resources_.databases->connect(name));
  }
  lease.session =
      WEIR_TRY(Session::open(project_, *WEIR_TRY(find(pipeline)), *database, std::move(options)));
  lease.database = std::move(database);
  return lease;
}

void SessionPool::give_back(Lease lease) {
  const PipelineName& pipeline = lease->parts().pipeline->name;
  const std::lock_guard lock(mutex_);
  lease.given_back = ++given_back_;
  // A session in a database that was lost would keep it from being opened anew.
  if (resources_.databases->is_open(lease.database)) idle_[pipeline].push_back(std::move(lease));
}

void SessionPool::drop_lost() {
  std::vector<Lease> dropped;  // closed without the lock
  const std::lock_guard lock(mutex_);
  for (auto& [pipeline, idle] : idle_) {
    std::vector<Lease> kept;
    for (Lease& lease : idle) {
      const bool keep = resources_.databases->is_open(lease.database);
      (keep ? kept : dropped).push_back(std::move(lease));
    }
    idle = std::move(kept);
  }
}

bool SessionPool::check_lost(Lease& lease, const Error& error) {
  // Only what DuckDB says when it is broken, or when it broke itself.
  if (error.code != ErrorCode::unavailable && error.code != ErrorCode::internal) return false;
  const bool server_gone = lease.session->server() != nullptr && !lease.session->server()->works();
  if (!server_gone && lease.database->works()) return false;
  if (lease.database->works()) {  // the others of the server find out for themselves
    log::warning("a connection to database {} was lost", lease->parts().table->database.value());
    lease = {};
    return true;
  }
  resources_.databases->lost(lease.database);  // first: what is given back from here on is dropped
  drop_lost();
  lease.session.reset();
  lease.database.reset();
  return true;
}

}  // namespace weir::pipeline
