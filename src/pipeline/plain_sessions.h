#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "pipeline/plain_load.h"
#include "pipeline/session_pool.h"

namespace weir::pipeline {

/// Sessions for plain rows, kept from batch to batch: unlike those of judged loads they are not
/// compared with the database before each use, for their target does that itself. Thread-safe.
class PlainSessions {
 public:
  /// One at work, or kept.
  struct Held {
    SessionPool::Lease lease;
    std::unique_ptr<PlainLoad> load;
    bool fresh = true;  ///< not used yet
    uint64_t given_back = 0;
  };

  /// All must outlive it.
  PlainSessions(SessionPool& pool, Databases& databases) : pool_(pool), databases_(databases) {}

  /// Null: rows of this pipeline are to be judged, or its database cannot be reached; who judges
  /// them finds out which.
  std::unique_ptr<Held> take(const PipelineName& pipeline);
  void give_back(const PipelineName& pipeline, std::unique_ptr<Held> held);
  /// Lets go of those whose database was lost: they would keep it from being opened anew.
  void drop_lost();

 private:
  using Clock = std::chrono::steady_clock;
  std::unique_ptr<Held> take_idle(const PipelineName& pipeline);
  bool is_judged(const PipelineName& pipeline);

  SessionPool& pool_;
  Databases& databases_;
  std::mutex mutex_;
  std::map<PipelineName, std::vector<std::unique_ptr<Held>>> idle_;  // guarded, like all below
  std::map<PipelineName, Clock::time_point> judged_until_;
  size_t kept_ = 0;
  uint64_t serial_ = 0;
};

}  // namespace weir::pipeline
