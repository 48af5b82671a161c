// Ten years of many schedules on a simulated clock, with deaths, sleeps and clocks that are set.
// What must have fired is worked out from the list of moments at which a process looked, and from
// a list of each schedule's fires that a walk over every minute of the C library's clocks made.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "calendar/slow_schedule_for_test.h"
#include "scheduler/cron_store_for_test.h"

namespace weir::scheduler {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

const Timestamp begin = std::chrono::sys_days(std::chrono::year(2025) / 11 / 1);
const Timestamp end = begin + hours(24 * 3653);

int64_t second_of(Timestamp time) { return time.time_since_epoch().count() / 1'000'000; }

/// What looking at these moments must have fired, by the rule for missed fires alone.
std::vector<Timestamp> due(const std::vector<Timestamp>& fires, const std::vector<Timestamp>& looks,
                           MissedFires policy) {
  std::vector<Timestamp> out;
  auto next = fires.begin();
  for (const Timestamp look : looks) {
    std::optional<Timestamp> last_missed;
    std::vector<Timestamp> on_time;
    for (; next != fires.end() && *next <= look; ++next) {
      if (*next < look - seconds(60) && policy != MissedFires::all) {
        last_missed = *next;
      } else {
        on_time.push_back(*next);
      }
    }
    if (last_missed && policy == MissedFires::last) out.push_back(*last_missed);
    out.insert(out.end(), on_time.begin(), on_time.end());
  }
  return out;
}

/// Processes that come and go, on a clock that only this moves.
class Simulation {
 public:
  Simulation(Project project, uint32_t seed) : project_(std::move(project)), random_(seed) {
    now_ = begin;
    restart();
  }

  /// `jumps`: the clock is also set, up to 20 hours either way.
  void run(bool jumps) {
    while (now_ < end) {
      const int what = pick(0, 999);
      if (what < 3) {
        now_ += seconds(pick(61, 3 * 86400));  // asleep, or nobody is up
        if (pick(0, 1) == 0) restart();
      } else if (what < 8) {
        restart();
      } else if (jumps && what < 12) {
        now_ += seconds(pick(-20 * 3600, 20 * 3600));
      } else if (what < 20) {
        store_.next_failure = pick(0, 1) == 0
                                  ? MemoryStore::Failure::before  // killed before the
                                  : MemoryStore::Failure::after;  // commit, or behind it
      }
      look();
    }
    now_ = latest_ = std::max(latest_, end);
    restart();
    while (look() && next_ == now_) {
    }
  }

  const Project& project() const { return project_; }
  const MemoryStore& store() const { return store_; }
  const std::vector<Timestamp>& looks() const { return looks_; }
  Timestamp latest() const { return latest_; }

 private:
  int pick(int from, int to) { return std::uniform_int_distribution<int>(from, to)(random_); }

  void restart() {
    store_.next_failure = MemoryStore::Failure::none;
    book_.emplace(project_, store_);
    ASSERT_TRUE(book_->open(now_));
  }

  /// False: it was killed at it.
  bool look() {
    const size_t writes = store_.writes;
    const bool after = store_.next_failure == MemoryStore::Failure::after;
    const auto done = book_->look(now_);
    latest_ = std::max(latest_, now_);
    if (done || after) looks_.push_back(now_);
    EXPECT_LE(store_.writes - writes, 3u);
    if (!done) {
      restart();
      next_ = now_;
      return false;
    }
    next_ = done->next.value_or(end);
    // Timers are late, a little.
    now_ = std::max(now_, next_) + (pick(0, 3) == 0 ? seconds(pick(0, 20)) : seconds(0));
    return true;
  }

  Project project_;
  MemoryStore store_;
  std::mt19937 random_;
  Timestamp now_, next_{}, latest_ = begin;
  std::vector<Timestamp> looks_;
  std::optional<CronBook> book_;
};

constexpr const char* expressions[] = {"5 0 * * *",      "30 2 * * *",  "0 * 1 * *",
                                       "*/15 1-3 * * 0", "0 9 * * 1-5", "45 23 28-31 * *",
                                       "30 1 * * *",     "0 0 29 2 *"};
constexpr const char* zones[] = {"America/New_York", "Australia/Lord_Howe", "UTC"};

std::vector<CronTrigger> triggers() {
  std::vector<CronTrigger> out;
  const MissedFires policies[] = {MissedFires::all, MissedFires::last, MissedFires::skip};
  for (const char* zone : zones) {
    for (const char* expression : expressions) {
      out.push_back({expression, zone, policies[(out.size() + out.size() / 8) % 3]});
    }
  }
  return out;
}

/// All fires of each trigger, from the walk.
const std::vector<std::vector<Timestamp>>& walked() {
  static const auto all = [] {
    std::vector<std::vector<Timestamp>> out;
    for (const char* name : zones) {
      const calendar::LibraryZone zone(name);
      std::vector<calendar::SlowSchedule> schedules(std::begin(expressions), std::end(expressions));
      for (const auto& fires : calendar::SlowSchedule::walk(schedules, second_of(begin),
                                                            second_of(end + hours(24 * 10)))) {
        std::vector<Timestamp>& times = out.emplace_back();
        for (const int64_t at : fires) times.push_back(Timestamp(seconds(at)));
      }
    }
    return out;
  }();
  return all;
}

void check(const Simulation& simulation) {
  ASSERT_LT(simulation.latest(), end + hours(24 * 10));
  for (size_t i = 0; i < simulation.project().pipelines.size(); ++i) {
    const Pipeline& pipeline = simulation.project().pipelines[i];
    const auto& trigger = std::get<CronTrigger>(pipeline.triggers.front());
    const runlog::ScheduleKey key{pipeline.name, schedule_name(trigger)};
    SCOPED_TRACE(key.schedule);
    std::vector<Timestamp> fires = walked()[i];
    std::erase_if(fires, [&](Timestamp time) { return time > simulation.latest(); });
    ASSERT_GT(fires.size(), 1u);
    const auto found = simulation.store().fired.find(key);
    ASSERT_NE(found, simulation.store().fired.end());
    ASSERT_EQ(found->second, due(fires, simulation.looks(), trigger.missed));
  }
}

TEST(CronSimulation, ten_years_lose_and_double_nothing) {
  for (const uint32_t seed : {1, 2, 3}) {
    SCOPED_TRACE(seed);
    Simulation simulation(cron_project(triggers()), seed);
    simulation.run(false);
    check(simulation);
  }
}

TEST(CronSimulation, nor_when_the_clock_is_set_both_ways) {
  std::vector<CronTrigger> all = triggers();
  for (CronTrigger& trigger : all) trigger.missed = MissedFires::all;
  for (const uint32_t seed : {4, 5, 6}) {
    SCOPED_TRACE(seed);
    Simulation simulation(cron_project(all), seed);
    simulation.run(true);
    check(simulation);
  }
}

}  // namespace
}  // namespace weir::scheduler
