#include "api/noting.h"

#include <fmt/format.h>

#include "base/log.h"
#include "model/run.h"

namespace weir::api {
namespace {

constexpr size_t longest_request_id = 64;
constexpr std::string_view run_address = "/api/runs/";

std::optional<std::string> copy_of(const std::string* text) {
  return text != nullptr ? std::optional(*text) : std::nullopt;
}

/// A line of the access log.
struct Access {
  const std::string& request;
  const std::string& method;
  const std::string& path;
  int status;
  const std::string& key;  ///< its id; empty: nobody's
  const std::string& peer;
  std::chrono::duration<double, std::milli> taken;
};

void write_log(const Access& access) {
  const log::With request("request", access.request), method("method", access.method),
      path("path", access.path), status("status", std::to_string(access.status)),
      key("key", access.key), peer("peer", access.peer),
      duration("duration_ms", fmt::format("{:.2f}", access.taken.count()));
  log::info("{} {} {}", access.method, access.path, access.status);
}

void count(const Notes& notes, Target::Kind kind, std::string_view method,
           const http::Response& response, std::chrono::steady_clock::duration taken) {
  notes.metrics.answered(static_cast<size_t>(kind), method, response.status, taken);
  if (response.status == 429 || response.status == 503) notes.metrics.refused(response.why);
}

}  // namespace

std::string request_id(const http::RequestHead& head, const Clock& clock) {
  const std::string* given = http::find_header(head.headers, "x-request-id");
  const bool sound = given != nullptr && !given->empty() && given->size() <= longest_request_id &&
                     given->find_first_not_of(
                         "0123456789abcdefghijklmnopqrstuvwxyz"
                         "ABCDEFGHIJKLMNOPQRSTUVWXYZ-_.:") == std::string::npos;
  return sound ? *given : new_run_id(clock.now()).value();
}

void note_refusal(const Notes& notes, Target::Kind kind, const http::RequestHead& head,
                  const std::string& peer, std::chrono::steady_clock::time_point begun,
                  http::Response& response) {
  const auto taken = std::chrono::steady_clock::now() - begun;
  const std::string id = request_id(head, notes.clock);
  response.headers.push_back({"x-request-id", id});
  notes.cors.allow(http::find_header(head.headers, "origin"), response);
  count(notes, kind, head.method, response, taken);
  if (log::enabled(log::Level::info)) {
    write_log({id, head.method, head.path, response.status, "", peer, taken});
  }
}

Noting::Noting(http::Reply reply, const http::Request& request, Target::Kind kind,
               const Notes& notes)
    : reply_(std::move(reply)),
      notes_(notes),
      kind_(kind),
      id_(request_id(request.head, notes.clock)),
      method_(request.head.method),
      path_(request.head.path),
      peer_(request.peer),
      origin_(copy_of(http::find_header(request.head.headers, "origin"))),
      begun_at_(notes.tracer != nullptr ? notes.clock.now() : Timestamp()) {
  if (notes.tracer == nullptr) return;
  const std::string* header = http::find_header(request.head.headers, "traceparent");
  const auto parent = header != nullptr ? trace::parse_traceparent(*header) : std::nullopt;
  const trace::TraceContext span = notes.tracer->begin(parent);
  if (!span.sampled) return;
  span_ = span;
  if (parent) parent_ = parent->span;
}

void Noting::send(http::Response response) {
  note(response);
  reply_.send(std::move(response));
}

std::unique_ptr<http::BodyWriter> Noting::stream(http::Response head) {
  note(head);
  return reply_.stream(std::move(head));
}

void Noting::note(http::Response& response) {
  const SteadyClock::duration taken = SteadyClock::now() - begun_;
  response.headers.push_back({"x-request-id", id_});
  notes_.cors.allow(origin_ ? &*origin_ : nullptr, response);
  count(notes_, kind_, method_, response, taken);
  if (span_) end_span(response);
  if (!log::enabled(log::Level::info)) return;
  std::optional<log::With> in_trace;
  if (span_) in_trace.emplace("trace", trace::to_hex(span_->trace));
  write_log({id_, method_, path_, response.status, key_, peer_, taken});
}

/// With the names of OpenTelemetry's conventions for HTTP servers. The query stays out: it may hold
/// what nobody should read.
void Noting::end_span(const http::Response& response) {
  const std::string route(route_of(kind_));
  trace::Span span;
  span.context = *span_;
  span.parent = parent_;
  span.name = method_ + " " + route;
  span.kind = trace::SpanKind::server;
  span.begun = begun_at_;
  span.ended = notes_.clock.now();
  span.attributes = {{"http.request.method", method_},
                     {"http.route", route},
                     {"url.path", path_},
                     {"http.response.status_code", int64_t{response.status}},
                     {"client.address", peer_},
                     {"weir.request", id_}};
  if (!key_.empty()) span.attributes.emplace_back("weir.key", key_);
  span.links = std::move(links_);
  const std::string* location = http::find_header(response.headers, "location");
  if (location != nullptr && location->starts_with(run_address)) {  // it has started a run
    const RunId run(location->substr(run_address.size()));
    span.links.push_back(notes_.tracer->of_run(run, 1));
  }
  if (response.status >= 500) span.error = std::string(http::reason(response.status));
  notes_.tracer->end(std::move(span));
}

}  // namespace weir::api
