#pragma once

#include "config/sql_entry.h"
#include "config/values.h"
#include "model/api.h"

namespace weir::config {

/// A number of requests in a time, "10000/s": `count` per `seconds`.
struct RequestRate {
  double count = 0;
  double seconds = 1;
  double per_second() const { return count / seconds; }
};

/// `api: {plans: {standard: {rate: 10000/s, burst: 5000, quota: 1000000/d}}}`
struct PlanEntry {
  Located<RequestRate> rate{{RequestPlan{}.rate, 1}, {}};
  Located<int64_t> burst{static_cast<int64_t>(RequestPlan{}.burst), {}};
  std::optional<Located<RequestRate>> quota;
};

/// `api: {rows: {hits: {plan: standard, max_rows: 1000, max_bytes: 10MB, mode: append}}}`
struct RowsRouteEntry {
  Located<std::string> plan{std::string(standard_plan), {}};
  Located<int64_t> max_rows{static_cast<int64_t>(RowsRoute{}.max_rows), {}};
  Located<uint64_t> max_bytes{RowsRoute{}.max_bytes, {}};
  Located<LoadMode> mode{RowsRoute{}.mode, {}};
};

/// `parameters: {since: date, most: {type: integer, default: 10}}`
struct ParameterEntry {
  Located<DataType> type;
  std::optional<Located<std::string>> fallback;
};

struct QueryEntry {
  SqlEntry sql;
  Located<std::string> database;
  std::vector<Named<ParameterEntry>> parameters;
  Located<std::string> plan{std::string(standard_plan), {}};
  Located<int64_t> timeout_ms{NamedQuery{}.timeout_ms, {}};
  std::optional<Later> later;
};

struct TlsEntry {
  Located<std::string> certificate, key;
};

struct ApiEntry {
  Located<std::string> listen;
  std::optional<TlsEntry> tls;
  std::vector<Named<PlanEntry>> plans;
  std::vector<Named<RowsRouteEntry>> rows;
  std::vector<Named<QueryEntry>> queries;
  Located<int64_t> max_queries{static_cast<int64_t>(Api{}.max_queries), {}};
  std::vector<Located<std::string>> origins;
  Located<int64_t> remember_ms{Api{}.remember_ms, {}};
  Located<int64_t> connections{static_cast<int64_t>(Api{}.connections), {}};
  Location location;
};
Value<ApiEntry> api_value();

}  // namespace weir::config
