#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "metrics/descriptions.h"
#include "model/names.h"
#include "model/receipt.h"

namespace prometheus {
struct ClientMetric;
}

namespace weir::metrics {

/// Values counted in buckets, without a lock; a count is seen in its bucket and in the whole at
/// once, for the whole is the sum of the buckets.
class Distribution {
 public:
  /// `bounds`: the upper ones, rising; of a constant.
  explicit Distribution(std::span<const double> bounds)
      : bounds_(bounds), buckets_(bounds.size() + 1) {}

  void observe(double value);
  void show(prometheus::ClientMetric& metric) const;

 private:
  const std::span<const double> bounds_;
  std::vector<std::atomic<uint64_t>> buckets_;
  std::atomic<double> sum_ = 0;
};

/// What the HTTP API counts. Labels are routes, tables and words that are known when it is made,
/// never what a client sends. Recording takes no lock, but for rejected rows. Thread-safe.
class ApiMetrics {
 public:
  struct Labels {
    std::vector<std::string> routes;  ///< "/api/runs"; a request is of one, by its index
    std::vector<TableName> tables;
    std::vector<std::string> refusals;  ///< why a request may be turned away
  };
  explicit ApiMetrics(Labels labels);

  void answered(size_t route, std::string_view method, int status,
                std::chrono::duration<double> taken);
  /// A request was turned away: too many, or it cannot be done now.
  void refused(std::string_view why);
  /// A request with rows waits, and its body with it; and no longer.
  void rows_wait(const TableName& table, uint64_t bytes);
  void rows_answered(const TableName& table, uint64_t bytes);
  /// What became of a request's rows. `broken_rules` as in a receipt.
  void rows_ended(const TableName& table, const RowCounts& rows,
                  const std::map<std::string, uint64_t>& broken_rules);
  /// So many requests shared a commit.
  void committed(size_t requests);

  /// Adds all there is.
  void collect(Families& families) const;

 private:
  using Counter = std::atomic<uint64_t>;
  static constexpr size_t known_methods = 5;   // see method_names
  static constexpr size_t status_classes = 5;  // "1xx" to "5xx"
  static constexpr size_t outcomes = 7;        // see outcome_names

  struct Route {
    Route();
    std::string path;
    std::array<std::array<Counter, status_classes>, known_methods> requests{};
    Distribution durations;
  };
  struct OfTable {
    std::array<Counter, outcomes> rows{};
    Counter waiting_requests = 0, waiting_bytes = 0;
    mutable std::mutex mutex;
    std::map<std::string, uint64_t, std::less<>> rules;  // guarded by mutex
  };
  struct Refusal {
    std::string why;
    Counter count = 0;
  };

  OfTable* find(const TableName& table);
  void collect_requests(Families& families) const;
  void collect_rows(Families& families) const;
  void collect_waiting(Families& families) const;

  std::deque<Route> routes_;  // not changed after the constructor, like all below
  std::map<TableName, OfTable> tables_;
  std::deque<Refusal> refusals_;
  Distribution commits_;
};

}  // namespace weir::metrics
