#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "objects/bucket.h"

namespace weir::scheduler {

/// An object, in the state it was seen in, and the pipeline (by its place in the bucket's list)
/// that has not had that state yet.
struct Candidate {
  objects::ObjectStat stat;
  size_t pipeline = 0;
};

/// Objects that have to rest before they are read, by when to look again. One thread.
class SettlingObjects {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// Adds, or replaces what is known of that object and pipeline.
  void add(const Candidate& candidate, Time due);
  /// The object is taken care of, for all pipelines.
  void remove(const ObjectKey& key);
  std::vector<Candidate> take_due(Time now);
  std::optional<Time> next_due() const;

 private:
  using Id = std::pair<ObjectKey, size_t>;
  struct Waiting {
    Candidate candidate;
    Time due;
  };
  std::map<Id, Waiting> waiting_;
  std::set<std::pair<Time, Id>> order_;
};

}  // namespace weir::scheduler
