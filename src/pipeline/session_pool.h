#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "pipeline/databases.h"
#include "pipeline/resources.h"
#include "pipeline/session.h"

namespace weir::pipeline {

/// Compiled pipelines that are kept for their next run; of those with one server no more
/// than `most_sessions` together with the ones at work: the longest unused go first. Thread-safe;
/// what it gives out belongs to one thread until it is given back.
class SessionPool {
 public:
  /// With one server, at work or kept; more are at work only where `max_runs` allows more.
  static constexpr long most_sessions = 10;

  /// A session and the database it works in, which stays open that long.
  struct Lease {
    Databases::Pointer database;
    std::unique_ptr<Session> session;
    /// Of a session with a server: one of those that its database has, as long as it is there.
    std::shared_ptr<const DatabaseName> place = {};
    uint64_t given_back = 0;  ///< order among the kept ones
    Session* operator->() const { return session.get(); }
  };

  /// Both must outlive it.
  SessionPool(const Project& project, Resources& resources)
      : project_(project), resources_(resources) {}

  /// Why there is no session: with `down`, because the database cannot be opened.
  struct NoSession {
    Error error;
    std::optional<DatabaseName> down = {};
  };

  /// A session of the pipeline; opens its database when it is not open.
  tl::expected<Lease, NoSession> open(const PipelineName& pipeline);
  /// The database that the pipeline loads into. Errors: not_found, not_yet.
  Result<DatabaseName> database_of(const PipelineName& pipeline) const;
  /// `database`: open, and the pipeline's. Errors: as Session::open.
  Result<Lease> take(const PipelineName& pipeline, Databases::Pointer database);
  void give_back(Lease lease);
  /// Lets go of the kept sessions whose database was lost: they would keep it from being opened
  /// anew.
  void drop_lost();
  /// Whether the database of a session whose load failed is broken; then it is lost, and so is
  /// every session in it.
  bool check_lost(Lease& lease, const Error& error);

 private:
  std::shared_ptr<const DatabaseName> take_place(const DatabaseName& database);
  Lease take_idle(const PipelineName& pipeline, const Databases::Pointer& database);
  Result<const Pipeline*> find(const PipelineName& pipeline) const;

  const Project& project_;
  Resources& resources_;
  std::mutex mutex_;
  std::map<PipelineName, std::vector<Lease>> idle_;  // guarded by mutex_
  uint64_t given_back_ = 0;                          // guarded by mutex_
  // A database's sessions are as many as share its pointer, but for this one. Guarded by mutex_.
  std::map<DatabaseName, std::shared_ptr<const DatabaseName>> places_;
};

}  // namespace weir::pipeline
