#pragma once

#include <chrono>
#include <memory>

#include "base/clock.h"
#include "model/project.h"
#include "runlog/run_log.h"
#include "scheduler/run_observer.h"
#include "secrets/secret_store.h"

namespace weir::trace {
class Tracer;
}

namespace weir::scheduler {

struct DelivererOptions {
  int workers = 4;                            ///< receivers that are told at the same time
  std::chrono::milliseconds timeout{15'000};  ///< of one try
  uint64_t seed = 0;                          ///< of the waits between tries; 0: by chance
  const trace::Tracer* tracer = nullptr;      ///< of the runs; null: nobody traces them
};

/// Delivers the notices in the run log: each at least once, with its id, signed if its step says
/// so; again, later and later, while its receiver does not take it; given up when its step's
/// retries are used up, which its run's log then says. A receiver that does not answer holds up
/// only its own notices. Asleep while there are none. Thread-safe.
///
/// As an observer of runs it wakes up when one has ended that may have something to tell.
class NoticeDeliverer : public RunObserver {
 public:
  virtual void start() = 0;
  /// Tries once more whatever is due, for at most `grace`, and ends. What is not delivered then
  /// stays in the run log, for the next owner. May be called again, with less grace, while another
  /// thread is in it.
  virtual void drain(std::chrono::milliseconds grace) = 0;
};

/// The references must outlive the deliverer, which drains without grace when destroyed.
std::unique_ptr<NoticeDeliverer> make_notice_deliverer(const Project& project, runlog::RunLog& log,
                                                       secrets::SecretStore& secrets,
                                                       const Clock& clock,
                                                       DelivererOptions options = {});

}  // namespace weir::scheduler
