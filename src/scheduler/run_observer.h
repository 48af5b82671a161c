#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "base/error.h"
#include "model/names.h"
#include "model/receipt.h"
#include "model/run.h"

namespace weir::scheduler {

/// Whether a database's runs are leased.
enum class BreakerState {
  closed,  ///< as usual
  open,    ///< the database does not answer: its runs wait, and use up no tries
};

/// Is told what becomes of runs, as it happens: what counts and shows runs hangs here. Calls come
/// from any of the dispatcher's threads, several at once, without a lock of the dispatcher held;
/// the worker waits meanwhile, so they must be short and must not throw. They must not call the
/// dispatcher.
class RunObserver {
 public:
  virtual ~RunObserver() = default;

  /// A worker begins with the run: each time it is tried.
  virtual void started(const Run&) {}
  /// The run has put an object of so many bytes, whatever becomes of the run itself.
  virtual void downloaded(const Run&, uint64_t /*bytes*/) {}
  /// The try failed, and the next one comes after `delay`. `error` is input_changed when the input
  /// changed under the reader.
  virtual void retried(const Run&, const Error& /*error*/, std::chrono::milliseconds /*delay*/) {}
  /// The run has ended and its verdict is in the run log. `state` is the run's: that of a receipt
  /// that says failed may be parked.
  virtual void finished(const Run&, const Receipt&, RunState /*state*/) {}
  /// Once per change. `why`: the error that opened it; empty when it is closed again.
  virtual void breaker(const DatabaseName&, BreakerState, const std::string& /*why*/) {}
};

}  // namespace weir::scheduler
