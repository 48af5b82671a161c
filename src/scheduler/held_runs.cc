#include "scheduler/held_runs.h"

#include <algorithm>

namespace weir::scheduler {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds first_change_delay{250};
constexpr milliseconds longest_delay{30'000};

milliseconds doubled(milliseconds first, int times) {
  return times < 10 ? std::min(longest_delay, first * (1 << times)) : longest_delay;
}

}  // namespace

std::optional<milliseconds> HeldRuns::hold_failed(const RunId& id, SteadyTime now,
                                                  const RetryPolicy& policy, double random) {
  int& failed = tries_[id].failed;
  if (failed >= policy.times) return std::nullopt;
  const milliseconds delay = retry_delay(policy, ++failed, random);
  due_[id] = now + delay;
  return delay;
}

milliseconds HeldRuns::hold_changed(const RunId& id, SteadyTime now) {
  const milliseconds delay = doubled(first_change_delay, tries_[id].changed++);
  due_[id] = now + delay;
  return delay;
}

std::vector<RunId> HeldRuns::take_due(SteadyTime now) {
  std::vector<RunId> ids;
  for (auto entry = due_.begin(); entry != due_.end();) {
    if (entry->second > now) {
      ++entry;
      continue;
    }
    ids.push_back(entry->first);
    entry = due_.erase(entry);
  }
  return ids;
}

std::vector<RunId> HeldRuns::take_all() { return take_due(SteadyTime::max()); }

std::optional<SteadyTime> HeldRuns::next_due() const {
  const auto first =
      std::ranges::min_element(due_, {}, [](const auto& entry) { return entry.second; });
  if (first == due_.end()) return std::nullopt;
  return first->second;
}

}  // namespace weir::scheduler
