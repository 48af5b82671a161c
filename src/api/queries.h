#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <string_view>

#include "http/reply.h"
#include "model/project.h"
#include "pipeline/databases.h"

namespace weir::api {

/// The media types a query's rows are answered in; the first is what a client gets that takes all.
inline constexpr std::string_view query_media_types[] = {
    "application/json", "text/csv", "application/x-ndjson", "application/vnd.apache.parquet"};

/// GET /api/queries/QUERY: named queries, answered with rows as they come. Thread-safe.
class Queries {
 public:
  /// All must outlive it; `project` has an `api`.
  Queries(const Project& project, pipeline::Databases& databases)
      : project_(project), databases_(databases) {}

  /// Reads a request, on the thread that reads all connections. Gives what a worker is to do, which
  /// takes until all is sent; or nothing, when the reply was given: 400, 404, 406, 503 (as many
  /// queries are at work as may be).
  std::function<void()> take(const std::string& name, const http::RequestHead& head,
                             http::Reply reply);

 private:
  /// A place among those at work; free again when it goes.
  class Place;

  const Project& project_;
  pipeline::Databases& databases_;
  std::atomic<size_t> at_work_ = 0;
};

}  // namespace weir::api
