#pragma once

#include <span>
#include <string>
#include <vector>

#include "trace/span.h"

namespace weir::trace {

/// Spans as the body of an OTLP/HTTP request in JSON (ExportTraceServiceRequest, OTLP 1.0 and
/// later): ids in hexadecimal, times as texts of nanoseconds since 1970. `resource`: who they are
/// of. What is known to be secret is redacted.
std::string otlp_json(std::span<const Attribute> resource, std::span<const Span> spans);

}  // namespace weir::trace
