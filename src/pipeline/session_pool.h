#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "pipeline/databases.h"
#include "pipeline/resources.h"
#include "pipeline/session.h"

namespace weir::pipeline {

/// Compiled pipelines that are kept for their next run. Thread-safe; what it gives out belongs to
/// one thread until it is given back.
class SessionPool {
 public:
  /// A session and the database it works in, which stays open that long.
  struct Lease {
    Databases::Pointer database;
    std::unique_ptr<Session> session;
    Session* operator->() const { return session.get(); }
  };

  /// Both must outlive it.
  SessionPool(const Project& project, Resources& resources)
      : project_(project), resources_(resources) {}

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
  Lease take_idle(const PipelineName& pipeline, const Databases::Pointer& database);
  Result<const Pipeline*> find(const PipelineName& pipeline) const;

  const Project& project_;
  Resources& resources_;
  std::mutex mutex_;
  std::map<PipelineName, std::vector<Lease>> idle_;  // guarded by mutex_
};

}  // namespace weir::pipeline
