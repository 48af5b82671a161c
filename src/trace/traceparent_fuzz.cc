#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "trace/trace_context.h"

/// The input: the value of a `traceparent`. What is taken is written as it was read, but for what
/// only a later version knows.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace weir::trace;
  const auto context = parse_traceparent({reinterpret_cast<const char*>(data), size});
  if (!context) return 0;
  if (context->trace == TraceId{} || context->span == SpanId{}) std::abort();
  if (parse_traceparent(to_traceparent(*context)) != context) std::abort();
  return 0;
}
