#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "metrics/api_metrics.h"
#include "metrics/descriptions.h"
#include "model/names.h"
#include "model/receipt.h"

namespace weir::metrics {

using Seconds = std::chrono::duration<double>;

/// A run that has ended.
struct EndedRun {
  PipelineName pipeline;
  RunState state = RunState::failed;
  RowCounts rows;
  Seconds duration{0};
  std::optional<Seconds> since_arrival;  ///< when an arrival triggered it and rows were committed
  std::chrono::system_clock::time_point at;
};

/// A word of a fixed set and how often it was so; since weir started.
using Counted = std::pair<std::string_view, uint64_t>;

/// What is true at a moment.
struct Levels {
  uint64_t queued = 0;  ///< runs, the held ones among them
  uint64_t held = 0;    ///< queued runs that wait for their next try
  uint64_t running = 0;
  uint64_t parked = 0;
  uint64_t notices_waiting = 0;
  uint64_t state_free_bytes = 0;  ///< free space where the state lies
  bool ready = false;
  uint64_t api_connections = 0;
  std::vector<Counted> api_cut = {};  ///< connections, by why; empty: there is no API
  std::vector<Counted> spans = {};    ///< of traces, by what became of them; empty: there are none
};

/// What weir counts, measures and shows at /metrics. Thread-safe; recording takes no longer than a
/// look into a map. Pipelines beyond the first `most_pipelines` and rules beyond a pipeline's first
/// `most_rules` are counted together as `other`, so that a scrape stays small.
class Metrics {
 public:
  static constexpr size_t most_pipelines = 2'000;
  static constexpr size_t most_rules = 50;
  static constexpr const char* other = "(other)";

  explicit Metrics(std::string_view version);
  ~Metrics();

  /// Shown from now on, with zeros: a rate needs a first value.
  void expect(std::span<const PipelineName> pipelines);

  /// `late`: since the time its schedule had set.
  void run_started(const PipelineName& pipeline, std::optional<Seconds> late);
  void run_retried(const PipelineName& pipeline);
  void run_ended(const EndedRun& run);
  /// Rows of which `rule` was the first they broke.
  void rejected(const PipelineName& pipeline, std::string_view rule, uint64_t rows);
  void downloaded(const PipelineName& pipeline, uint64_t bytes);
  void breaker(const DatabaseName& database, bool open);
  void set(const Levels& levels);
  /// What the API counts from now on, and shows here. Once.
  ApiMetrics& count_api(ApiMetrics::Labels labels);

  /// Everything, in Prometheus' text format 0.0.4.
  std::string text() const;

 private:
  struct Registry;
  std::unique_ptr<Registry> registry_;
};

}  // namespace weir::metrics
