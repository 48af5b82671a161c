#pragma once

#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"

namespace weir::pipeline {

/// A part of the work on inputs, and when it was done.
struct Phase {
  std::string_view name;  ///< "read", "query", "decide", "write", "commit", "download"
  Timestamp begun{}, ended{};
};

/// When each phase of a load was; each ends where the next begins.
class PhaseTimes {
 public:
  /// `clock` must outlive it.
  explicit PhaseTimes(const Clock& clock) : clock_(clock) {}

  /// `name`: of a constant.
  void begin(std::string_view name) {
    end();
    phases_.push_back({name, clock_.now(), {}});
  }
  /// Those so far; the last one ends here.
  std::vector<Phase> take() {
    end();
    return std::exchange(phases_, {});
  }

 private:
  void end() {
    if (!phases_.empty()) phases_.back().ended = clock_.now();
  }

  const Clock& clock_;
  std::vector<Phase> phases_;
};

}  // namespace weir::pipeline
