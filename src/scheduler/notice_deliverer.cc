#include "scheduler/notice_deliverer.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <thread>
#include <vector>

#include "base/fault_point.h"
#include "base/log.h"
#include "base/redaction.h"
#include "pipeline/notice_request.h"

namespace weir::scheduler {
namespace {

using std::chrono::milliseconds;
using SteadyTime = std::chrono::steady_clock::time_point;

constexpr size_t most_looked_at = 1000;  // due notices of receivers that are being told anyway
constexpr milliseconds longest_sleep{60'000};  // the clock may be set meanwhile
constexpr milliseconds log_pause{1'000};

/// Whom a notice is for: a step tells one receiver.
using Receiver = std::pair<PipelineName, int>;

class Deliverer final : public NoticeDeliverer {
 public:
  Deliverer(const Project& project, runlog::RunLog& log, secrets::SecretStore& secrets,
            const Clock& clock, DelivererOptions options)
      : project_(project), log_(log), secrets_(secrets), clock_(clock), options_(options) {
    random_.seed(options.seed != 0 ? options.seed : std::random_device{}());
    for (const Pipeline& pipeline : project.pipelines) {
      const bool tells = std::ranges::any_of(pipeline.steps, [](const Step& step) {
        return std::holds_alternative<NotifyStep>(step);
      });
      if (tells) telling_.insert(pipeline.name);
    }
  }
  ~Deliverer() override { drain(milliseconds(0)); }

  void start() override {
    const std::lock_guard lock(mutex_);
    running_ = options_.workers;
    for (int i = 0; i < options_.workers; ++i) workers_.emplace_back([this] { work(); });
  }
  void finished(const Run& run, const Receipt&, RunState) override {
    if (!telling_.contains(run.pipeline)) return;
    {
      const std::lock_guard lock(mutex_);
      ++generation_;
    }
    changed_.notify_all();
  }
  void drain(milliseconds grace) override;

 private:
  void work();
  std::optional<runlog::Notice> next(std::unique_lock<std::mutex>& lock);
  std::optional<runlog::Notice> choose(milliseconds& sleep);
  void deliver(http::Client& client, const runlog::Notice& notice);
  void put_off(const runlog::Notice& notice, const NotifyStep& step,
               const pipeline::RefusedNotice& refused);
  void give_up(const runlog::Notice& notice, const std::string& why);
  void note(const Result<void>& written) const;

  const Project& project_;
  runlog::RunLog& log_;
  secrets::SecretStore& secrets_;
  const Clock& clock_;
  const DelivererOptions options_;
  std::set<PipelineName> telling_;  // pipelines with a notify step

  std::atomic<bool> cancel_ = false;
  std::mutex drain_mutex_;  // one drain at a time; taken before mutex_
  std::mutex mutex_;        // guards all below
  std::condition_variable changed_;
  uint64_t generation_ = 0;
  bool draining_ = false;
  int running_ = 0;  // workers that have not ended
  std::set<Receiver> being_told_;
  std::map<Receiver, SteadyTime> not_before_;  // receivers that did not take the last one
  std::mt19937_64 random_;
  std::vector<std::thread> workers_;
};

void Deliverer::drain(milliseconds grace) {
  if (grace.count() == 0) {
    cancel_ = true;  // also for a drain that is on its way
    changed_.notify_all();
  }
  const std::lock_guard one_at_a_time(drain_mutex_);
  std::vector<std::thread> workers;
  {
    std::unique_lock lock(mutex_);
    draining_ = true;
    ++generation_;
    changed_.notify_all();
    changed_.wait_for(lock, grace, [this] { return running_ == 0 || cancel_; });
    cancel_ = true;
    changed_.notify_all();
    workers.swap(workers_);
  }
  for (std::thread& worker : workers) worker.join();
}

void Deliverer::work() {
  http::Client client({NetworkFence(project_.network), project_.ca_file.string()});
  std::unique_lock lock(mutex_);
  while (const auto notice = next(lock)) {
    const Receiver receiver(notice->pipeline, notice->step);
    being_told_.insert(receiver);
    lock.unlock();
    deliver(client, *notice);
    lock.lock();
    being_told_.erase(receiver);
    ++generation_;
    changed_.notify_all();
  }
  --running_;
  changed_.notify_all();
}

/// The next notice to deliver, waiting for one; none when it is time to go.
std::optional<runlog::Notice> Deliverer::next(std::unique_lock<std::mutex>& lock) {
  for (;;) {
    if (cancel_) return std::nullopt;
    const uint64_t seen = generation_;
    milliseconds sleep = longest_sleep;
    if (auto notice = choose(sleep)) return notice;
    // Others may be telling receivers for whom more is due.
    if (draining_ && being_told_.empty()) return std::nullopt;
    changed_.wait_for(lock, sleep, [&] { return generation_ != seen || cancel_; });
  }
}

std::optional<runlog::Notice> Deliverer::choose(milliseconds& sleep) {
  const Timestamp now = clock_.now();
  auto due = log_.due_notices(now, most_looked_at);
  if (!due) {
    log::warning("cannot read the notices: {}", due.error().to_string());
    sleep = log_pause;
    return std::nullopt;
  }
  const SteadyTime steady = std::chrono::steady_clock::now();
  for (runlog::Notice& notice : *due) {
    const Receiver receiver(notice.pipeline, notice.step);
    if (being_told_.contains(receiver)) continue;
    const auto pause = not_before_.find(receiver);
    if (pause == not_before_.end() || pause->second <= steady) return std::move(notice);
    sleep = std::min(sleep, std::chrono::ceil<milliseconds>(pause->second - steady));
  }
  const auto next = log_.next_notice_due(now);
  if (next && *next && **next > now) {
    sleep = std::min(sleep, std::chrono::ceil<milliseconds>(**next - now));
  }
  return std::nullopt;
}

void Deliverer::deliver(http::Client& client, const runlog::Notice& notice) {
  const NotifyStep* step = pipeline::notify_step(project_, notice);
  if (step == nullptr) return give_up(notice, "the project no longer has its notify step");
  const auto refused = pipeline::send_notice(
      {client, secrets_, clock_, options_.timeout, options_.tracer}, *step, notice, cancel_);
  if (!refused) {
    fault_point("notice-sent");
    note(log_.notice_delivered(notice.id));
    const std::lock_guard lock(mutex_);
    not_before_.erase({notice.pipeline, notice.step});
    return;
  }
  if (refused->error.code == ErrorCode::cancelled) return;
  const bool last = refused->for_good || notice.tries >= step->retry.times;
  if (!last) return put_off(notice, *step, *refused);
  give_up(notice, redact(refused->error.to_string()));
}

void Deliverer::put_off(const runlog::Notice& notice, const NotifyStep& step,
                        const pipeline::RefusedNotice& refused) {
  milliseconds delay{0};
  {
    const std::lock_guard lock(mutex_);
    delay = retry_delay(step.retry, notice.tries + 1, std::uniform_real_distribution<>()(random_));
    delay = std::max(delay, refused.retry_after.value_or(delay));
    // What else is due for it need not find out by itself.
    const milliseconds pause = std::min(delay, step.retry.backoff);
    not_before_[{notice.pipeline, notice.step}] = std::chrono::steady_clock::now() + pause;
  }
  const Timestamp now = clock_.now();
  const std::string message =
      fmt::format("notice {} was not delivered: {}; next try in {} ms", notice.id,
                  redact(refused.error.to_string()), delay.count());
  note(log_.notice_later(notice.id, now, now + delay, {now, "warning", message}));
}

void Deliverer::give_up(const runlog::Notice& notice, const std::string& why) {
  const std::string message =
      fmt::format("notice {} is given up after {} tries: {}", notice.id, notice.tries + 1, why);
  log::warning("run {}: {}", notice.run.value(), message);
  note(log_.notice_given_up(notice.id, {clock_.now(), "error", message}));
}

void Deliverer::note(const Result<void>& written) const {
  // It stays in the outbox, and is sent once more: at least once is what was promised.
  if (!written && written.error().code != ErrorCode::not_found) {
    log::warning("cannot write down what became of a notice: {}", written.error().to_string());
  }
}

}  // namespace

std::unique_ptr<NoticeDeliverer> make_notice_deliverer(const Project& project, runlog::RunLog& log,
                                                       secrets::SecretStore& secrets,
                                                       const Clock& clock,
                                                       DelivererOptions options) {
  return std::make_unique<Deliverer>(project, log, secrets, clock, options);
}

}  // namespace weir::scheduler
