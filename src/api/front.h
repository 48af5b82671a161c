#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <variant>

#include "api/admin.h"
#include "api/cors.h"
#include "api/gate.h"
#include "api/noting.h"
#include "api/queries.h"
#include "api/request_target.h"
#include "api/rows.h"
#include "base/clock.h"
#include "http/reply.h"
#include "model/project.h"
#include "owner/protocol.h"
#include "pipeline/row_requests.h"

namespace weir::api {

/// What the API's answers come from. All must outlive it.
struct FrontParts {
  const Project& project;  ///< which has an `api`
  const Clock& clock;
  Gate& gate;
  pipeline::RowRequests& rows;
  /// Answers a verb, as the owner does for `weir` itself; on the calling thread.
  owner::Handler ask;
  Admin& admin;
  Queries& queries;
  metrics::ApiMetrics& metrics;  ///< with the labels of Front::labels
  const trace::Tracer* tracer;   ///< null: there are no traces
};

/// The HTTP API: says who may ask, what is asked for, and passes it on. Thread-safe.
class Front {
 public:
  explicit Front(FrontParts parts);

  /// What the API of this project counts requests by.
  static metrics::ApiMetrics::Labels labels(const Project& project);

  /// Looks at a head: how long its body may be, or the answer that ends it.
  std::variant<uint64_t, http::Response> admit(const http::RequestHead& head,
                                               const std::string& peer) const;
  /// See http::Exchange.
  std::function<void()> take(http::Request request, http::Reply reply);

 private:
  struct Asked;

  std::variant<uint64_t, http::Response> judge(const Target& target,
                                               const http::RequestHead& head) const;
  std::optional<http::Response> check_scope(const Target& target, const ApiKey& key,
                                            const http::RequestHead& head) const;
  void take_rows(Asked asked);
  std::function<void()> take_query(Asked asked);
  void submit(ReadRows rows, Asked asked);
  void answer(Asked& asked);
  void answer_monitoring(Asked& asked);

  FrontParts parts_;
  const Cors cors_;
  const Notes notes_;
  std::atomic<int> followers_ = 0;  // requests that stay, each on a worker
};

}  // namespace weir::api
