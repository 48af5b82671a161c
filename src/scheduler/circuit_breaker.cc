#include "scheduler/circuit_breaker.h"

#include <algorithm>
#include <utility>

namespace weir::scheduler {

using std::chrono::ceil;
using std::chrono::milliseconds;

CircuitBreaker::Found CircuitBreaker::found_down(const DatabaseName& database, Timestamp now,
                                                 double random) {
  State& state = states_[database];
  const bool opened = !state.open;
  if (opened || state.probing) {
    const milliseconds pause = retry_delay(pauses, ++state.failures, random);
    state = {true, false, state.failures, now, now + pause};
  }
  // Another batch of the time before it opened: it tells nothing new.
  const auto left = state.is_due(now) ? Timestamp::duration(0) : state.due - now;
  return {opened, ceil<milliseconds>(left)};
}

bool CircuitBreaker::found_up(const DatabaseName& database) {
  State& state = states_[database];
  state.probing = false;
  return std::exchange(state.open, false);
}

void CircuitBreaker::worked(const DatabaseName& database) {
  const auto found = states_.find(database);
  if (found != states_.end() && !found->second.open) states_.erase(found);
}

std::optional<Timestamp> CircuitBreaker::next_probe(Timestamp now) const {
  std::optional<Timestamp> next;
  for (const auto& [name, state] : states_) {
    if (!state.open || state.probing) continue;
    const Timestamp due = state.is_due(now) ? now : state.due;
    next = next ? std::min(*next, due) : due;
  }
  return next;
}

std::optional<DatabaseName> CircuitBreaker::take_probe(Timestamp now) {
  for (auto& [name, state] : states_) {
    if (!state.open || state.probing || !state.is_due(now)) continue;
    state.probing = true;
    return name;
  }
  return std::nullopt;
}

}  // namespace weir::scheduler
