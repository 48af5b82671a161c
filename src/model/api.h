#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/location.h"
#include "model/data_type.h"
#include "model/listen_address.h"
#include "model/pipeline.h"

namespace weir {

/// How much somebody may ask for. A bucket of `burst` tokens is filled with `rate` per second; a
/// request takes one.
struct RequestPlan {
  std::string name;
  double rate = 10'000;                      ///< requests per second
  double burst = 5'000;                      ///< requests at once
  std::optional<uint64_t> daily_quota = {};  ///< requests per day (UTC)
  Location location = {};
};

/// The plan of those who have no other; a project may describe it anew.
inline constexpr std::string_view standard_plan = "standard";

/// How rows for a table come in through the API.
struct RowsRoute {
  TableName table;
  std::string plan = std::string(standard_plan);
  uint64_t max_rows = 1'000;         ///< of one request
  uint64_t max_bytes = 10'000'000;   ///< of its body
  LoadMode mode = LoadMode::append;  ///< unless the request names another
  Location location = {};
};

/// A value that a query is asked with.
struct QueryParameter {
  std::string name;
  DataType type;
  std::optional<std::string> fallback =
      {};  ///< the value of who gives none; none: it must be given
  Location location = {};
};

/// A named SQL statement that the API answers with rows.
struct NamedQuery {
  std::string name;
  SqlText sql;  ///< `$name` stands for a parameter
  DatabaseName database;
  std::vector<QueryParameter> parameters;
  std::string plan = std::string(standard_plan);
  int64_t timeout_ms = 60'000;  ///< from its request to the last row that is sent
  Location location = {};
};

/// What `weir up` answers over HTTP.
struct Api {
  ListenAddress listen{"127.0.0.1", 8080};
  std::filesystem::path certificate, key;  ///< absolute, PEM; empty: plain HTTP
  std::vector<RequestPlan> plans;          ///< `standard` is always among them
  std::vector<RowsRoute> rows;             ///< of every table of the dictionary
  std::vector<NamedQuery> queries;
  size_t max_queries = 4;            ///< at work at a time
  std::vector<std::string> origins;  ///< pages of these may ask (CORS); "*": all
  int64_t remember_ms = 86'400'000;  ///< how long an Idempotency-Key is known
  size_t connections = 12'000;       ///< most at a time

  const RequestPlan* find_plan(std::string_view name) const;
  const RowsRoute* find_rows(const TableName& table) const;
  const NamedQuery* find_query(std::string_view name) const;
};

/// The name of the pipeline that rows of a request go through; not in the project file, it stands
/// in receipts and ledger: "api:hits:merge:json".
PipelineName rows_pipeline_name(const TableName& table, LoadMode mode, Format format);
/// Read, then load: one for every mode and format of a request.
std::vector<Pipeline> rows_pipelines(const TableName& table);

}  // namespace weir
