#pragma once

#include "base/result.h"
#include "io/descriptor.h"

namespace weir::cli {

/// Takes SIGINT, SIGTERM and SIGHUP out of the hands of chance: they no longer end the process but
/// can be read here. Ignores SIGPIPE. Make it before the first thread; there is one.
class StopSignals {
 public:
  static Result<StopSignals> block();
  /// Becomes readable when one has come.
  int descriptor() const { return events_.get(); }
  /// Takes one that has come; false when there is none.
  bool take();

 private:
  explicit StopSignals(io::Descriptor events) : events_(std::move(events)) {}
  io::Descriptor events_;
};

}  // namespace weir::cli
