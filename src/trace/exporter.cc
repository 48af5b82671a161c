#include "trace/exporter.h"

#include <algorithm>

#include "base/log.h"
#include "trace/otlp_json.h"

namespace weir::trace {

using std::chrono::milliseconds;

Exporter::Exporter(std::vector<Attribute> resource, SendSpans send, ExporterOptions options)
    : resource_(std::move(resource)),
      send_(std::move(send)),
      options_(options),
      thread_([this] { work(); }) {}

void Exporter::take(Span span) {
  bool enough = false;
  {
    const std::lock_guard lock(mutex_);
    if (stopping_ || waiting_.size() >= options_.most_waiting) {
      ++dropped_;
      return;
    }
    waiting_.push_back(std::move(span));
    enough = waiting_.size() == options_.most_at_once;
  }
  if (enough) changed_.notify_all();
}

Exporter::Counts Exporter::counts() const { return {sent_, dropped_, failed_}; }

/// What is to be sent next, after waiting for it; nothing when it is time to go.
std::vector<Span> Exporter::next() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait_for(lock, options_.interval,
                      [this] { return stopping_ || waiting_.size() >= options_.most_at_once; });
    if (!waiting_.empty() || stopping_) break;
  }
  const auto count = static_cast<ptrdiff_t>(std::min(waiting_.size(), options_.most_at_once));
  std::vector<Span> spans(std::make_move_iterator(waiting_.begin()),
                          std::make_move_iterator(waiting_.begin() + count));
  waiting_.erase(waiting_.begin(), waiting_.begin() + count);
  return spans;
}

/// False: there is no time for another try.
bool Exporter::pause(int tries) {
  milliseconds pause = options_.first_pause;
  for (int i = 1; i < tries && pause < options_.longest_pause; ++i) pause *= 2;
  std::unique_lock lock(mutex_);
  return !changed_.wait_for(lock, std::min(pause, options_.longest_pause),
                            [this] { return stopping_; });
}

void Exporter::note(Delivery delivery, size_t spans) {
  const bool taken = delivery == Delivery::taken;
  (taken ? sent_ : failed_) += spans;
  if (taken == reached_) return;
  reached_ = taken;
  if (taken) {
    log::info("the collector of traces takes them again");
  } else {
    log::warning("the collector of traces does not take them; /metrics counts those that are lost");
  }
}

void Exporter::deliver(const std::vector<Span>& spans) {
  const std::string body = otlp_json(resource_, spans);
  Delivery delivery = Delivery::later;
  for (int tries = 1; tries <= options_.most_tries; ++tries) {
    delivery = send_(body, cancel_);
    if (delivery != Delivery::later || tries == options_.most_tries || !pause(tries)) break;
  }
  note(delivery, spans.size());
}

void Exporter::work() {
  for (;;) {
    const std::vector<Span> spans = next();
    if (spans.empty()) break;
    if (cancel_) {
      dropped_ += spans.size();
    } else {
      deliver(spans);
    }
  }
  const std::lock_guard lock(mutex_);
  ended_ = true;
  changed_.notify_all();
}

void Exporter::stop(milliseconds grace) {
  const std::lock_guard one_at_a_time(stop_mutex_);
  if (!thread_.joinable()) return;
  {
    std::unique_lock lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
    changed_.wait_for(lock, grace, [this] { return ended_; });
  }
  cancel_ = true;
  thread_.join();
}

}  // namespace weir::trace
