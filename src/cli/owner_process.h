#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

#include "base/result.h"
#include "cli/services.h"
#include "cli/stop_signals.h"
#include "owner/lock_file.h"
#include "owner/protocol.h"
#include "owner/server.h"
#include "owner/state_directory.h"

namespace weir::cli {

/// This process while it is the owner: answers its own verb and the requests of others, and leaves
/// in order. The first stop signal drains with a grace, the second without, the third ends at once
/// (nothing is lost: what was not committed is run again).
class OwnerProcess {
 public:
  static constexpr std::chrono::milliseconds grace{10'000};

  /// Takes the lock over and puts the socket in place. `signals` must outlive it. Errors: io.
  static Result<std::unique_ptr<OwnerProcess>> begin(const owner::StateDirectory& directory,
                                                     owner::LockFile lock, owner::Identity self,
                                                     std::unique_ptr<Services> services,
                                                     StopSignals& signals);
  /// Leaves, when that has not been done.
  ~OwnerProcess();

  Services& services() { return *services_; }
  /// Answers the requests of others from now on.
  void serve();
  /// Answers this process's own request.
  Result<void> answer(const owner::Request& request, owner::FrameSink& sink);
  /// Waits for the first stop signal.
  void wait_for_stop();
  /// Finishes what others have asked for (as far as a stop signal lets it), closes everything,
  /// takes the socket away and gives up the lock.
  void leave();

 private:
  OwnerProcess(owner::LockFile lock, owner::Identity self, std::unique_ptr<Services> services,
               std::unique_ptr<owner::Server> server, StopSignals& signals, io::Descriptor wake);
  void watch_signals();
  void stop();

  owner::LockFile lock_;
  owner::Identity self_;
  std::unique_ptr<Services> services_;
  std::unique_ptr<owner::Server> server_;
  StopSignals& signals_;
  io::Descriptor wake_;  // ends the signal thread
  std::thread signal_thread_;
  std::thread drainer_;  // of the signal thread's making

  std::mutex mutex_;
  std::condition_variable changed_;
  std::atomic<bool> stopping_ = false;
};

}  // namespace weir::cli
