#pragma once

#include <chrono>
#include <map>
#include <optional>

#include "base/clock.h"
#include "model/names.h"
#include "model/retry_policy.h"

namespace weir::scheduler {

/// Which databases are down, and when each is to be looked at again: after a pause that grows from
/// half a second to half a minute. Times are the wall clock's; one that is set back makes a probe
/// due at once. One thread.
class CircuitBreaker {
 public:
  static constexpr RetryPolicy pauses{
      .times = 0, .backoff = std::chrono::milliseconds(500), .longest = std::chrono::seconds(30)};

  struct Found {
    bool opened = false;                 ///< it was up until now
    std::chrono::milliseconds pause{0};  ///< until the next probe
  };
  /// A batch or a probe could not reach the database. `random` in [0, 1) spreads the pause.
  Found found_down(const DatabaseName& database, Timestamp now, double random);
  /// The database was reached. True: it was down until now. The pauses go on where they were, until
  /// work was done in it too.
  bool found_up(const DatabaseName& database);
  /// A batch was executed in it.
  void worked(const DatabaseName& database);

  /// When the next database is to be probed; none is while it is being probed.
  std::optional<Timestamp> next_probe(Timestamp now) const;
  /// A database whose probe is due. Whoever takes it answers with found_down or found_up.
  std::optional<DatabaseName> take_probe(Timestamp now);

 private:
  struct State {
    bool open = false;
    bool probing = false;
    int failures = 0;  ///< pauses that were in vain, since work was last done
    Timestamp since{};
    Timestamp due{};
    bool is_due(Timestamp now) const { return due <= now || now < since; }
  };
  std::map<DatabaseName, State> states_;
};

}  // namespace weir::scheduler
