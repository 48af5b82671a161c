#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "trace/span.h"

namespace weir::trace {

/// What became of a request to the collector.
enum class Delivery {
  taken,
  later,    ///< it cannot be reached, or has too much to do: the same may be taken later
  refused,  ///< the same would be refused again
};

/// Sends one body. May take as long as it has to; ends soon once `cancel` is set.
using SendSpans = std::function<Delivery(std::string body, const std::atomic<bool>& cancel)>;

struct ExporterOptions {
  size_t most_waiting = 8'192;                   ///< spans; beyond, new ones are dropped
  size_t most_at_once = 512;                     ///< spans in one request
  std::chrono::milliseconds interval{2'000};     ///< a span waits no longer for others
  int most_tries = 5;                            ///< of a request that may be taken later
  std::chrono::milliseconds first_pause{1'000};  ///< before the second try; then twice as long
  std::chrono::milliseconds longest_pause{30'000};
};

/// Sends spans to a collector, many at a time, on a thread of its own. Who hands one over never
/// waits for the network: what the queue does not hold is dropped, and counted. Thread-safe.
class Exporter final : public SpanSink {
 public:
  /// `resource`: who the spans are of.
  Exporter(std::vector<Attribute> resource, SendSpans send, ExporterOptions options);
  /// Stops without grace.
  ~Exporter() override { stop(std::chrono::milliseconds(0)); }

  void take(Span span) override;
  /// Sends what waits within `grace`, drops the rest, takes no more.
  void stop(std::chrono::milliseconds grace);

  struct Counts {
    uint64_t sent = 0;     ///< taken by the collector
    uint64_t dropped = 0;  ///< there was no room, or no time at the end
    uint64_t failed = 0;   ///< refused, or not taken in any try
  };
  Counts counts() const;

 private:
  void work();
  std::vector<Span> next();
  void deliver(const std::vector<Span>& spans);
  bool pause(int tries);
  void note(Delivery delivery, size_t spans);

  const std::vector<Attribute> resource_;
  const SendSpans send_;
  const ExporterOptions options_;

  std::atomic<uint64_t> sent_ = 0, dropped_ = 0, failed_ = 0;
  std::atomic<bool> cancel_ = false;
  bool reached_ = true;  // of the thread: whether the last request was taken

  mutable std::mutex mutex_;  // guards all below
  std::condition_variable changed_;
  std::deque<Span> waiting_;
  bool stopping_ = false;
  bool ended_ = false;
  std::mutex stop_mutex_;  // one stop at a time
  std::thread thread_;
};

}  // namespace weir::trace
