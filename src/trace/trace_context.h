#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace weir::trace {

using TraceId = std::array<unsigned char, 16>;  ///< not all zeros
using SpanId = std::array<unsigned char, 8>;    ///< likewise

/// The name of a span, ours or somebody else's, and whether its trace is kept.
struct TraceContext {
  TraceId trace{};
  SpanId span{};
  bool sampled = false;

  bool operator==(const TraceContext&) const = default;
};

/// The header `traceparent` (https://www.w3.org/TR/trace-context/), of version 00 or as much of a
/// later one as 00 knows. None when it is not one: then a trace begins anew.
std::optional<TraceContext> parse_traceparent(std::string_view header);
/// "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
std::string to_traceparent(const TraceContext& context);

std::string to_hex(const TraceId& id);
std::string to_hex(const SpanId& id);

}  // namespace weir::trace
