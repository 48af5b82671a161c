#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "trace/trace_context.h"

namespace weir::trace {

using Time = std::chrono::system_clock::time_point;

/// With OTLP's numbers.
enum class SpanKind { internal = 1, server = 2, client = 3 };

using AttributeValue = std::variant<std::string, int64_t, double, bool, std::vector<std::string>>;
/// A name (of the OpenTelemetry conventions, or weir's own: "weir.…") and its value.
using Attribute = std::pair<std::string_view, AttributeValue>;

/// Something that was done and has ended.
struct Span {
  TraceContext context;
  std::optional<SpanId> parent;  ///< in the same trace; none: the trace begins with it
  std::string name;              ///< few different ones: "POST /api/tables/{table}/rows"
  SpanKind kind = SpanKind::internal;
  Time begun{}, ended{};
  std::vector<Attribute> attributes = {};
  std::vector<TraceContext> links = {};   ///< spans of other traces that it has to do with
  std::optional<std::string> error = {};  ///< why it failed, when it did
};

/// Takes spans that have ended, from any thread; never waits.
class SpanSink {
 public:
  virtual ~SpanSink() = default;
  virtual void take(Span span) = 0;
};

}  // namespace weir::trace
