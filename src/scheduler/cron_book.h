#pragma once

#include <optional>
#include <queue>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "calendar/schedule.h"
#include "model/project.h"
#include "runlog/run_log_values.h"

namespace weir::scheduler {

/// Where the marks of schedules are kept: the run log, or a test's memory.
class CronStore {
 public:
  virtual ~CronStore() = default;
  virtual Result<std::vector<runlog::ScheduleMark>> schedule_marks() = 0;
  /// Queues the runs and sets the marks, all or nothing.
  virtual Result<void> fire(std::span<const runlog::Fires> fires) = 0;
  virtual Result<void> forget_schedules(std::span<const runlog::ScheduleKey> schedules) = 0;
};

/// Which fires become runs, and when to look again. It has no thread and no clock of its own.
///
/// Every schedule has a mark in the store: everything it scheduled up to there was fired or
/// deliberately skipped. A fire becomes a run in the transaction that moves the mark past it, so it
/// happens once however often the process dies. A fire that is noticed more than `on_time` late
/// was missed, and its trigger's `missed` decides.
class CronBook {
 public:
  static constexpr std::chrono::seconds on_time{60};
  /// A mark further ahead of the clock than this was made by a clock that was wrong.
  static constexpr std::chrono::hours wrong_clock{24};

  /// The project and the store must outlive the book.
  CronBook(const Project& project, CronStore& store);

  /// Reads the marks; schedules that are new start now, those that are gone are forgotten.
  /// Errors: the store's; invalid_project, when a schedule cannot be read on this machine.
  Result<void> open(Timestamp now);

  struct Look {
    size_t fired = 0;               ///< runs queued
    std::optional<Timestamp> next;  ///< when to look again; none: never
  };
  /// Fires what is due. After an error the same is tried again at the next look.
  Result<Look> look(Timestamp now);

  size_t schedules() const { return entries_.size(); }

 private:
  struct Entry {
    const Pipeline* pipeline;
    const CronTrigger* trigger;
    calendar::Schedule schedule;
    runlog::ScheduleMark mark;
  };
  struct Due {
    Timestamp time;
    size_t entry;
    bool operator>(const Due& other) const {
      return std::tie(time, entry) > std::tie(other.time, other.entry);
    }
  };

  Result<void> add_entries(Timestamp now);
  void await(size_t entry);
  void mistrust_marks_ahead(Timestamp now);
  std::optional<runlog::Fires> take_due(const Entry& entry, Timestamp now, size_t& room) const;
  Run run_of(const Entry& entry, Timestamp scheduled_for, Timestamp now) const;
  Result<void> drop_written();
  Result<void> write();

  const Project& project_;
  CronStore& store_;
  std::vector<Entry> entries_;
  std::priority_queue<Due, std::vector<Due>, std::greater<>> due_;
  std::vector<size_t> taken_;             // the entries of `unwritten_`; not in `due_`
  std::vector<runlog::Fires> unwritten_;  // decided, and not in the store
  size_t fired_ = 0;
  Timestamp last_look_{};
};

}  // namespace weir::scheduler
