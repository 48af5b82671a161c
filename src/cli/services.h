#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "model/project.h"
#include "model/run.h"
#include "owner/protocol.h"
#include "pipeline/resources.h"
#include "runlog/key_store.h"
#include "runlog/run_log.h"
#include "scheduler/dispatcher.h"
#include "scheduler/run_meter.h"

namespace weir::cli {

/// What the owner's halves of the verbs work on. Each part is opened at its first use, so that a
/// short verb pays only for what it needs. Thread-safe; what it gives lives as long as itself.
class Services {
 public:
  virtual ~Services() = default;

  virtual const Project& project() const = 0;
  virtual const Clock& clock() const = 0;
  /// The run log; what the last owner left running is queued again first.
  virtual Result<runlog::RunLog*> run_log() = 0;
  /// The buckets, and the databases, each of which is opened when somebody asks for it.
  virtual Result<pipeline::Resources*> resources() = 0;
  /// What the dispatcher's runs are executed by.
  virtual Result<pipeline::Executor*> executor() = 0;
  /// The dispatcher, at work.
  virtual Result<scheduler::Dispatcher*> dispatcher() = 0;
  /// One run per object that `pipeline` is triggered by and has not loaded in its present version;
  /// one run for a pipeline that reads no object. `force`: loaded or not.
  virtual Result<std::vector<Run>> pending_runs(const Pipeline& pipeline, bool force) = 0;

  /// What the dispatcher has at work; none while there is no dispatcher: asking does not make one.
  virtual std::vector<scheduler::RunningRun> running() = 0;

  /// What the dispatcher's runs came to lately, and the databases that do not answer.
  virtual const scheduler::RunMeter& meter() const = 0;

  /// For `weir up`: looks after its own parts and tells the service manager from now on; answers
  /// monitoring at `address` when there is one. Gives that address with its real port.
  virtual Result<std::optional<ListenAddress>> start_monitoring(
      const std::optional<ListenAddress>& address) = 0;
  /// The API's keys.
  virtual Result<runlog::KeyStore*> keys() = 0;
  /// For `weir up`, after start_monitoring: answers the API at `address`, with `ask` for what the
  /// verbs do; gives the address with its real port. Errors: usage (the port is taken), io,
  /// invalid_project (the certificate).
  virtual Result<ListenAddress> start_api(const ListenAddress& address, owner::Handler ask) = 0;
  /// For `weir up`: databases are opened, and triggers become runs from now on. A database that
  /// cannot be opened is looked at again and again; the others' runs go on meanwhile.
  virtual Result<void> start_watching() = 0;
  /// Takes no new work; what runs may finish within `grace`, then it is rolled back and stays
  /// queued. May be called again, with less grace, while another thread is in it.
  virtual void drain(std::chrono::milliseconds grace) = 0;
};

/// What main.cc gives to the command line: how the graph of objects is built.
struct Wiring {
  std::function<std::unique_ptr<Services>(Project)> make_services;
};

}  // namespace weir::cli
