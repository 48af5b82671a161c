#include "metrics/api_metrics.h"

#include <prometheus/metric_family.h>

#include <algorithm>
#include <limits>

namespace weir::metrics {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;

constexpr std::array durations = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
                                  0.25,   0.5,   1.0,    2.5,   5.0,  10.0,  30.0};
constexpr std::array commit_sizes = {1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0};

/// What a client may send besides is counted as one.
constexpr std::array<std::string_view, 5> method_names = {"GET", "HEAD", "POST", "OPTIONS",
                                                          "(other)"};
constexpr const char* status_names[] = {"1xx", "2xx", "3xx", "4xx", "5xx"};
/// As Metrics::most_rules.
constexpr size_t most_rules = 50;
constexpr const char* other_rules = "(other)";

struct Outcome {
  const char* name;
  uint64_t RowCounts::*count;
};
constexpr std::array outcome_names = {
    Outcome{"inserted", &RowCounts::inserted},   Outcome{"updated", &RowCounts::updated},
    Outcome{"unchanged", &RowCounts::unchanged}, Outcome{"deduplicated", &RowCounts::deduplicated},
    Outcome{"filtered", &RowCounts::filtered},   Outcome{"rejected", &RowCounts::rejected},
    Outcome{"replaced", &RowCounts::replaced},
};

size_t index_of(std::string_view method) {
  const auto at = std::ranges::find(method_names, method);
  return static_cast<size_t>(std::min(at, method_names.end() - 1) - method_names.begin());
}

double to_double(uint64_t count) { return static_cast<double>(count); }

ClientMetric& add_metric(MetricFamily& family, std::vector<ClientMetric::Label> labels) {
  ClientMetric& metric = family.metric.emplace_back();
  metric.label = std::move(labels);
  return metric;
}

}  // namespace

void Distribution::observe(double value) {
  const auto bucket = std::ranges::lower_bound(bounds_, value) - bounds_.begin();
  buckets_[static_cast<size_t>(bucket)].fetch_add(1, std::memory_order_relaxed);
  sum_.fetch_add(value, std::memory_order_relaxed);
}

void Distribution::show(ClientMetric& metric) const {
  uint64_t count = 0;
  for (size_t i = 0; i < buckets_.size(); ++i) {
    count += buckets_[i].load(std::memory_order_relaxed);
    const double bound = i < bounds_.size() ? bounds_[i] : std::numeric_limits<double>::infinity();
    metric.histogram.bucket.push_back({count, bound});
  }
  metric.histogram.sample_count = count;
  metric.histogram.sample_sum = sum_.load(std::memory_order_relaxed);
}

ApiMetrics::Route::Route() : durations(metrics::durations) {}

ApiMetrics::ApiMetrics(Labels labels) : commits_(commit_sizes) {
  static_assert(method_names.size() == known_methods && outcome_names.size() == outcomes);
  for (std::string& path : labels.routes) routes_.emplace_back().path = std::move(path);
  for (const TableName& table : labels.tables) tables_.try_emplace(table);
  for (std::string& why : labels.refusals) refusals_.emplace_back().why = std::move(why);
}

void ApiMetrics::answered(size_t route, std::string_view method, int status,
                          std::chrono::duration<double> taken) {
  Route& asked = routes_.at(route);
  const auto status_class = static_cast<size_t>(std::clamp(status / 100, 1, 5) - 1);
  ++asked.requests[index_of(method)][status_class];
  asked.durations.observe(std::max(taken.count(), 0.0));
}

void ApiMetrics::refused(std::string_view why) {
  const auto at = std::ranges::find(refusals_, why, &Refusal::why);
  if (at != refusals_.end()) ++at->count;
}

ApiMetrics::OfTable* ApiMetrics::find(const TableName& table) {
  const auto at = tables_.find(table);
  return at == tables_.end() ? nullptr : &at->second;
}

void ApiMetrics::rows_wait(const TableName& table, uint64_t bytes) {
  OfTable* of = find(table);
  if (of == nullptr) return;
  ++of->waiting_requests;
  of->waiting_bytes += bytes;
}

void ApiMetrics::rows_answered(const TableName& table, uint64_t bytes) {
  OfTable* of = find(table);
  if (of == nullptr) return;
  --of->waiting_requests;
  of->waiting_bytes -= bytes;
}

void ApiMetrics::rows_ended(const TableName& table, const RowCounts& rows,
                            const std::map<std::string, uint64_t>& broken_rules) {
  OfTable* of = find(table);
  if (of == nullptr) return;
  for (size_t i = 0; i < outcome_names.size(); ++i) of->rows[i] += rows.*outcome_names[i].count;
  if (broken_rules.empty()) return;
  const std::lock_guard lock(of->mutex);
  for (const auto& [rule, count] : broken_rules) {
    const bool room = of->rules.size() < most_rules || of->rules.contains(rule);
    of->rules[room ? rule : other_rules] += count;
  }
}

void ApiMetrics::committed(size_t requests) { commits_.observe(to_double(requests)); }

void ApiMetrics::collect_requests(Families& families) const {
  MetricFamily& requests = add_family(families, "weir_api_requests_total");
  for (const Route& route : routes_) {
    for (size_t method = 0; method < known_methods; ++method) {
      for (size_t status = 0; status < status_classes; ++status) {
        const uint64_t count = route.requests[method][status];
        if (count == 0) continue;  // most never are
        add_metric(requests, {{"route", route.path},
                              {"method", std::string(method_names[method])},
                              {"status", status_names[status]}})
            .counter.value = to_double(count);
      }
    }
  }
  MetricFamily& taken = add_family(families, "weir_api_request_duration_seconds");
  for (const Route& route : routes_) {
    route.durations.show(add_metric(taken, {{"route", route.path}}));
  }
  MetricFamily& refused = add_family(families, "weir_api_refused_total");
  for (const Refusal& refusal : refusals_) {
    add_metric(refused, {{"reason", refusal.why}}).counter.value = to_double(refusal.count);
  }
}

void ApiMetrics::collect_rows(Families& families) const {
  MetricFamily& rows = add_family(families, "weir_api_rows_total");
  for (const auto& [table, of] : tables_) {
    for (size_t i = 0; i < outcome_names.size(); ++i) {
      add_metric(rows, {{"table", table.value()}, {"outcome", outcome_names[i].name}})
          .counter.value = to_double(of.rows[i]);
    }
  }
  MetricFamily& rejected = add_family(families, "weir_api_rejected_rows_total");
  for (const auto& [table, of] : tables_) {
    const std::lock_guard lock(of.mutex);
    for (const auto& [rule, count] : of.rules) {
      add_metric(rejected, {{"table", table.value()}, {"rule", rule}}).counter.value =
          to_double(count);
    }
  }
}

void ApiMetrics::collect_waiting(Families& families) const {
  MetricFamily& requests = add_family(families, "weir_api_waiting_requests");
  for (const auto& [table, of] : tables_) {
    add_metric(requests, {{"table", table.value()}}).gauge.value = to_double(of.waiting_requests);
  }
  MetricFamily& bytes = add_family(families, "weir_api_waiting_bytes");
  for (const auto& [table, of] : tables_) {
    add_metric(bytes, {{"table", table.value()}}).gauge.value = to_double(of.waiting_bytes);
  }
}

void ApiMetrics::collect(Families& families) const {
  collect_requests(families);
  collect_rows(families);
  commits_.show(add_metric(add_family(families, "weir_api_commit_requests"), {}));
  collect_waiting(families);
}

}  // namespace weir::metrics
