#include "scheduler/settling_objects.h"

namespace weir::scheduler {

void SettlingObjects::add(const Candidate& candidate, Time due) {
  const Id id{candidate.stat.key, candidate.pipeline};
  if (const auto before = waiting_.find(id); before != waiting_.end()) {
    order_.erase({before->second.due, id});
  }
  waiting_[id] = {candidate, due};
  order_.insert({due, id});
}

void SettlingObjects::remove(const ObjectKey& key) {
  auto entry = waiting_.lower_bound({key, 0});
  while (entry != waiting_.end() && entry->first.first == key) {
    order_.erase({entry->second.due, entry->first});
    entry = waiting_.erase(entry);
  }
}

std::vector<Candidate> SettlingObjects::take_due(Time now) {
  std::vector<Candidate> due;
  while (!order_.empty() && order_.begin()->first <= now) {
    const auto entry = waiting_.find(order_.begin()->second);
    due.push_back(std::move(entry->second.candidate));
    waiting_.erase(entry);
    order_.erase(order_.begin());
  }
  return due;
}

std::optional<SettlingObjects::Time> SettlingObjects::next_due() const {
  if (order_.empty()) return std::nullopt;
  return order_.begin()->first;
}

}  // namespace weir::scheduler
