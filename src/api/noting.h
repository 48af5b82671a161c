#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "api/cors.h"
#include "api/request_target.h"
#include "base/clock.h"
#include "http/reply.h"
#include "metrics/api_metrics.h"
#include "trace/tracer.h"

namespace weir::api {

/// What is told of each request. All must outlive the requests.
struct Notes {
  const Cors& cors;
  metrics::ApiMetrics& metrics;
  const trace::Tracer* tracer;  ///< null: there are no traces
  const Clock& clock;
};

/// The client's own id, when it is sound, so that its log and ours can be laid side by side.
std::string request_id(const http::RequestHead& head, const Clock& clock);

/// Of an answer that a request got before its body was read: adds what every answer has, writes the
/// access log and counts.
void note_refusal(const Notes& notes, Target::Kind kind, const http::RequestHead& head,
                  const std::string& peer, std::chrono::steady_clock::time_point begun,
                  http::Response& response);

/// Adds to the answer of a request who asked for what; writes the access log, counts, and ends the
/// request's span.
class Noting final : public http::Reply::Sink {
 public:
  Noting(http::Reply reply, const http::Request& request, Target::Kind kind, const Notes& notes);

  void send(http::Response response) override;
  std::unique_ptr<http::BodyWriter> stream(http::Response head) override;
  void watch_client() override { reply_.watch_client(); }
  bool client_left() const override { return reply_.client_left(); }

  void set_key(const std::string& id) { key_ = id; }
  /// The request's span, where it is traced.
  const std::optional<trace::TraceContext>& span() const { return span_; }
  /// That another span has to do with it. Before the answer.
  void link(const trace::TraceContext& other) { links_.push_back(other); }

 private:
  using SteadyClock = std::chrono::steady_clock;
  void note(http::Response& response);
  void end_span(const http::Response& response);

  http::Reply reply_;
  const Notes& notes_;
  const Target::Kind kind_;
  const std::string id_, method_, path_, peer_;
  const std::optional<std::string> origin_;
  const SteadyClock::time_point begun_ = SteadyClock::now();
  const trace::Time begun_at_;  // of a request that is traced
  std::string key_;
  std::optional<trace::TraceContext> span_;
  std::optional<trace::SpanId> parent_;
  std::vector<trace::TraceContext> links_;
};

}  // namespace weir::api
