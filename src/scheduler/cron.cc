#include "scheduler/cron.h"

#include <algorithm>
#include <atomic>
#include <thread>

#include "base/log.h"
#include "scheduler/cron_book.h"

namespace weir::scheduler {
namespace {

class RunLogStore final : public CronStore {
 public:
  explicit RunLogStore(runlog::RunLog& log) : log_(log) {}
  Result<std::vector<runlog::ScheduleMark>> schedule_marks() override {
    return log_.schedule_marks();
  }
  Result<void> fire(std::span<const runlog::Fires> fires) override { return log_.fire(fires); }
  Result<void> forget_schedules(std::span<const runlog::ScheduleKey> schedules) override {
    return log_.forget_schedules(schedules);
  }

 private:
  runlog::RunLog& log_;
};

class CronThread final : public Cron {
 public:
  CronThread(const Project& project, runlog::RunLog& log, const Clock& clock,
             std::unique_ptr<Alarm> alarm, std::function<void()> fired)
      : store_(log),
        book_(project, store_),
        clock_(clock),
        alarm_(std::move(alarm)),
        fired_(std::move(fired)) {}
  ~CronThread() override { stop(); }

  Result<void> start() override {
    WEIR_TRY(book_.open(clock_.now()));
    if (book_.schedules() > 0) thread_ = std::thread([this] { work(); });
    return {};
  }

  void stop() override {
    stopping_ = true;
    alarm_->ring();
    if (thread_.joinable()) thread_.join();
  }

 private:
  void work() {
    std::chrono::seconds pause{0};  // after an error: the run log's disk is full, say
    while (!stopping_) {
      const auto look = book_.look(clock_.now());
      if (!look) {
        if (pause.count() == 0) log::warning("schedules wait: {}", look.error().to_string());
        pause = std::clamp(2 * pause, std::chrono::seconds(1), std::chrono::seconds(30));
        fired_();  // some of it may have been queued
        alarm_->wait_until(clock_.now() + pause);
        continue;
      }
      if (pause.count() > 0) log::info("schedules go on");
      pause = std::chrono::seconds(0);
      if (look->fired > 0) fired_();
      if (!look->next || *look->next > clock_.now()) alarm_->wait_until(look->next);
    }
  }

  RunLogStore store_;
  CronBook book_;
  const Clock& clock_;
  const std::unique_ptr<Alarm> alarm_;
  const std::function<void()> fired_;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

}  // namespace

std::unique_ptr<Cron> make_cron(const Project& project, runlog::RunLog& log, const Clock& clock,
                                std::unique_ptr<Alarm> alarm, std::function<void()> fired) {
  return std::make_unique<CronThread>(project, log, clock, std::move(alarm), std::move(fired));
}

}  // namespace weir::scheduler
