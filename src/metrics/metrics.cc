#include "metrics/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/metric_family.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <array>
#include <map>
#include <mutex>
#include <unordered_map>

#include "metrics/process_facts.h"

namespace weir::metrics {
namespace {

using prometheus::Counter;
using prometheus::Family;
using prometheus::Gauge;
using prometheus::Histogram;

template <class Build>
auto& family(Build build, const char* name, prometheus::Registry& registry) {
  return build.Name(name).Help(std::string(description_of(name).help)).Register(registry);
}

const Histogram::BucketBoundaries run_times = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1,
                                               2.5,   5,    10,    30,   60,  300,  900, 3600};
const Histogram::BucketBoundaries latenesses = {0.1, 0.5, 1, 5, 15, 60, 300, 1800, 3600, 86400};

constexpr std::array ended_states = {RunState::succeeded, RunState::partial, RunState::skipped,
                                     RunState::failed, RunState::parked};

struct RowCounter {
  const char* name;
  uint64_t RowCounts::*count;
};
constexpr std::array row_counters = {
    RowCounter{"read", &RowCounts::read},
    RowCounter{"expanded", &RowCounts::expanded},
    RowCounter{"folded", &RowCounts::folded},
    RowCounter{"inserted", &RowCounts::inserted},
    RowCounter{"updated", &RowCounts::updated},
    RowCounter{"unchanged", &RowCounts::unchanged},
    RowCounter{"deduplicated", &RowCounts::deduplicated},
    RowCounter{"filtered", &RowCounts::filtered},
    RowCounter{"rejected", &RowCounts::rejected},
    RowCounter{"replaced", &RowCounts::replaced},
};

/// What one pipeline's events move; looked up once per event.
struct PipelineSeries {
  std::string label;
  std::array<Counter*, ended_states.size()> states{};
  std::array<Counter*, row_counters.size()> rows{};
  Counter* retries = nullptr;
  Counter* downloaded = nullptr;
  Histogram* duration = nullptr;
  Histogram* since_arrival = nullptr;
  Histogram* late = nullptr;
  Gauge* last_success = nullptr;
  std::map<std::string, Counter*, std::less<>> rules;  // guarded by the registry's mutex
};

}  // namespace

struct Metrics::Registry {
  explicit Registry(std::string_view version) {
    family(prometheus::BuildGauge(), "weir_build_info", registry)
        .Add({{"version", std::string(version)}})
        .Set(1);
  }

  Gauge& level(const char* name) {
    return family(prometheus::BuildGauge(), name, registry).Add({});
  }

  /// With `mutex` held.
  PipelineSeries& series(const PipelineName& pipeline);
  void add_series(PipelineSeries& series);

  prometheus::Registry registry;
  Family<Counter>& runs = family(prometheus::BuildCounter(), "weir_runs_total", registry);
  Family<Counter>& retries = family(prometheus::BuildCounter(), "weir_run_retries_total", registry);
  Family<Histogram>& durations =
      family(prometheus::BuildHistogram(), "weir_run_duration_seconds", registry);
  Family<Histogram>& arrivals =
      family(prometheus::BuildHistogram(), "weir_arrival_to_commit_seconds", registry);
  Family<Gauge>& last_successes =
      family(prometheus::BuildGauge(), "weir_last_success_timestamp_seconds", registry);
  Family<Counter>& rows = family(prometheus::BuildCounter(), "weir_rows_total", registry);
  Family<Counter>& rejects =
      family(prometheus::BuildCounter(), "weir_rejected_rows_total", registry);
  Family<Histogram>& lateness =
      family(prometheus::BuildHistogram(), "weir_schedule_lateness_seconds", registry);
  Family<Counter>& downloads =
      family(prometheus::BuildCounter(), "weir_downloaded_bytes_total", registry);
  Family<Gauge>& breakers = family(prometheus::BuildGauge(), "weir_breaker_open", registry);
  Gauge& queued = level("weir_queued_runs");
  Gauge& held = level("weir_held_runs");
  Gauge& running = level("weir_running_runs");
  Gauge& parked = level("weir_parked_runs");
  Gauge& notices = level("weir_notices_waiting");
  Gauge& ready = level("weir_ready");
  Gauge& state_free = level("weir_state_free_bytes");

  std::mutex mutex;  // guards all below, and the rules of each series
  std::unordered_map<PipelineName, PipelineSeries> pipelines;
  std::optional<PipelineSeries> others;
  std::unique_ptr<ApiMetrics> api;
  Levels levels;  // those that no gauge holds
};

void Metrics::Registry::add_series(PipelineSeries& made) {
  const prometheus::Labels labels = {{"pipeline", made.label}};
  for (size_t i = 0; i < ended_states.size(); ++i) {
    made.states[i] =
        &runs.Add({{"pipeline", made.label}, {"state", std::string(to_string(ended_states[i]))}});
  }
  for (size_t i = 0; i < row_counters.size(); ++i) {
    made.rows[i] = &rows.Add({{"pipeline", made.label}, {"counter", row_counters[i].name}});
  }
  made.retries = &retries.Add(labels);
  made.last_success = &last_successes.Add(labels);
}

PipelineSeries& Metrics::Registry::series(const PipelineName& pipeline) {
  if (const auto found = pipelines.find(pipeline); found != pipelines.end()) return found->second;
  if (pipelines.size() < most_pipelines) {
    PipelineSeries& made = pipelines[pipeline];
    made.label = pipeline.value();
    add_series(made);
    return made;
  }
  if (!others) {
    others.emplace().label = other;
    add_series(*others);
  }
  return *others;
}

Metrics::Metrics(std::string_view version) : registry_(std::make_unique<Registry>(version)) {}
Metrics::~Metrics() = default;

void Metrics::expect(std::span<const PipelineName> pipelines) {
  const std::lock_guard lock(registry_->mutex);
  for (const PipelineName& pipeline : pipelines) registry_->series(pipeline);
}

void Metrics::run_started(const PipelineName& pipeline, std::optional<Seconds> late) {
  const std::lock_guard lock(registry_->mutex);
  PipelineSeries& series = registry_->series(pipeline);
  if (!late) return;
  if (series.late == nullptr) {
    series.late = &registry_->lateness.Add({{"pipeline", series.label}}, latenesses);
  }
  series.late->Observe(std::max(late->count(), 0.0));
}

void Metrics::run_retried(const PipelineName& pipeline) {
  const std::lock_guard lock(registry_->mutex);
  registry_->series(pipeline).retries->Increment();
}

void Metrics::run_ended(const EndedRun& run) {
  const std::lock_guard lock(registry_->mutex);
  PipelineSeries& series = registry_->series(run.pipeline);
  const prometheus::Labels labels = {{"pipeline", series.label}};
  for (size_t i = 0; i < ended_states.size(); ++i) {
    if (ended_states[i] == run.state) series.states[i]->Increment();
  }
  for (size_t i = 0; i < row_counters.size(); ++i) {
    series.rows[i]->Increment(static_cast<double>(run.rows.*row_counters[i].count));
  }
  if (series.duration == nullptr) series.duration = &registry_->durations.Add(labels, run_times);
  series.duration->Observe(run.duration.count());
  if (run.since_arrival) {
    if (series.since_arrival == nullptr) {
      series.since_arrival = &registry_->arrivals.Add(labels, run_times);
    }
    series.since_arrival->Observe(std::max(run.since_arrival->count(), 0.0));
  }
  if (run.state != RunState::failed && run.state != RunState::parked) {
    series.last_success->Set(Seconds(run.at.time_since_epoch()).count());
  }
}

void Metrics::rejected(const PipelineName& pipeline, std::string_view rule, uint64_t rows) {
  const std::lock_guard lock(registry_->mutex);
  PipelineSeries& series = registry_->series(pipeline);
  auto found = series.rules.find(rule);
  if (found == series.rules.end()) {
    if (series.rules.size() >= most_rules) rule = other;
    found = series.rules.try_emplace(std::string(rule)).first;
    if (found->second == nullptr) {
      found->second =
          &registry_->rejects.Add({{"pipeline", series.label}, {"rule", std::string(rule)}});
    }
  }
  found->second->Increment(static_cast<double>(rows));
}

void Metrics::downloaded(const PipelineName& pipeline, uint64_t bytes) {
  const std::lock_guard lock(registry_->mutex);
  PipelineSeries& series = registry_->series(pipeline);
  if (series.downloaded == nullptr) {
    series.downloaded = &registry_->downloads.Add({{"pipeline", series.label}});
  }
  series.downloaded->Increment(static_cast<double>(bytes));
}

void Metrics::breaker(const DatabaseName& database, bool open) {
  registry_->breakers.Add({{"database", database.value()}}).Set(open ? 1 : 0);
}

void Metrics::set(const Levels& levels) {
  registry_->queued.Set(static_cast<double>(levels.queued));
  registry_->held.Set(static_cast<double>(levels.held));
  registry_->running.Set(static_cast<double>(levels.running));
  registry_->parked.Set(static_cast<double>(levels.parked));
  registry_->notices.Set(static_cast<double>(levels.notices_waiting));
  registry_->state_free.Set(static_cast<double>(levels.state_free_bytes));
  registry_->ready.Set(levels.ready ? 1 : 0);
  const std::lock_guard lock(registry_->mutex);
  registry_->levels = levels;
}

namespace {

/// One value without labels, or one of a word.
void add_value(prometheus::MetricFamily& family, double value, std::string_view label = {},
               std::string_view word = {}) {
  prometheus::ClientMetric& metric = family.metric.emplace_back();
  if (!label.empty()) metric.label.push_back({std::string(label), std::string(word)});
  const bool counter = family.type == prometheus::MetricType::Counter;
  (counter ? metric.counter.value : metric.gauge.value) = value;
}

void add_words(Families& families, const char* name, std::span<const Counted> counts) {
  if (counts.empty()) return;
  prometheus::MetricFamily& family = add_family(families, name);
  const std::string_view label = description_of(name).labels;
  for (const auto& [word, count] : counts) {
    add_value(family, static_cast<double>(count), label, word);
  }
}

}  // namespace

std::string Metrics::text() const {
  Families families = registry_->registry.Collect();
  {
    const std::lock_guard lock(registry_->mutex);
    if (registry_->api) {
      registry_->api->collect(families);
      add_value(add_family(families, "weir_api_connections"),
                static_cast<double>(registry_->levels.api_connections));
    }
    add_words(families, "weir_api_connections_cut_total", registry_->levels.api_cut);
    add_words(families, "weir_trace_spans_total", registry_->levels.spans);
  }
  const ProcessFacts facts = process_facts();
  for (const auto& [name, value] : {
           std::pair("process_cpu_seconds_total", facts.cpu_seconds),
           std::pair("process_resident_memory_bytes", static_cast<double>(facts.resident_bytes)),
           std::pair("process_virtual_memory_bytes", static_cast<double>(facts.virtual_bytes)),
           std::pair("process_open_fds", static_cast<double>(facts.open_descriptors)),
           std::pair("process_max_fds", static_cast<double>(facts.most_descriptors)),
           std::pair("process_threads", static_cast<double>(facts.threads)),
           std::pair("process_start_time_seconds", facts.start_time_seconds),
       }) {
    add_value(add_family(families, name), value);
  }
  return prometheus::TextSerializer().Serialize(families);
}

ApiMetrics& Metrics::count_api(ApiMetrics::Labels labels) {
  const std::lock_guard lock(registry_->mutex);
  registry_->api = std::make_unique<ApiMetrics>(std::move(labels));
  return *registry_->api;
}

}  // namespace weir::metrics
